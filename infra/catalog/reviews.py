"""Differences between two readings of a guide: opened once, settled by a person, never forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import func, select, update

from domain.errors import InputError
from domain.identity import fingerprint
from infra.catalog.connection import Catalog
from infra.catalog.review_tables import Review
from infra.catalog.tables import Document
from infra.catalog.types import named, now, storable
from infra.catalog.writing import Row, add_missing, rows_where

Choice = Literal["rule", "model", "none"]
_KIND = "guide"


@dataclass(frozen=True)
class Question:
    """What is to be decided about a document. Values are JSON; `evidence` are lines for people."""

    item: str
    field: str
    rule_value: Any
    model_value: Any
    evidence: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class ReviewRow:
    """A question and what became of it. `name` is the document's; `choice` is "" while it is open."""

    id: str
    document_id: str
    name: str
    item: str
    field: str
    rule_value: Any
    model_value: Any
    evidence: tuple[str, ...]
    reason: str
    model: str
    state: str
    choice: str
    settled_by: str
    settled_at: datetime | None
    created_at: datetime


def ask_reviewer(
    catalog: Catalog, owner: str, document_id: str, questions: Sequence[Question], model: str
) -> None:
    """Opens a review for each question that was not asked before, and closes the document's open ones
    that are not among these: another reading has taken the place of theirs."""
    rows = [_row(owner, document_id, question, model) for question in questions]
    stale = (
        update(Review)
        .where(Review.document_id == document_id, Review.state == "open")
        .where(Review.id.not_in([row["id"] for row in rows]))
    )
    with catalog.writing() as connection:
        connection.execute(stale.values(**_settled("none", "a newer reading")))
        add_missing(connection, Review, rows)


def _row(owner: str, document_id: str, question: Question, model: str) -> Row:
    values = [storable(question.rule_value), storable(question.model_value)]
    digest = fingerprint(values)
    return {
        "id": named("review", document_id, _KIND, question.item, question.field, digest),
        "owner": owner,
        "document_id": document_id,
        "kind": _KIND,
        "item": question.item,
        "field": question.field,
        "rule_value": values[0],
        "model_value": values[1],
        "values_digest": digest,
        "evidence": list(question.evidence),
        "reason": question.reason,
        "model": model,
        "state": "open",
        "choice": "",
        "settled_by": "",
        "settled_at": None,
        "created_at": now(),
    }


def find_reviews(
    catalog: Catalog, owner: str, *, state: str | None = None, document_ids: Sequence[str] | None = None
) -> list[ReviewRow]:
    """The owner's reviews by document, item and field; only open or settled ones, or of some documents."""
    r, d = Review, Document
    query = (
        select(r.id, r.document_id, d.name, r.item, r.field, r.rule_value, r.model_value, r.evidence,
               r.reason, r.model, r.state, r.choice, r.settled_by, r.settled_at, r.created_at)
        .join(d, d.id == r.document_id)
        .where(r.owner == owner)
    )  # fmt: skip
    if state is not None:
        query = query.where(r.state == state)
    with catalog.reading() as connection:
        found = list(rows_where(connection, query, r.document_id, document_ids))
    rows = [ReviewRow(**{**row._mapping, "evidence": tuple(row.evidence)}) for row in found]
    return sorted(rows, key=lambda row: (row.name, row.document_id, row.item, row.field, row.id))


def n_open_reviews(catalog: Catalog, owner: str) -> int:
    query = select(func.count()).select_from(Review).where(Review.owner == owner, Review.state == "open")
    with catalog.reading() as connection:
        return connection.execute(query).scalar_one()


def find_review(catalog: Catalog, owner: str, which: str) -> ReviewRow:
    """The review whose id begins with `which`. Raises InputError where none or several do."""
    found = [row for row in find_reviews(catalog, owner) if which and row.id.startswith(which.lower())]
    if len(found) == 1:
        return found[0]
    if not found:
        raise InputError(f"There is no review {which!r}: `trainyard reviews` lists those that are open")
    several = ", ".join(row.id[:13] for row in found[:5])
    raise InputError(f"{len(found)} reviews begin with {which!r} ({several}): give more of the id")


def settle_review(catalog: Catalog, review_id: str, choice: Choice, by: str) -> None:
    """Notes whose value is taken; a settled review may be settled anew, the last word counts."""
    with catalog.writing() as connection:
        connection.execute(update(Review).where(Review.id == review_id).values(**_settled(choice, by)))


def _settled(choice: Choice, by: str) -> Row:
    return {"state": "settled", "choice": choice, "settled_by": by, "settled_at": now()}
