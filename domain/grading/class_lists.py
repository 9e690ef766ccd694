"""Class lists: tables with a row a student and a column a question, from spreadsheets, forms and quizzes.

Which tables are such lists, and which guide and items their columns are about. What a column is, its header
says (`class_columns`); a header that repeats a question of the guide word for word is that question's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from domain.documents.extraction import Extraction
from domain.grading.alignment import Choice, choose_guide
from domain.grading.class_columns import IDENTITY, OF_AN_ITEM, Column, Use, is_header, read_columns
from domain.grading.likeness import Likeness
from domain.grading.numbering import normalise_number
from domain.grading.records import Guide, Submission
from domain.grading.table_rows import Row, tables_of

_HEADER_WITHIN = 6
"""Rows in which the header is looked for: titles may stand above it."""


@dataclass(frozen=True)
class Sheet:
    """A table with its header understood. `rows` are below the header, which is row `header_at`."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    header_at: int = 1

    def cells(self, row: Row) -> dict[Column, str]:
        """A row's cells by their column; short rows lack some."""
        return {c: row.cells[c.position].strip() for c in self.columns if c.position < len(row.cells)}


def class_sheets(extraction: Extraction) -> list[Sheet]:
    """The tables of a CSV or spreadsheet that are class lists; none where it is something else."""
    if "csv" not in extraction.media_type and "spreadsheet" not in extraction.media_type:
        return []
    found = []
    for table in tables_of(extraction):
        for n, row in enumerate(table[:_HEADER_WITHIN]):
            columns = read_columns(row.cells)
            if is_header(columns) or _repeats_questions(columns):
                found.append(Sheet(tuple(columns), tuple(table[n + 1 :]), row.number))
                break
    return found


def _repeats_questions(columns: Sequence[Column]) -> bool:
    """Whether it may be a form whose headers are the questions themselves; the guide decides later."""
    asked = [column for column in columns if column.use is Use.UNKNOWN and len(column.question.split()) > 2]
    return bool(asked) and any(column.use in IDENTITY for column in columns)


def choose_class_guide(sheets: Sequence[Sheet], guides: Sequence[Guide]) -> Choice:
    """The one guide that the lists' `Guide` column states, else the one that has most of their questions."""
    titles = {
        row.cells[column.position].strip()
        for sheet in sheets
        for column in sheet.columns
        if column.use is Use.GUIDE
        for row in sheet.rows
        if column.position < len(row.cells) and row.cells[column.position].strip()
    }
    if len(titles) > 1:
        told = ", ".join(sorted(titles))
        return Choice(
            None, f"the list answers {len(titles)} guides ({told}): make a list of each guide's rows"
        )
    if titles:
        return choose_guide(Submission("", (), titles.pop()), guides)
    known = [
        sum(bool(number) for sheet in sheets for number in item_numbers(sheet, guide).values())
        for guide in guides
    ]
    best = max(known, default=0)
    if best and known.count(best) == 1:
        return Choice(known.index(best))
    if best:
        fitting = ", ".join(repr(guide.title) for guide, n in zip(guides, known, strict=True) if n == best)
        return Choice(None, f"the list fits {fitting}: add a column 'Guide' with the title of one")
    return Choice(
        None, "no guide has the questions of this list: add the guide, or a column 'Guide' with its title"
    )


def item_numbers(sheet: Sheet, guide: Guide) -> dict[Column, str]:
    """The guide's item of each column that is of one, "" where the guide has no such item."""
    numbers = {normalise_number(item.number): item.number for item in guide.items}
    likeness = Likeness(guide.items)
    found = {}
    for column in sheet.columns:
        if column.number and column.use in OF_AN_ITEM:
            found[column] = numbers.get(column.number, "")
        elif column.question and column.use in (*OF_AN_ITEM, Use.UNKNOWN):
            item = likeness.repeated_question(column.question)
            if item is not None:
                found[column] = guide.items[item].number
    return found


def cells_of(sheet: Sheet, column: Column) -> Iterator[str]:
    for row in sheet.rows:
        if column.position < len(row.cells) and row.cells[column.position].strip():
            yield row.cells[column.position].strip()
