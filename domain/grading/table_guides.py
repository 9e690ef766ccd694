"""Marking guides written as tables: a header row names the columns, each row is an item."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from domain.documents.extraction import Extraction, Table
from domain.grading.drafts import Candidate, Draft, Point
from domain.grading.marks_notation import has_limit, read_number, take_marks
from domain.grading.numbering import normalise_number, read_label
from domain.grading.prose_guides import Section, read_list, read_points, title_of
from domain.grading.segments import lines_of
from domain.grading.totals import read_total, total_of_preamble
from domain.grading.vocabulary import GUIDE_COLUMNS, match_columns

_FRAMED = re.compile(r"^\s*\|(.*)\|\s*$")
_RULER = re.compile(r"^[\s|:=+-]+$")
_ACCEPTED = re.compile(r"\s*(?:also )?(?:accept|allow)\s*:?\s+", re.IGNORECASE)
_REFUSED = re.compile(r"\s*(?:do not|don't) (?:accept|allow|credit)\s*:?\s+|\s*reject\s*:?\s+", re.IGNORECASE)
_NUMBER_CELL = re.compile(
    r"^(?:q(?:uestion)?\.?\s*)?\(?\d{1,3}(?:\.\d{1,2})*\s*(?:\(?[a-z]\)?\s*)?(?:\(?[ivx]{1,4}\)?)?[.):]?$",
    re.I,
)


@dataclass(frozen=True)
class Row:
    """A row of a table and where it stands, for people."""

    cells: tuple[str, ...]
    place: str


def read_tables(extraction: Extraction) -> Candidate:
    """Items from every table whose header names an answer and marks, a question or a number."""
    drafts: list[Draft] = []
    total: float | None = None
    for rows in _tables(extraction):
        found, stated = _read_rows(rows)
        drafts += found
        total = stated if total is None else total
    lines = [line for line in lines_of(extraction.text) if "|" not in line]
    stated_lines = [t.marks for line in lines if (t := read_total(line))]
    if total is None:
        total = stated_lines[-1] if stated_lines else total_of_preamble(lines)
    title = "" if _is_delimited(extraction) else _title(lines_of(extraction.text))
    return Candidate(title, tuple(drafts), total)


def header_of(cells: Sequence[str], rows: Sequence[Row]) -> dict[str, int]:
    """Our column names → positions, {} for a row that is no header of a guide's table."""
    columns = match_columns(cells, GUIDE_COLUMNS)
    if "answer" not in columns and "criteria" not in columns:
        return {}
    named_question = next((i for i, c in enumerate(cells) if c.strip().lower() == "question"), None)
    if "number" not in columns and named_question is not None and _holds_numbers(rows, named_question):
        columns = {"number": named_question} | {k: v for k, v in columns.items() if v != named_question}
    # A list of marking points with their marks is a table too, within an item.
    telling = {"number", "question", "marks"} if "answer" in columns else {"number", "question"}
    return columns if columns.keys() & telling else {}


def _holds_numbers(rows: Sequence[Row], column: int) -> bool:
    cells = [
        row.cells[column].strip() for row in rows if column < len(row.cells) and row.cells[column].strip()
    ]
    cells = [cell for cell in cells if cell.lower() != "total"]
    return bool(cells) and all(_NUMBER_CELL.match(cell) for cell in cells)


def _tables(extraction: Extraction) -> Iterator[list[Row]]:
    if _is_delimited(extraction):
        yield _csv_rows(extraction.text)
        return
    if not extraction.tables:
        yield from piped_rows(extraction.text)
    for n, table in enumerate(extraction.tables, 1):
        yield _rows(n, table)


def _rows(n: int, table: Table) -> list[Row]:
    page = f"page {table.page} " if table.page else ""
    return [Row(cells, f"{page}table {n} row {i}") for i, cells in enumerate(table.rows, 1)]


def _csv_rows(text: str) -> list[Row]:
    header = next((line for line in lines_of(text) if line.strip()), "")
    delimiter = max(",;\t|", key=header.count)
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=delimiter)
    return [
        Row(tuple(cells), f"row {i}") for i, cells in enumerate(reader, 1) if any(c.strip() for c in cells)
    ]


def piped_rows(text: str) -> Iterator[list[Row]]:
    """Tables drawn with "|" between the cells, as in Markdown."""
    rows: list[Row] = []
    for i, line in enumerate(lines_of(text), 1):
        if line.count("|") > 1 or " | " in line:
            if not _RULER.match(line):
                framed = _FRAMED.match(line)
                cells = (framed[1] if framed else line).split("|")
                rows.append(Row(tuple(cell.strip(" *_") for cell in cells), f"line {i}"))
        elif rows and line.strip():
            yield rows
            rows = []
    if rows:
        yield rows


def _read_rows(rows: Sequence[Row]) -> tuple[list[Draft], float | None]:
    """The drafts of one table and the total in its last row, if it has one."""
    at, columns = next(
        ((i, found) for i, row in enumerate(rows[:6]) if (found := header_of(row.cells, rows[i + 1 :]))),
        (0, {}),
    )
    drafts: list[Draft] = []
    total: float | None = None
    if not columns:
        return drafts, total
    for row in rows[at + 1 :]:
        cells = {name: row.cells[i].strip() for name, i in columns.items() if i < len(row.cells)}
        stated = _total_of(row)
        if stated is not None:
            total = stated
        elif row.cells == rows[at].cells or not any(cells.values()):
            continue
        elif drafts and not cells.get("number") and not cells.get("question"):
            drafts[-1] = _continued(drafts[-1], cells)
        else:
            drafts.append(_draft(cells, row.place, len(drafts) + 1))
    return drafts, total


def _total_of(row: Row) -> float | None:
    filled = [cell.strip() for cell in row.cells if cell.strip()]
    if not filled or not re.match(r"^(?:grand |overall )?total\b", filled[0], re.IGNORECASE):
        return None
    return _marks_in(filled[-1])


def _marks_in(cell: str) -> float | None:
    plain = read_number(cell)
    return (
        plain
        if plain is not None
        else take_marks(f"{cell}" if re.search("[a-zA-Z/]", cell) else f"[{cell.strip('[]() ')}]").marks
    )


def _draft(cells: dict[str, str], place: str, position: int) -> Draft:
    question = cells.get("question", "")
    number = cells.get("number", "")
    label = read_label(question)
    if not number and label is not None and label.style != "sub":
        number, question = label.number, label.rest
    asked = take_marks(question) if not cells.get("marks") else None
    answer = cells.get("answer", "")
    accepted, refused, guidance = _sorted_guidance(cells.get("criteria", ""))
    points = _points(guidance) or _points_in_answer(answer)
    value = _marks_in(cells["marks"]) if cells.get("marks") else asked.marks if asked else None
    number = normalise_number(number) or str(position)
    return Draft(
        number=number,
        levels=(number,),
        place=place,
        question=asked.text if asked else question,
        answer=_without_marks(answer),
        marks=() if value is None else (value,),
        points=tuple(points),
        limited=has_limit(cells.get("criteria", "")) or has_limit(answer),
        alternatives=tuple(read_list([*re.split(r"\n|\s\|\|\s", cells.get("alternatives", "")), *accepted])),
        not_accepted=tuple(read_list([*cells.get("not_accepted", "").splitlines(), *refused])),
    )


def _sorted_guidance(text: str) -> tuple[list[str], list[str], str]:
    """What a cell of guidance accepts, what it refuses, and the rest of it."""
    accepted: list[str] = []
    refused: list[str] = []
    rest: list[str] = []
    for line in text.splitlines():
        for kind, found in ((refused, _REFUSED.match(line)), (accepted, _ACCEPTED.match(line))):
            if found:
                kind.append(line[found.end() :])
                break
        else:
            rest.append(line)
    return accepted, refused, "\n".join(rest)


def _points(text: str) -> list[Point]:
    lines = tuple(piece for line in lines_of(text) for piece in (line.split(";") if ";" in line else [line]))
    return read_points(Section("criteria", "", lines))


def _points_in_answer(answer: str) -> list[Point]:
    points = [p for p in _points(answer) if p.marks is not None]
    return points if len(points) > 1 else []


def _without_marks(answer: str) -> str:
    return "\n".join(take_marks(line).text for line in answer.splitlines()).strip()


def _continued(draft: Draft, cells: dict[str, str]) -> Draft:
    """A row without number and question belongs to the item above: another point of it."""
    answer = _without_marks(cells.get("answer", ""))
    value = _marks_in(cells["marks"]) if cells.get("marks") else None
    marks = draft.marks
    if value is not None:
        marks = (draft.marks[0] + value,) if draft.marks else (value,)
    more = tuple(read_list(cells.get("alternatives", "").splitlines()))
    return replace(
        draft,
        answer="\n".join(text for text in (draft.answer, answer) if text),
        marks=marks,
        points=draft.points + tuple(_points(cells.get("criteria", ""))),
        alternatives=draft.alternatives + more,
    )


def _is_delimited(extraction: Extraction) -> bool:
    return "csv" in extraction.media_type or "tab-separated" in extraction.media_type


def _title(lines: Sequence[str]) -> str:
    """The title above the first table, "" when nothing stands there."""
    return title_of(list(takewhile(lambda line: "|" not in line, lines)))[0]
