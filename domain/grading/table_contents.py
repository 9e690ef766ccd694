"""The columns of a table without any header, told from what stands in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from domain.grading.number_cells import read_number_cell
from domain.grading.table_columns import Columns
from domain.grading.table_rows import Row

_CODE = re.compile(r"^\W?d?(?:[MABEP]|SC)\d")
_BRACKETED = re.compile(r"^[(\[]\d{1,2}[)\]]$")
_MOST = 20
"""Marks of one question."""


def columns_by_content(rows: Sequence[Row]) -> Columns | None:
    """Numbers on the left, whole marks, and notes that begin with codes ("M1 for …") on the right.

    None unless all three are plain: a table of data has no codes.
    """
    width = len(rows[0].cells) if rows else 0
    notes = next((i for i in range(width) if _share(rows, i, _is_coded) >= 0.5), None)
    if notes is None or not any(read_number_cell(row.cells[0].strip()) for row in rows):
        return None
    marks = [i for i in range(1, notes) if _share(rows, i, _is_worth) == 1]
    if not marks:
        return None
    numbers = tuple(i for i in range(2) if _share(rows, i, lambda cell: bool(read_number_cell(cell))) == 1)
    at = marks[-1]
    by_name = {"answer": at - 1, "marks": at, "guidance": notes}
    if at - 1 > len(numbers):
        by_name["working"] = len(numbers)
    return Columns(numbers or (0,), by_name)


def columns_of_item(row: Row) -> Columns | None:
    """Of a row that is an item by itself: a number, one text, and its marks in brackets; None for others."""
    filled = [i for i, cell in enumerate(row.cells) if cell.strip()]
    if len(filled) != 3 or not read_number_cell(row.cells[filled[0]].strip()):
        return None
    number, answer, marks = filled
    if not _BRACKETED.match(row.cells[marks].strip()):
        return None
    return Columns((number,), {"answer": answer, "marks": marks})


def _share(rows: Sequence[Row], column: int, holds: Callable[[str], bool]) -> float:
    """The share of a column's filled cells of which it holds; 0 where there is none."""
    cells = [row.cells[column].strip() for row in rows if column < len(row.cells)]
    filled = [cell for cell in cells if cell]
    return sum(map(holds, filled)) / len(filled) if filled else 0.0


def _is_coded(cell: str) -> bool:
    return _CODE.match(cell) is not None or cell.lower().startswith("total")


def _is_worth(cell: str) -> bool:
    return cell.isdigit() and int(cell) <= _MOST
