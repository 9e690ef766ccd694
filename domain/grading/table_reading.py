"""A row of a guide's table: a new item, more of the item above, another way to it, notes, or a total."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile

from domain.grading.drafts import Draft
from domain.grading.marks_cells import read_marks_cell
from domain.grading.number_cells import number_before_text, other_way, read_number_cell
from domain.grading.numbering import nest
from domain.grading.table_columns import Columns
from domain.grading.table_items import (
    continued,
    item_of_row,
    opens_guidance,
    opens_other_method,
    with_guidance,
    worth_of,
)
from domain.grading.table_rows import Row
from domain.grading.table_totals import TOTAL_OF, RowTotal, total_of_row, without_total
from domain.grading.totals import read_total

_SLACK = 1e-6
_NEAR = 2
"""How far the number of a table's first item may be from the last one's."""
_SURE = 3
"""Questions that end with a total before it is believed that all do."""


@dataclass
class RowReading:
    """The items and totals of the rows so far, and what the last row leaves open for the next."""

    drafts: list[Draft] = field(default_factory=list)
    totals: list[RowTotal] = field(default_factory=list)
    levels: tuple[str, ...] = ()
    parts: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Column of numbers → the levels that it gave last."""
    another: bool = False
    """Whether rows belong to another method, which earns the same marks again."""
    elsewhere: str = ""
    """The question of which another way is told, with its parts' numbers again."""
    guided: bool = False
    """Whether rows are notes to the marker."""

    ends_each: bool = True
    """Whether every total is that of one question, as far as the first `weighed` of them show."""
    weighed: int = 0
    fresh: bool = False
    """Whether no row of this table was read yet."""
    repeats: bool = False
    """Whether marks that are stated once more, within an item, are those of another method."""

    def read_row(self, row: Row, columns: Columns) -> None:
        total = total_of_row(row, columns)
        if total is not None:
            start = self.totals[-1].since[1] if self.totals else 0
            of = next((cell for cell in row.cells if cell.strip()), "")
            named = TOTAL_OF.search(of)
            line = read_total(" ".join(of.split()))
            question = (named["a"] or named["b"]) if named else ""
            since = (start, len(self.drafts))
            self.totals.append(RowTotal(total, question, since, whole=line is not None and line.whole))
            return
        filled = [cell for cell in row.cells if cell.strip()]
        stated = read_marks_cell(filled[0]) if len(filled) == 1 else None
        if stated and stated.is_sum and stated.total is not None and self.drafts:
            self._sum(stated.total, filled[0])
            return
        row, below = without_total(self._with_number_apart(row, columns))
        self._item(columns.cells(row), columns.number_cells(row), row, columns)
        if below is not None and self.drafts:
            start = self.totals[-1].since[1] if self.totals else 0
            self.totals.append(RowTotal(below, "", (start, len(self.drafts))))

    def is_next(self, row: Row, columns: Columns) -> bool:
        """Whether a row's number is that of the question in hand, of a part, or of the next question."""
        read = next((levels for cell in columns.number_cells(row) if (levels := read_number_cell(cell))), ())
        top = read[0].split(".")[0] if read else ""
        if not top.isdigit() or not self.drafts or not top_of(self.drafts[-1]).isdigit():
            return bool(read)
        return 0 <= int(top) - int(top_of(self.drafts[-1])) <= _NEAR

    def levels_below(self, top: float, rows: Sequence[Row]) -> None:
        """A table of levels belongs to the item above it, which is worth the top of the highest."""
        last = self.drafts[-1]
        for row in rows[1:]:
            last = with_guidance(last, [cell for cell in row.cells if cell.strip()])
        self.drafts[-1] = last if last.marks else replace(last, marks=(top,), points=())

    def _with_number_apart(self, row: Row, columns: Columns) -> Row:
        """A row whose number and answer stand in one cell as two."""
        at, answer = next(iter(columns.numbers), -1), columns.by_name.get("answer", -1)
        if at < 0 or not at < answer < len(row.cells) or row.cells[answer].strip():
            return row
        told = number_before_text(row.cells[at])
        if told is None or other_way(row.cells[at]) is not None:
            return row
        cells = [*row.cells]
        cells[at], cells[answer] = told
        return (
            replace(row, cells=tuple(cells))
            if self.is_next(replace(row, cells=tuple(cells)), columns)
            else row
        )

    def _item(self, cells: dict[str, str], number: tuple[str, ...], row: Row, columns: Columns) -> None:
        parted = [other_way(cell) for cell in number]
        if any(one is not None for one in parted):
            number = tuple(
                found if found is not None else cell for found, cell in zip(parted, number, strict=True)
            )
        levels = () if self._goes_against_totals(number) else self._levels(number)
        if any(one is not None for one in parted) and levels:
            self.elsewhere = levels[0]
        told_before = self._told_before(levels) if levels[:1] == (self.elsewhere,) else None
        if told_before is not None and levels != self.levels:
            # A part of another way through a question that is told whole.
            self.levels, self.another, self.guided = levels, True, False
            self.drafts[told_before] = continued(self.drafts[told_before], cells, counts=False)
            return
        if self.drafts and any(number) and not any(map(read_number_cell, number)) and not cells.get("marks"):
            # "Notes: …" under an item.
            return
        again = levels == self.levels and bool(self.drafts) and bool(columns.numbers)
        if self.drafts and (again or not levels) and not cells.get("question"):
            told = [cell for i, cell in enumerate(row.cells) if cell.strip() and i not in columns.numbers]
            self.guided = self.guided or opens_guidance(told)
            self.another = (
                self.another
                or any(one is not None for one in parted)
                or opens_other_method(told, self.drafts[-1])
                or (
                    (self.repeats or (again and any(number) and self.fresh))
                    and _repeats(cells, self.drafts[-1])
                )
            )
            if self.guided:
                self.drafts[-1] = with_guidance(self.drafts[-1], told)
            else:
                self.drafts[-1] = continued(self.drafts[-1], cells, counts=not self.another)
        elif any(cells.values()) or levels:
            self.levels, self.another, self.guided = levels or self.levels, False, False
            draft = item_of_row(cells, row, levels, len(self.drafts) + 1)
            self.drafts.append(draft if draft.question else replace(draft, question=columns.asked))
        self.fresh = False

    def _told_before(self, levels: tuple[str, ...]) -> int | None:
        return next((i for i, draft in enumerate(self.drafts) if draft.levels == levels), None)

    def _goes_against_totals(self, number: tuple[str, ...]) -> bool:
        """Whether a number is a value: every question so far ended with a total, and this one did not yet."""
        first = next((cell for cell in number if cell), "")
        read = read_number_cell(first)
        start = self.totals[-1].since[1] if self.totals else 0
        if not read or not read[0][0].isdigit() or start == len(self.drafts) or len(self.totals) < _SURE:
            return False
        told = self.totals[self.weighed :]
        self.weighed = len(self.totals)
        self.ends_each = self.ends_each and all(
            len({top_of(draft) for draft in self.drafts[slice(*total.since)]}) == 1 for total in told
        )
        return self.ends_each and top_of(self.drafts[-1]) != read[0].split(".")[0]

    def _sum(self, value: float, text: str) -> None:
        """A row that holds nothing but marks in brackets: the sum of the item above, or of its question."""
        last = self.drafts[-1]
        top = top_of(last)
        group = list(takewhile(lambda draft: top_of(draft) == top, reversed(self.drafts)))
        if abs(worth_of(last) - value) < _SLACK:
            self.drafts[-1] = replace(last, marks=(value,))
        elif len(group) > 1 and ("mark" in text.lower() or abs(sum(map(worth_of, group)) - value) < _SLACK):
            start = self.totals[-1].since[1] if self.totals else 0
            self.totals.append(RowTotal(value, top, (start, len(self.drafts))))
        else:
            self.drafts[-1] = replace(last, marks=(value, *last.marks))

    def _levels(self, cells: tuple[str, ...]) -> tuple[str, ...]:
        """The full number of a row: what its cells say, below what columns further left said last."""
        first = next((i for i, cell in enumerate(cells) if cell), None)
        if first is None:
            return ()
        own = {i: read_number_cell(cells[i]) for i in range(first, len(cells)) if cells[i]}
        if not own[first]:
            return ()
        told = sum((own[i] for i in sorted(own)), ())
        kept = {i: levels for i, levels in self.parts.items() if i < first}
        self.parts = {**kept, **own}
        if told[0][0].isdigit() or not self.levels:
            return sum((self.parts[i] for i in sorted(self.parts)), ())
        # "(b)" stands below the question above, whose number may be in a column further left.
        full = nest(told, self.levels)
        top = next((levels[0] for _, levels in sorted(kept.items()) if levels[0][0].isdigit()), full[0])
        return full if full[0] == top else (top, *told)


def top_of(draft: Draft) -> str:
    """The question that an item belongs to: "1" for 1(a) and for 01.2."""
    return draft.levels[0].split(".")[0]


def _repeats(cells: dict[str, str], draft: Draft) -> bool:
    """Whether a table that begins with the item above states its marks once more: it shows another method."""
    marks = read_marks_cell(cells.get("marks", "")).total
    return marks is not None and marks > 1 and draft.marks[:1] == (marks,)
