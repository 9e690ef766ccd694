"""What there is to train on: guides, and their items and answers as frames under their contracts.

Only what the newest parse of each document found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from sqlalchemy import Connection, func, select

from domain.kinds import Role
from infra.catalog import tables
from infra.catalog.connection import Catalog
from infra.catalog.parses import ParseOutcome
from infra.catalog.shapes import GuideParse, answer_frame, answer_query, item_frame, item_query
from infra.catalog.writing import rows_where


@dataclass(frozen=True)
class GuideRow:
    """A guide or tidy table. `id` is its document's; `n_graded` counts the answers with a gold score."""

    id: str
    name: str
    title: str
    outcome: ParseOutcome
    problems: tuple[str, ...]
    stated_total: float | None
    total: float
    n_items: int
    n_answers: int
    n_graded: int


@dataclass(frozen=True)
class SubmissionRow:
    document_id: str
    name: str
    guide_id: str
    student: str
    expected_total: float | None
    problems: tuple[str, ...]
    n_answers: int


@dataclass(frozen=True)
class ParseRow:
    """A document whose newest parse has problems, failed, or waits for its guide."""

    document_id: str
    role: Role
    name: str
    outcome: ParseOutcome
    problems: tuple[str, ...]


def guides(catalog: Catalog, owner: str, ids: Sequence[str] | None = None) -> list[GuideRow]:
    """The owner's guides and tidy tables by name, those with problems too; of `ids`, unless None."""
    d, p, i = tables.Document, tables.Parse, tables.Item
    query = (
        select(d.id, d.name, p.title, p.outcome, p.problems, p.stated_total, p.id.label("parse_id"))
        .join(p, p.document_id == d.id)
        .where(d.owner == owner, p.is_guide, ~p.superseded)
    )
    worth = select(i.parse_id, func.sum(i.max_score), func.count()).group_by(i.parse_id)
    with catalog.reading() as connection:
        found = list(rows_where(connection, query, d.id, ids))
        parses = [row[6] for row in found]
        totals = {row[0]: tuple(row[1:]) for row in rows_where(connection, worth, i.parse_id, parses)}
        answered = _answered(connection, [row[0] for row in found])
    rows = [
        GuideRow(
            id=row.id,
            name=row.name,
            title=row.title,
            outcome=ParseOutcome(row.outcome),
            problems=tuple(row.problems),
            stated_total=row.stated_total,
            total=totals.get(row.parse_id, (0.0, 0))[0],
            n_items=totals.get(row.parse_id, (0.0, 0))[1],
            n_answers=answered.get(row.id, (0, 0))[0],
            n_graded=answered.get(row.id, (0, 0))[1],
        )
        for row in found
    ]
    return sorted(rows, key=lambda row: (row.name, row.id))


def _answered(connection: Connection, guide_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Number of answers and of graded answers by guide."""
    a, i, p = tables.Answer, tables.Item, tables.Parse
    query = (
        select(i.document_id, func.count(), func.count(a.gold))
        .select_from(a)
        .join(i, i.id == a.item_id)
        .join(p, p.id == a.parse_id)
        .join(GuideParse, GuideParse.id == i.parse_id)
        .where(~p.superseded, ~GuideParse.superseded)
        .group_by(i.document_id)
    )
    return {row[0]: (row[1], row[2]) for row in rows_where(connection, query, i.document_id, guide_ids)}


def guide_items(catalog: Catalog, guide_id: str) -> dict[str, tuple[str, float]]:
    """A guide's items: number → (item id, max_score), in the guide's order."""
    i, p = tables.Item, tables.Parse
    query = (
        select(i.number, i.id, i.max_score)
        .join(p, p.id == i.parse_id)
        .where(i.document_id == guide_id, ~p.superseded)
        .order_by(i.position)
    )
    with catalog.reading() as connection:
        return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def items_frame(catalog: Catalog, owner: str, guide_ids: Sequence[str] | None = None) -> pd.DataFrame:
    """Items under contract `Items` plus guide_id and place; guide by guide, in each guide's order.

    Of guides without problems, or of just the `guide_ids` given, problems or not.
    """
    i, d = tables.Item, tables.Document
    query = (
        item_query()
        .join(d, d.id == i.document_id)
        .where(d.owner == owner, ~GuideParse.superseded)
        .order_by(d.name, i.document_id, i.position)
    )
    if guide_ids is None:
        query = query.where(GuideParse.outcome == ParseOutcome.OK)
    with catalog.reading() as connection:
        return item_frame(rows_where(connection, query, i.document_id, guide_ids))


def answers_frame(catalog: Catalog, owner: str, guide_ids: Sequence[str] | None = None) -> pd.DataFrame:
    """Answers under contract `Answers` plus guide_id, document_id, given_split, given_protocol, place, doubt.

    Of the guides that `items_frame` takes, in the order of the documents. `gold` is NaN where nobody scored.
    """
    a, i, s, p, d = tables.Answer, tables.Item, tables.Submission, tables.Parse, tables.Document
    query = (
        answer_query(s.document_id, a.given_split, a.given_protocol, a.place, a.alignment, a.doubt)
        .join(p, p.id == a.parse_id)
        .join(d, d.id == i.document_id)
        .where(d.owner == owner, ~p.superseded, ~GuideParse.superseded)
        .order_by(d.name, s.document_id, a.position, a.id)
    )
    if guide_ids is None:
        query = query.where(GuideParse.outcome == ParseOutcome.OK)
    with catalog.reading() as connection:
        rows = rows_where(connection, query, i.document_id, guide_ids)
        beside = ("document_id", "given_split", "given_protocol", "place", "alignment", "doubt")
        return answer_frame(rows, *beside)


def submissions(catalog: Catalog, owner: str, guide_ids: Sequence[str] | None = None) -> list[SubmissionRow]:
    """Papers by document name and student; those of `guide_ids`, unless None."""
    s, d, p, a = tables.Submission, tables.Document, tables.Parse, tables.Answer
    query = (
        select(
            s.document_id,
            d.name,
            s.guide_id,
            s.student,
            s.expected_total,
            s.problems,
            func.count(a.id).label("n_answers"),
        )
        .join(d, d.id == s.document_id)
        .join(p, p.id == s.parse_id)
        .outerjoin(a, (a.submission_id == s.id) & (a.parse_id == s.parse_id))
        .where(d.owner == owner, ~p.superseded)
        .group_by(s.id, d.name)
    )
    with catalog.reading() as connection:
        found = list(rows_where(connection, query, s.guide_id, guide_ids))
    rows = [SubmissionRow(**{**row._mapping, "problems": tuple(row.problems)}) for row in found]
    return sorted(rows, key=lambda row: (row.name, row.student))


def unparsed(catalog: Catalog, owner: str, role: Role | None = None) -> list[ParseRow]:
    """Documents whose newest parse is not OK, by name."""
    d, p = tables.Document, tables.Parse
    query = (
        select(d.id, d.role, d.name, p.outcome, p.problems)
        .join(p, p.document_id == d.id)
        .where(d.owner == owner, ~p.superseded, p.outcome != ParseOutcome.OK)
        .order_by(d.name, d.id)
    )
    if role is not None:
        query = query.where(d.role == role)
    with catalog.reading() as connection:
        return [
            ParseRow(row[0], Role(row[1]), row[2], ParseOutcome(row[3]), tuple(row[4]))
            for row in connection.execute(query)
        ]
