"""Near copies among documents: reported, never merged."""

from __future__ import annotations

from domain.documents.near_duplicates import near_pairs
from domain.grading.report_input import NearDuplicate
from domain.kinds import Role
from infra import catalog as records
from tasks.workplace import Workplace

MOST_PAIRS = 200


def near_duplicates(place: Workplace) -> tuple[NearDuplicate, ...]:
    """Near copies among guides and among submissions, the most alike first."""
    found = []
    for role in (Role.GUIDE, Role.SUBMISSION):
        names = {d.id: d.name for d in records.documents(place.catalog, place.settings.owner, role)}
        pairs = near_pairs(records.signatures(place.catalog, place.settings.owner, role))
        found += [NearDuplicate(names[p.first], names[p.second], p.similarity) for p in pairs]
    return tuple(sorted(found, key=lambda pair: (-pair.similarity, pair.first, pair.second))[:MOST_PAIRS])
