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
from domain.grading.number_cells import read_number_cell
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
from domain.grading.table_items import with_guidance
from domain.grading.table_reading import RowReading, top_of
from domain.grading.table_rows import Row, is_delimited, tables_of
from domain.grading.table_totals import (
    misfits,
    sort_row_totals,
    total_of_row,
    with_remainders,
)
from domain.grading.totals import TotalLine, read_total, total_of_preamble

_SUBHEADER = re.compile(r"^(?:ao\s?\d|tot(?:al)?|maths?|prac(?:tical)?|marks?|[a-z]{1,5})$", re.IGNORECASE)
_HEADER_ROWS = 6
_MOST_COLUMNS = 24
"""Among which the one that holds marks is looked for; each is tried on the whole table."""


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
class TableReading(RowReading):
    """What was read so far; a table without a header goes on with the columns of the one before."""

    columns: Columns | None = None
    header: tuple[str, ...] = ()
    width: int = 0
    seen: dict[int, Columns] = field(default_factory=dict)
    """Number of columns → what they were when a table last had as many."""
    notes: Columns | None = None
    """Those of the table before, where it explained the marks of an item."""
    notes_width: int = 0

    def read(self, rows: Sequence[Row]) -> None:
        self.fresh = True
        if self.drafts and (top := read_bands([row.cells for row in rows])) is not None:
            self.levels_below(top, rows)
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
        top = top_of(self.drafts[at])
        by_number = {draft.number: i for i, draft in reversed([*enumerate(self.drafts)])}
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
            at = by_number.get(number, at) if levels else at
            told = [cell for i, cell in enumerate(row.cells) if cell.strip() and not (levels and i == 0)]
            self.drafts[at] = with_guidance(self.drafts[at], told)
        return True

    def _alone(self, rows: Sequence[Row]) -> bool:
        """Reads a table of one item whose header is ruled otherwise than its row."""
        told = columns_of_item(rows[-1]) if 1 < len(rows) <= _HEADER_ROWS and self.columns else None
        headed = any(cell.strip().lower().startswith("mark") for cell in rows[0].cells) if rows else False
        if told is None or not headed or not self.is_next(rows[-1], told):
            return False
        self.read_row(rows[-1], told)
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
        heading: tuple[str, ...] = ()
        for at, row in enumerate(rows):
            if _plain(row) == self.header:
                foreign = False
            elif heads_another(row.cells):
                # A table of levels or abbreviations, between the rows of one sheet.
                if foreign and _plain(row) == heading:
                    continue
                foreign, heading = True, _plain(row)
                below = self._below(rows[at:], heading)
                if self.drafts and (top := read_bands([one.cells for one in below])) is not None:
                    self.levels_below(top, below)
            elif not foreign and any(cell.strip() for cell in row.cells):
                self.read_row(row, self.columns)

    def _below(self, rows: Sequence[Row], heading: tuple[str, ...]) -> list[Row]:
        """The rows of a table of another kind, from its heading to the next; without the sheet's header."""
        below, ended = [rows[0]], False
        for row in rows[1:]:
            plain = _plain(row)
            if plain == self.header:
                ended = True
            elif heads_another(row.cells) and (ended or plain != heading):
                break
            else:
                below.append(row)
        return below

    def _fitting(self, rows: Sequence[Row]) -> tuple[Columns, bool]:
        """The columns of the table, and whether marks repeat in it: as the totals between its rows have it.

        Its marks may stand elsewhere than in the header's, and again in front of each method.
        """
        columns = self.columns
        assert columns is not None
        if "marks" not in columns.by_name or not any(total_of_row(row, columns) for row in rows):
            return columns, False
        first = max(columns.numbers, default=-1) + 1
        moved = (columns.with_marks_at(i) for i in range(first + 1, min(len(rows[0].cells), _MOST_COLUMNS)))
        best, fewest = (columns, False), self._misfits(rows, columns, repeats=False)
        for other in (columns, *moved):
            for repeats in (True, False):
                if any(fewest) and (other is columns or other.holds_marks(rows)):
                    n = self._misfits(rows, other, repeats=repeats)
                    best, fewest = ((other, repeats), n) if n < fewest else (best, fewest)
        return best

    def _misfits(self, rows: Sequence[Row], columns: Columns, *, repeats: bool) -> tuple[int, int]:
        """How many of the totals between the rows are not what the items above them add up to, and how many
        items' marks had to be inferred from a total."""
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
        settled = with_remainders(told, trial.drafts)
        return len(misfits(told, settled)), sum(draft.confidence < 1 for draft in settled)

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
            one for one in (*known, *self.columns.widened(width - self.width)) if self.is_next(rows[0], one)
        ]
        found = next((columns for columns in told if columns.holds_marks(rows)), None)
        if found is None and told and any(total_of_row(row, told[0]) is not None for row in rows):
            found = told[0]
        if found is not None:
            self.columns, self.width = found, width
        return found is not None

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
