"""Rows of totals between the items of a table: of a question, of the rows above, or of the paper."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.grading.drafts import Draft
from domain.grading.marks_cells import read_marks_cell
from domain.grading.table_columns import Columns
from domain.grading.table_items import worth_of
from domain.grading.table_rows import Row
from domain.grading.totals import read_total

_TOTAL = re.compile(
    r"^\W*(?:(?:grand|overall|question|paper|section)\s)?(?:q(?:uestion)?\s?)?\d{0,3}\s?total\b", re.I
)
TOTAL_OF = re.compile(
    r"\bq(?:uestion)?\.?\s*(?P<a>\d{1,3})\b|\btotal\s+(?:for\s+)?(?P<b>\d{1,3})\s*$", re.IGNORECASE
)
_BELOW = re.compile(r"(?:^|\n)[^\S\n]*\(?total\W{0,3}(?P<n>\d{1,3})\s{0,3}(?:marks?)?\)?\s*$", re.IGNORECASE)
_CODE = re.compile(r"^d?[MAB](?P<n>\d)(?:\b|(?=[a-z]))", re.MULTILINE)
"""A mark in the codes of maths schemes, in front of what earns it."""
_SLACK = 1e-6
_INFERRED = 0.9
"""Confidence in marks that a total tells and the item does not. A judgement, not a measurement."""


@dataclass
class RowTotal:
    """A row of totals: the question that it names, and the drafts since the row of totals before."""

    marks: float
    of: str
    since: tuple[int, int]
    whole: bool = False
    """Whether it names the paper."""


def total_of_row(row: Row, columns: Columns) -> float | None:
    filled = [" ".join(cell.split()) for cell in row.cells if cell.strip()]
    if not filled or not _TOTAL.match(filled[0]):
        return None
    at = columns.by_name.get("marks", len(row.cells))
    if any(_CODE.match(cell) for cell in filled):
        # "Total calculated correctly | M1" is a marking point.
        return None
    if at < len(row.cells) and (value := read_marks_cell(row.cells[at]).total) is not None:
        return value
    stated = next(
        (value for cell in reversed(filled[1:]) if (value := read_marks_cell(cell).total) is not None), None
    )
    if stated is None and (line := read_total(filled[0])):
        return line.marks
    return stated


def without_total(row: Row) -> tuple[Row, float | None]:
    """A row of an item without the total of its question, which stands below, or beside, what it says."""
    for i, cell in enumerate(row.cells):
        found = _BELOW.search(cell)
        if found:
            cells = (*row.cells[:i], cell[: found.start()], *row.cells[i + 1 :])
            return replace(row, cells=cells), float(found["n"])
    return row, None


def sort_row_totals(
    totals: Sequence[RowTotal], drafts: Sequence[Draft]
) -> tuple[float | None, dict[str, float], list[str]]:
    """The paper's total, those of questions by number, and what does not add up between rows of totals."""
    if len(totals) == 1 and not totals[0].of:
        return totals[0].marks, {}, []
    paper: float | None = None
    parents: dict[str, float] = {}
    problems: list[str] = []
    for n, total in enumerate(totals):
        start, end = total.since
        # The last total again, below another method to the last question, is not the paper's.
        again = n > 0 and total.marks == totals[n - 1].marks
        if total.whole or (n == len(totals) - 1 and not total.of and start == end and not again):
            paper = total.marks
        elif total.of:
            parents[total.of] = total.marks
    for total in misfits([t for t in totals if not t.whole and not t.of], drafts):
        start, end = total.since
        worth = sum(worth_of(draft) for draft in drafts[start:end])
        first, last = drafts[start].number, drafts[end - 1].number
        problems.append(
            f"items {first} to {last} add up to {worth:g} marks, the total below is {total.marks:g}"
        )
    return paper, parents, problems


def misfits(totals: Sequence[RowTotal], drafts: Sequence[Draft]) -> list[RowTotal]:
    """Those of the totals that the items above them do not add up to."""
    return [
        total
        for total in totals
        if total.since[1] > total.since[0] and not _fits(total.marks, drafts[slice(*total.since)])
    ]


def with_remainders(totals: Sequence[RowTotal], drafts: Sequence[Draft]) -> list[Draft]:
    """The drafts with marks for those of a question that state none, as its total tells.

    One number may stand for several parts: then the codes of their notes ("B1", "M1 A1") share it out, where
    they add up to the total. An only part without marks is worth what the others leave.
    """
    settled = list(drafts)
    for total in totals:
        start, end = total.since
        if total.whole or end == start:
            continue
        top = settled[end - 1].levels[0]
        group = [i for i in range(start, end) if settled[i].levels[0] == top]
        silent = [i for i in group if not worth_of(settled[i])]
        coded = [_worth_of_codes(settled[i]) for i in group]
        left = total.marks - sum(worth_of(settled[i]) for i in group)
        if silent and all(coded) and abs(sum(coded) - total.marks) < _SLACK:
            for i, worth in zip(group, coded, strict=True):
                settled[i] = replace(settled[i], marks=(worth,), points=(), confidence=_INFERRED)
        elif len(group) == 1 and settled[group[0]].coded and left < 0:
            # The codes of several methods in one cell: the question is worth what its total says.
            settled[group[0]] = replace(
                settled[group[0]], marks=(total.marks,), points=(), confidence=_INFERRED
            )
        elif len(silent) == 1 and left > 0:
            settled[silent[0]] = replace(settled[silent[0]], marks=(left,), points=(), confidence=_INFERRED)
    return settled


def _worth_of_codes(draft: Draft) -> float:
    return float(sum(int(found["n"]) for found in _CODE.finditer(draft.guidance)))


def _fits(total: float, drafts: Sequence[Draft]) -> bool:
    """Whether a total is that of the items since the one before, or of the last question among them."""
    last = [draft for draft in drafts if draft.levels[0] == drafts[-1].levels[0]]
    return any(abs(sum(map(worth_of, some)) - total) < _SLACK for some in (drafts, last))
