"""What a person is to decide between two readings of a guide, for people; and their decision."""

from __future__ import annotations

from typing import Any

from infra import catalog as records
from infra.catalog import ReviewRow
from infra.catalog.reviews import Choice
from tasks.model_parsing import apply_reviews
from tasks.workplace import workplace


def list_reviews(everything: bool = False) -> list[dict[str, Any]]:
    """Open reviews, or all of them, by guide and item; ids are cut to eight digits where that is enough."""
    place = workplace()
    state = None if everything else "open"
    return [
        _shown(review) for review in records.find_reviews(place.catalog, place.settings.owner, state=state)
    ]


def settle(which: list[str], choice: Choice) -> dict[str, Any]:
    """Takes the rule parser's or the model's value, and makes the guides so.

    Raises InputError for an id that no review, or more than one, begins with; then nothing is settled.
    """
    place = workplace()
    owner = place.settings.owner
    found = [records.find_review(place.catalog, owner, one) for one in which]
    for review in found:
        records.settle_review(place.catalog, review.id, choice, owner)
    changed = apply_reviews(place, [review.document_id for review in found])
    return {
        "settled": [_shown(records.find_review(place.catalog, owner, review.id)) for review in found],
        "changed": [{"guide": guide.title, "problems": list(guide.problems)} for guide in changed],
        "still_open": records.n_open_reviews(place.catalog, owner),
    }


def _shown(review: ReviewRow) -> dict[str, Any]:
    return {
        "id": review.id[:8],
        "guide": review.name,
        "item": review.item,
        "field": review.field,
        "rule": review.rule_value,
        "model": review.model_value,
        "read_by": review.model,
        "evidence": list(review.evidence),
        "reason": review.reason,
        "state": review.state,
        "choice": review.choice,
        "settled_by": review.settled_by,
    }
