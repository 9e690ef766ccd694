"""The rows of a document's tables, whatever drew them: ruled cells, commas, or "|" between the cells."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from domain.documents.extraction import Extraction, Table
from domain.grading.segments import lines_of

_FRAMED = re.compile(r"^\s*\|(.*)\|\s*$")
_RULER = re.compile(r"^[\s|:=+-]+$")
_LINE_END = re.compile(r"\s*<br\s?/?>\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """A row of a table and where it stands, for people. `page` counts from 1, None where there are none."""

    cells: tuple[str, ...]
    place: str
    page: int | None = None

    @property
    def number(self) -> int:
        """The row's number in its table, as its place has it."""
        return int(self.place.rpartition(" ")[2])


def tables_of(extraction: Extraction) -> Iterator[list[Row]]:
    """Every table in reading order; of a delimited file its one table."""
    if is_delimited(extraction):
        yield _csv_rows(extraction.text)
        return
    if not extraction.tables:
        yield from piped_rows(extraction.text)
    for n, table in enumerate(extraction.tables, 1):
        yield _rows(n, table)


def is_delimited(extraction: Extraction) -> bool:
    """Whether the whole file is one table, as CSV is."""
    return "csv" in extraction.media_type or "tab-separated" in extraction.media_type


def piped_rows(text: str) -> Iterator[list[Row]]:
    """Tables drawn with "|" between the cells, as in Markdown."""
    rows: list[Row] = []
    for i, line in enumerate(lines_of(text), 1):
        if line.count("|") > 1 or " | " in line:
            if not _RULER.match(line):
                framed = _FRAMED.match(line)
                cells = (framed[1] if framed else line).split("|")
                told = tuple(_LINE_END.sub("\n", cell).strip(" *_") for cell in cells)
                rows.append(Row(told, f"line {i}"))
        elif rows and line.strip():
            yield rows
            rows = []
    if rows:
        yield rows


def _rows(n: int, table: Table) -> list[Row]:
    page = f"page {table.page} " if table.page else ""
    return [Row(cells, f"{page}table {n} row {i}", table.page) for i, cells in enumerate(table.rows, 1)]


def _csv_rows(text: str) -> list[Row]:
    header = next((line for line in lines_of(text) if line.strip()), "")
    delimiter = max(",;\t|", key=header.count)
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=delimiter)
    return [
        Row(tuple(cells), f"row {i}") for i, cells in enumerate(reader, 1) if any(c.strip() for c in cells)
    ]
