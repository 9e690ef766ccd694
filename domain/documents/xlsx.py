"""XLSX by openpyxl: the values of each sheet as a table, formulas by what they last gave.

Nothing is calculated. Cells are read as a stream, and no more than a document may hold.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from domain.documents.docx import check_archive
from domain.documents.extraction import Draft, Limits, Table
from domain.errors import InputError

_MOST_COLUMNS, _MOST_ROWS, _MOST_CELL_CHARS = 64, 100_000, 32_767
_MOST_SHEETS = 50


def read(content: bytes, name: str, limits: Limits) -> Draft:
    """One row a line with " | " between the cells, each sheet below its name; and the sheets as tables."""
    from openpyxl import load_workbook

    check_archive(content, name, limits)
    book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
    lines: list[str] = []
    tables: list[Table] = []
    n_chars = 0
    try:
        for sheet in book.worksheets[:_MOST_SHEETS]:
            rows: list[tuple[str, ...]] = []
            for row in _rows(sheet):
                n_chars += sum(map(len, row))
                if n_chars > limits.max_chars or len(rows) >= _MOST_ROWS:
                    raise InputError(f"{name}: sheet {sheet.title!r} is too large: keep the rows that matter")
                rows.append(row)
            if rows:
                tables.append(Table(_trimmed(rows)))
                shown = (" | ".join(" ".join(cell.split()) for cell in row) for row in tables[-1].rows)
                lines += [f"# {sheet.title}", *shown]
    finally:
        book.close()
    return Draft("\n".join(lines), "openpyxl", tuple(tables))


def _rows(sheet: Any) -> Iterator[tuple[str, ...]]:
    for row in sheet.iter_rows(max_col=_MOST_COLUMNS, values_only=True):
        cells = tuple(_shown(value) for value in row)
        if any(cells):
            yield cells


def _shown(value: Any) -> str:
    """As a person reads it in the cell: 2.0 is 2."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)[:_MOST_CELL_CHARS].strip()


def _trimmed(rows: list[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Without the empty columns on the right."""
    width = max(max((i + 1 for i, cell in enumerate(row) if cell), default=0) for row in rows)
    return tuple((*row, *("",) * (width - len(row)))[:width] for row in rows)
