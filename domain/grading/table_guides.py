"""Marking guides written as tables: a header row names the columns, rows below it make up the items.

As exam boards print them: numbers in one column or in several, carried down blank cells; a mark a row, a
line or a code; headers again on every page; rows that a page cuts in two; totals of questions between rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile, zip_longest

from domain.documents.extraction import Extraction
from domain.grading.drafts import Candidate, Draft
from domain.grading.level_bands import read_bands
from domain.grading.marks_cells import read_marks_cell
from domain.grading.number_cells import number_before_text, other_way, read_number_cell
from domain.grading.numbering import nest
from domain.grading.prose_guides import title_of
from domain.grading.rubric_grids import read_rubric
from domain.grading.segments import lines_of
from domain.grading.table_columns import (
    Columns,
    columns_of,
    completes_header,
    heads_another,
    notes_of,
    with_header_apart,
)
from domain.grading.table_contents import columns_by_content, columns_of_item
from domain.grading.table_items import (
    continued,
    item_of_row,
    opens_guidance,
    opens_other_method,
    with_guidance,
    worth_of,
)
from domain.grading.table_rows import Row, is_delimited, tables_of
from domain.grading.table_totals import (
    TOTAL_OF,
    RowTotal,
    misfits,
    sort_row_totals,
    total_of_row,
    with_remainders,
    without_total,
)
from domain.grading.totals import TotalLine, read_total, total_of_preamble

_SUBHEADER = re.compile(r"^(?:ao\s?\d|tot(?:al)?|maths?|prac(?:tical)?|marks?|[a-z]{1,5})$", re.IGNORECASE)
_SLACK = 1e-6
_HEADER_ROWS = 6
_NEAR = 2
"""How far the number of a table's first item may be from the last one's."""
_SURE = 3
"""Questions that end with a total before it is believed that all do."""


def read_tables(extraction: Extraction) -> Candidate:
    """Items from every table whose header names an answer and marks, a question or a number."""
    reading = TableReading()
    for rows in tables_of(extraction):
        reading.read(rows)
    lines = [line for line in lines_of(extraction.text) if "|" not in line]
    stated = [total for line in lines if (total := read_total(line))]
    title = "" if is_delimited(extraction) else _title(lines_of(extraction.text))
    return reading.candidate(title, stated, total_of_preamble(_preamble(lines)))


@dataclass
class TableReading:
    """What was read so far; a table without a header goes on with the columns of the one before."""

    drafts: list[Draft] = field(default_factory=list)
    totals: list[RowTotal] = field(default_factory=list)
    columns: Columns | None = None
    header: tuple[str, ...] = ()
    width: int = 0
    seen: dict[int, Columns] = field(default_factory=dict)
    """Number of columns → what they were when a table last had as many."""
    levels: tuple[str, ...] = ()
    parts: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Column of numbers → the levels that it gave last."""
    another: bool = False
    """Whether rows belong to another method, which earns the same marks again."""
    elsewhere: str = ""
    """The question of which another way is told, with its parts' numbers again."""
    guided: bool = False
    """Whether rows are notes to the marker."""

    notes: Columns | None = None
    """Those of the table before, where it explained the marks of an item."""
    notes_width: int = 0

    fresh: bool = False
    """Whether no row of this table was read yet."""
    repeats: bool = False
    """Whether marks that are stated once more, within an item, are those of another method."""

    def read(self, rows: Sequence[Row]) -> None:
        self.fresh = True
        if self.drafts and (top := read_bands([row.cells for row in rows])) is not None:
            self._levels_below(top, rows)
            return
        if self.drafts and self._explains(rows):
            return
        found = self._header(rows)
        if (found is None or not any(found[1].number_cells(rows[-1]))) and self._alone(rows):
            return
        rows = with_header_apart(rows)
        found = self._header(rows)
        if found is not None:
            at, columns = found
            header = _plain(rows[at])
            if header != self.header or columns.numbers[:1] == () or self.columns is None:
                self.levels, self.parts = (), {}
            if self.columns is None or not self._lost_its_name(columns):
                self.columns = columns
            self.header, self.width = header, len(rows[at].cells)
            self.seen[self.width] = self.columns
            rows = rows[at + 1 :]
            if rows and completes_header(rows[0].cells):
                rows = rows[1:]
            if rows and (total := _total_column(rows[0])) is not None:
                self.columns = replace(columns, by_name={**columns.by_name, "marks": total})
                rows = rows[1:]
        elif not self._begins_with_item(rows) and (graded := read_rubric(rows, len(self.drafts))):
            self.drafts += graded
            return
        elif (self.columns is None or not self._goes_on(rows)) and not self._headless(rows):
            return
        kept = self.columns
        if not rows or kept is None:
            return
        self.columns, self.repeats = fitting = self._fitting(rows)
        self._rows(rows)
        self.columns, self.seen[len(rows[0].cells)] = kept, fitting[0]

    def _explains(self, rows: Sequence[Row]) -> bool:
        """Whether a table explains the marks of the question above it, whose items get its rows as notes."""
        notes = notes_of(rows[0].cells) if rows else None
        goes_on = self.notes is not None and all(len(row.cells) == self.notes_width for row in rows)
        if notes is None and (not goes_on or self._header(rows) is not None):
            self.notes = None
            return False
        if notes is not None:
            self.notes, self.notes_width, rows = notes, len(rows[0].cells), rows[1:]
        at = len(self.drafts) - 1
        top = _top_of(self.drafts[at])
        for row in rows:
            levels = next(
                (
                    r
                    for cell in (self.notes or Columns(())).number_cells(row)
                    if (r := read_number_cell(cell))
                ),
                (),
            )
            number = "".join(levels) if levels and levels[0][0].isdigit() else top + "".join(levels)
            at = next((i for i, draft in enumerate(self.drafts) if levels and draft.number == number), at)
            told = [cell for i, cell in enumerate(row.cells) if cell.strip() and not (levels and i == 0)]
            self.drafts[at] = with_guidance(self.drafts[at], told)
        return True

    def _alone(self, rows: Sequence[Row]) -> bool:
        """Reads a table of one item whose header is ruled otherwise than its row."""
        told = columns_of_item(rows[-1]) if 1 < len(rows) <= _HEADER_ROWS and self.columns else None
        headed = any(cell.strip().lower().startswith("mark") for cell in rows[0].cells) if rows else False
        if told is None or not headed or not self._is_next(rows[-1], told):
            return False
        self._row(rows[-1], told)
        return True

    def _headless(self, rows: Sequence[Row]) -> bool:
        """Whether a table without a header says by what stands in it which of its columns is which."""
        told = [row for row in rows if sum(bool(cell.strip()) for cell in row.cells) > 1]
        columns = columns_by_content(told) if rows and rows[0].page else None
        if columns is None or not any(total_of_row(row, columns) is not None for row in rows):
            return False
        self.columns, self.width = columns, len(rows[0].cells)
        return True

    def _rows(self, rows: Sequence[Row]) -> None:
        assert self.columns is not None
        foreign = False
        for at, row in enumerate(rows):
            if _plain(row) == self.header:
                foreign = False
            elif heads_another(row.cells):
                # A table of levels or abbreviations, between the rows of one sheet.
                foreign = True
                below = [one for one in rows[at:] if one is row or _plain(one) != self.header]
                if self.drafts and (top := read_bands([one.cells for one in below])) is not None:
                    self._levels_below(top, below)
            elif not foreign and any(cell.strip() for cell in row.cells):
                self._row(row, self.columns)

    def _fitting(self, rows: Sequence[Row]) -> tuple[Columns, bool]:
        """The columns of the table, and whether marks repeat in it: as the totals between its rows have it.

        Its marks may stand elsewhere than in the header's, and again in front of each method.
        """
        columns = self.columns
        assert columns is not None
        if "marks" not in columns.by_name or not any(total_of_row(row, columns) for row in rows):
            return columns, False
        first = max(columns.numbers, default=-1) + 1
        moved = (columns.with_marks_at(i) for i in range(first + 1, len(rows[0].cells)))
        best, fewest = (columns, False), self._misfits(rows, columns, repeats=False)
        for other in (columns, *moved):
            for repeats in (True, False):
                if fewest and (other is columns or other.holds_marks(rows)):
                    n = self._misfits(rows, other, repeats=repeats)
                    best, fewest = ((other, repeats), n) if n < fewest else (best, fewest)
        return best

    def _misfits(self, rows: Sequence[Row], columns: Columns, *, repeats: bool) -> int:
        """How many of the totals between the rows are not what the items above them add up to."""
        trial = replace(
            self,
            drafts=list(self.drafts),
            totals=list(self.totals),
            parts=dict(self.parts),
            columns=columns,
            repeats=repeats,
        )
        trial._rows(rows)
        told = trial.totals[len(self.totals) :]
        return len(misfits(told, with_remainders(told, trial.drafts)))

    def _header(self, rows: Sequence[Row]) -> tuple[int, Columns] | None:
        """Where a table's header is, and its columns. A table that begins with an item has none."""
        for at, row in enumerate(rows[:_HEADER_ROWS]):
            columns = columns_of(row.cells, rows[at + 1 :])
            if columns is not None:
                return at, columns
            if self._begins_with_item([row]):
                return None
        return None

    def _begins_with_item(self, rows: Sequence[Row]) -> bool:
        columns = self.columns
        return bool(columns and rows and any(map(read_number_cell, columns.number_cells(rows[0]))))

    def _levels_below(self, top: float, rows: Sequence[Row]) -> None:
        """A table of levels belongs to the item above it, which is worth the top of the highest."""
        last = self.drafts[-1]
        for row in rows[1:]:
            last = with_guidance(last, [cell for cell in row.cells if cell.strip()])
        self.drafts[-1] = last if last.marks else replace(last, marks=(top,), points=())

    def _lost_its_name(self, columns: Columns) -> bool:
        """Whether a header is the one before but for the name of the column of numbers, left blank."""
        before = self.columns
        return (
            before is not None
            and not columns.numbers
            and bool(before.numbers)
            and columns.by_name == before.by_name
        )

    def _goes_on(self, rows: Sequence[Row]) -> bool:
        """Whether a table without a header is the rest of the one before: as wide, on a page, and without a
        header of another kind (levels, abbreviations)."""
        if not rows:
            return False
        if len(rows[0].cells) != self.width or not rows[0].page:
            return self._as_before(rows)
        return not all(cell.strip() for cell in rows[0].cells) or any(
            c.isdigit() for c in "".join(rows[0].cells)
        )

    def _as_before(self, rows: Sequence[Row]) -> bool:
        """Whether the rows fit the columns of an earlier table, which are taken up again if so."""
        if self.columns is None:
            return False
        width = len(rows[0].cells)
        known = [self.seen[width]] if width in self.seen else []
        told = [
            one for one in (*known, *self.columns.widened(width - self.width)) if self._is_next(rows[0], one)
        ]
        found = next((columns for columns in told if columns.holds_marks(rows)), None)
        if found is None and told and any(total_of_row(row, told[0]) is not None for row in rows):
            found = told[0]
        if found is not None:
            self.columns, self.width = found, width
        return found is not None

    def _is_next(self, row: Row, columns: Columns) -> bool:
        """Whether a row's number is that of the question in hand, of a part, or of the next question."""
        read = next((levels for cell in columns.number_cells(row) if (levels := read_number_cell(cell))), ())
        top = read[0].split(".")[0] if read else ""
        if not top.isdigit() or not self.drafts or not _top_of(self.drafts[-1]).isdigit():
            return bool(read)
        return 0 <= int(top) - int(_top_of(self.drafts[-1])) <= _NEAR

    def _row(self, row: Row, columns: Columns) -> None:
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
            if self._is_next(replace(row, cells=tuple(cells)), columns)
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
        told_before = next((i for i, draft in enumerate(self.drafts) if draft.levels == levels), None)
        if levels[:1] == (self.elsewhere,) and told_before is not None and levels != self.levels:
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

    def _goes_against_totals(self, number: tuple[str, ...]) -> bool:
        """Whether a number is a value: every question so far ended with a total, and this one did not yet."""
        first = next((cell for cell in number if cell), "")
        read = read_number_cell(first)
        start = self.totals[-1].since[1] if self.totals else 0
        if not read or not read[0][0].isdigit() or start == len(self.drafts) or len(self.totals) < _SURE:
            return False
        each = all(len({_top_of(draft) for draft in self.drafts[slice(*t.since)]}) == 1 for t in self.totals)
        return each and _top_of(self.drafts[-1]) != read[0].split(".")[0]

    def _sum(self, value: float, text: str) -> None:
        """A row that holds nothing but marks in brackets: the sum of the item above, or of its question."""
        last = self.drafts[-1]
        top = _top_of(last)
        group = [draft for draft in self.drafts if _top_of(draft) == top]
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

    def candidate(self, title: str, stated: Sequence[TotalLine], preamble: float | None) -> Candidate:
        """`stated` are totals that stand outside of the tables."""
        self.drafts = with_remainders(self.totals, self.drafts)
        drafts = _without_stems(self.drafts)
        total, parents, problems = sort_row_totals(self.totals, self.drafts)
        parents |= {line.of: line.marks for line in stated if line.of}
        # Of several that name nothing, each is of the question above it.
        alone = len(stated) + len(self.totals) == 1
        whole = [line.marks for line in stated if line.whole or (alone and not line.of)]
        if total is None:
            total = whole[-1] if whole else preamble
        elif whole and whole[-1] != total and len(set(whole)) == 1:
            problems.append(
                f"the guide states different totals, {whole[-1]:g} and {total:g}: keep the right one"
            )
        return Candidate(title, tuple(drafts), total, parents, tuple(problems))


def _repeats(cells: dict[str, str], draft: Draft) -> bool:
    """Whether a table that begins with the item above states its marks once more: it shows another method."""
    marks = read_marks_cell(cells.get("marks", "")).total
    return marks is not None and marks > 1 and draft.marks[:1] == (marks,)


def _plain(row: Row) -> tuple[str, ...]:
    """The cells in small letters, without blank ones at the end, of which pages rule more or fewer."""
    cells = [" ".join(cell.split()).lower() for cell in row.cells]
    while cells and not cells[-1]:
        cells.pop()
    return tuple(cells)


def _total_column(row: Row) -> int | None:
    """Where a second row of headers ("AO1 | AO2 | Total") has the sum; None for any other row."""
    told = [(i, " ".join(cell.split()).lower()) for i, cell in enumerate(row.cells) if cell.strip()]
    if len(told) < 2 or not all(_SUBHEADER.match(text) for _, text in told):
        return None
    return next((i for i, text in told if text.startswith("tot")), None)


def _top_of(draft: Draft) -> str:
    """The question that an item belongs to: "1" for 1(a) and for 01.2."""
    return draft.levels[0].split(".")[0]


def _without_stems(drafts: Sequence[Draft]) -> list[Draft]:
    """Rows that only introduce the parts below them are no items; their text goes before their parts'."""
    kept: list[Draft] = []
    stems: dict[tuple[str, ...], str] = {}
    for draft, after in zip_longest(drafts, drafts[1:]):
        empty = not draft.answer and not draft.points and not draft.marks
        below = after is not None and after.levels[: len(draft.levels)] == draft.levels != after.levels
        if empty and (below or not draft.question):
            if below:
                stems[draft.levels] = draft.question
            continue
        above = [stems[draft.levels[:n]] for n in range(1, len(draft.levels)) if stems.get(draft.levels[:n])]
        # Where only the notes say what is right, they are the answer.
        answer = draft.answer or ("" if draft.points else draft.guidance)
        kept.append(replace(draft, question="\n".join([*above, draft.question]).strip(), answer=answer))
    return kept


def _preamble(lines: Sequence[str]) -> list[str]:
    return list(lines[:40])


def _title(lines: Sequence[str]) -> str:
    """The title above the first table, "" when nothing stands there."""
    return title_of(list(takewhile(lambda line: "|" not in line, lines)))[0]
