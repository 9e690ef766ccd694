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
from domain.grading.cell_lines import BULLET, unwrapped
from domain.grading.drafts import Candidate, Draft, Point
from domain.grading.marks_cells import MarksCell, read_marks_cell
from domain.grading.marks_notation import has_limit, take_marks
from domain.grading.numbering import nest, read_label, split_parts
from domain.grading.prose_guides import Section, read_list, read_points, title_of
from domain.grading.rubric_grids import read_rubric
from domain.grading.segments import lines_of
from domain.grading.table_columns import Columns, columns_of, heads_another
from domain.grading.table_rows import Row, is_delimited, tables_of
from domain.grading.totals import read_total, total_of_preamble

_ACCEPTED = re.compile(r"\s*(?:also )?(?:accept|allow|condone)\s*:?\s+", re.IGNORECASE)
_REFUSED = re.compile(
    r"\s*(?:do not|don['’]?t|not) (?:accept|allow|credit)\s*:?\s+|\s*(?:reject|ignore)\s*:?\s+", re.IGNORECASE
)
_NUMBER = re.compile(
    r"^(?:(?:q(?:u(?:estion)?)?|no|item|problem|task)(?![a-z])\.?)?[\s*]*(?P<top>\d{1,3}(?:\s?\.\s?\d{1,2}){0,3})?"
    r"(?P<parts>(?:[\s.]?\(?(?:[a-z]|[ivx]{1,5})\)?[.)]?){0,3})(?:\s*\(?cont[a-z.’'\s]{0,10}\)?)?[.):]?$",
    re.IGNORECASE,
)
_ONLY_PARTS = re.compile(
    r"^\(?(?:[a-z]|[ivx]{1,5})\)?[.)]?(?:\s?\(?[ivx]{1,5}\)?[.)]?)?(?:\s?\([ivx]{1,5}\))?$", re.IGNORECASE
)
_TOTAL = re.compile(
    r"^\W*(?:(?:grand|overall|question|paper|section)\s)?(?:q(?:uestion)?\s?)?\d{0,3}\s?total\b", re.I
)
_TOTAL_OF = re.compile(
    r"\bq(?:uestion)?\.?\s*(?P<a>\d{1,3})\b|\btotal\s+(?:for\s+)?(?P<b>\d{1,3})\s*$", re.IGNORECASE
)
_METHOD = re.compile(r"^(?:alternative|alt)\b\.?(?:\s\w+)?\s?(?P<n>\d)?\W*$|^or$", re.IGNORECASE)
_SUBHEADER = re.compile(r"^(?:ao\s?\d|tot(?:al)?|maths?|prac(?:tical)?|marks?|[a-z]{1,5})$", re.IGNORECASE)
_SLACK = 1e-6
_HEADER_ROWS = 6
_SPACED_DIGITS = re.compile(r"(?<=\d)\s+(?=[\d.])|(?<=\.)\s+(?=\d)")


def read_tables(extraction: Extraction) -> Candidate:
    """Items from every table whose header names an answer and marks, a question or a number."""
    reading = TableReading()
    for rows in tables_of(extraction):
        reading.read(rows)
    lines = [line for line in lines_of(extraction.text) if "|" not in line]
    stated = [(t.of, t.marks) for line in lines if (t := read_total(line))]
    title = "" if is_delimited(extraction) else _title(lines_of(extraction.text))
    return reading.candidate(title, stated, total_of_preamble(_preamble(lines)))


@dataclass
class _Total:
    """A row of totals: the question that it names, and the drafts since the row of totals before."""

    marks: float
    of: str
    since: tuple[int, int]
    whole: bool = False
    """Whether it names the paper."""


@dataclass
class TableReading:
    """What was read so far; a table without a header goes on with the columns of the one before."""

    drafts: list[Draft] = field(default_factory=list)
    totals: list[_Total] = field(default_factory=list)
    columns: Columns | None = None
    header: tuple[str, ...] = ()
    width: int = 0
    levels: tuple[str, ...] = ()
    parts: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Column of numbers → the levels that it gave last."""
    another: bool = False
    """Whether rows belong to another method, which earns the same marks again."""

    def read(self, rows: Sequence[Row]) -> None:
        found = next(
            (
                (i, columns)
                for i, row in enumerate(rows[:_HEADER_ROWS])
                if (columns := columns_of(row.cells, rows[i + 1 :]))
            ),
            None,
        )
        if found is not None:
            at, columns = found
            header = _plain(rows[at])
            if header != self.header or columns.numbers[:1] == () or self.columns is None:
                self.levels, self.parts = (), {}
                self.columns = columns
            self.header, self.width = header, len(rows[at].cells)
            rows = rows[at + 1 :]
            if rows and (total := _total_column(rows[0])) is not None:
                self.columns = replace(columns, by_name={**columns.by_name, "marks": total})
                rows = rows[1:]
        elif graded := read_rubric(rows, len(self.drafts)):
            self.drafts += graded
            return
        elif self.columns is None or not self._goes_on(rows):
            return
        foreign = False
        for row in rows:
            if _plain(row) == self.header:
                foreign = False
            elif heads_another(row.cells):
                # A table of levels or abbreviations, between the rows of one sheet.
                foreign = True
            elif not foreign and any(cell.strip() for cell in row.cells):
                self._row(row, self.columns)

    def _goes_on(self, rows: Sequence[Row]) -> bool:
        """Whether a table without a header is the rest of the one before: as wide, on a page, and without a
        header of another kind (levels, abbreviations)."""
        if not rows or len(rows[0].cells) != self.width or not rows[0].page:
            return False
        return not all(cell.strip() for cell in rows[0].cells) or any(
            c.isdigit() for c in "".join(rows[0].cells)
        )

    def _row(self, row: Row, columns: Columns) -> None:
        total = _total_of(row, columns)
        if total is not None:
            start = self.totals[-1].since[1] if self.totals else 0
            of = next((cell for cell in row.cells if cell.strip()), "")
            named = _TOTAL_OF.search(of)
            line = read_total(" ".join(of.split()))
            question = (named["a"] or named["b"]) if named else ""
            since = (start, len(self.drafts))
            self.totals.append(_Total(total, question, since, whole=line is not None and line.whole))
            return
        filled = [cell for cell in row.cells if cell.strip()]
        stated = read_marks_cell(filled[0]) if len(filled) == 1 else None
        if stated and stated.is_sum and stated.total is not None and self.drafts:
            self._sum(stated.total, filled[0])
            return
        cells, number = columns.cells(row), columns.number_cells(row)
        levels = self._levels(number)
        if self.drafts and any(number) and not levels and not cells.get("marks"):
            # "Notes: …" under an item.
            return
        again = levels == self.levels and bool(self.drafts) and bool(columns.numbers)
        if self.drafts and (again or not levels) and not cells.get("question"):
            self.another = self.another or _is_other_method(filled, self.drafts[-1])
            self.drafts[-1] = _continued(self.drafts[-1], cells, counts=not self.another)
        elif any(cells.values()) or levels:
            self.levels, self.another = levels or self.levels, False
            self.drafts.append(_draft(cells, row, levels, len(self.drafts) + 1))

    def _sum(self, value: float, text: str) -> None:
        """A row that holds nothing but marks in brackets: the sum of the item above, or of its question."""
        last = self.drafts[-1]
        top = _top_of(last)
        group = [draft for draft in self.drafts if _top_of(draft) == top]
        if abs(_worth(last) - value) < _SLACK:
            self.drafts[-1] = replace(last, marks=(value,))
        elif len(group) > 1 and ("mark" in text.lower() or abs(sum(map(_worth, group)) - value) < _SLACK):
            start = self.totals[-1].since[1] if self.totals else 0
            self.totals.append(_Total(value, top, (start, len(self.drafts))))
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
        kept = {i: levels for i, levels in self.parts.items() if i < first}
        self.parts = {**kept, **own}
        full = sum((self.parts[i] for i in sorted(self.parts)), ())
        if first == 0 and not full[0][0].isdigit() and self.levels:
            # "(b)" alone in the only column stands below the question above.
            full = nest(own[0], self.levels)
        elif first > 0 and len(cells) == 2 and self.levels:
            full = nest(own[first], self.levels)
            if kept and full[:1] != kept[0][:1]:
                full = (*kept[0], *own[first])
        return full

    def candidate(self, title: str, stated: Sequence[tuple[str, float]], preamble: float | None) -> Candidate:
        """`stated` are totals that stand outside of the tables, with the question each one names."""
        drafts = _without_stems(self.drafts)
        total, parents, problems = _sorted_totals(self.totals, self.drafts)
        parents |= {of: marks for of, marks in stated if of}
        whole = [marks for of, marks in stated if not of]
        if total is None:
            total = whole[-1] if whole else preamble
        elif whole and whole[-1] != total and len(set(whole)) == 1:
            problems.append(
                f"the guide states different totals, {whole[-1]:g} and {total:g}: keep the right one"
            )
        return Candidate(title, tuple(drafts), total, parents, tuple(problems))


def _plain(row: Row) -> tuple[str, ...]:
    return tuple(" ".join(cell.split()).lower() for cell in row.cells)


def read_number_cell(cell: str) -> tuple[str, ...]:
    """The levels that a cell of numbers says: "1(a)(ii)", "01.2", "(b)", "0 3 . 1"; () for anything else."""
    text = _SPACED_DIGITS.sub("", " ".join(cell.split())).strip("*. ")
    found = _NUMBER.match(text)
    if not found or not (found["top"] or _ONLY_PARTS.match(found["parts"].strip())):
        return ()
    top = re.sub(r"(?<![\w.])0+(?=\d)", "", (found["top"] or "").replace(" ", ""))
    return ((top,) if top else ()) + split_parts(found["parts"])


def _total_column(row: Row) -> int | None:
    """Where a second row of headers ("AO1 | AO2 | Total") has the sum; None for any other row."""
    told = [(i, " ".join(cell.split()).lower()) for i, cell in enumerate(row.cells) if cell.strip()]
    if len(told) < 2 or not all(_SUBHEADER.match(text) for _, text in told):
        return None
    return next((i for i, text in told if text.startswith("tot")), None)


def _is_other_method(filled: Sequence[str], draft: Draft) -> bool:
    """Whether a row opens a further way to the same marks: "Alternative method 2", "OR" on its own."""
    if not filled:
        return False
    found = _METHOD.match(" ".join(filled[0].split()))
    return bool(found and _worth(draft) and (found["n"] or "2") != "1")


def _top_of(draft: Draft) -> str:
    """The question that an item belongs to: "1" for 1(a) and for 01.2."""
    return draft.levels[0].split(".")[0]


def _total_of(row: Row, columns: Columns) -> float | None:
    filled = [" ".join(cell.split()) for cell in row.cells if cell.strip()]
    if not filled or not _TOTAL.match(filled[0]):
        return None
    at = columns.by_name.get("marks", len(row.cells))
    if at < len(row.cells) and (value := read_marks_cell(row.cells[at]).total) is not None:
        return value
    stated = next(
        (value for cell in reversed(filled[1:]) if (value := read_marks_cell(cell).total) is not None), None
    )
    if stated is None and (line := read_total(filled[0])):
        return line.marks
    return stated


def _sorted_totals(
    totals: Sequence[_Total], drafts: Sequence[Draft]
) -> tuple[float | None, dict[str, float], list[str]]:
    """The paper's total, those of questions by number, and what does not add up between rows of totals."""
    if len(totals) == 1 and not totals[0].of:
        return totals[0].marks, {}, []
    paper: float | None = None
    parents: dict[str, float] = {}
    problems: list[str] = []
    for n, total in enumerate(totals):
        start, end = total.since
        if total.whole or (n == len(totals) - 1 and not total.of and start == end):
            paper = total.marks
        elif total.of:
            parents[total.of] = total.marks
        else:
            worth = sum(_worth(draft) for draft in drafts[start:end])
            if abs(worth - total.marks) > _SLACK and end > start:
                first, last = drafts[start].number, drafts[end - 1].number
                problems.append(
                    f"items {first} to {last} add up to {worth:g} marks, the total below is {total.marks:g}"
                )
    return paper, parents, problems


def _worth(draft: Draft) -> float:
    return draft.marks[0] if draft.marks else sum(point.marks or 0.0 for point in draft.points)


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
        kept.append(replace(draft, question="\n".join([*above, draft.question]).strip()))
    return kept


def _draft(cells: dict[str, str], row: Row, levels: tuple[str, ...], position: int) -> Draft:
    question = cells.get("question", "")
    label = read_label(question)
    if not levels and label is not None and label.style != "sub":
        levels, question = label.levels, label.rest
    asked = take_marks(question) if not cells.get("marks") else None
    read = read_marks_cell(cells.get("marks", ""))
    value = read.total if cells.get("marks") else asked.marks if asked else None
    answer = unwrapped(cells.get("answer", ""))
    accepted, refused, rest = _sorted_guidance(cells.get("guidance", ""))
    told = _sorted_guidance(cells.get("criteria", ""))
    points = _points(told[2]) or _points_of(answer, rest, read, value)
    levels = levels or (str(position),)
    return Draft(
        number="".join(levels),
        levels=levels,
        place=row.place,
        question=asked.text if asked else question,
        answer=_tidy(answer),
        marks=() if value is None else (value,),
        points=tuple(points),
        limited=has_limit(cells.get("criteria", "")) or has_limit(answer),
        alternatives=tuple(
            read_list([*re.split(r"\n|\s\|\|\s", cells.get("alternatives", "")), *accepted, *told[0]])
        ),
        not_accepted=tuple(read_list([*cells.get("not_accepted", "").splitlines(), *refused, *told[1]])),
    )


def _sorted_guidance(text: str) -> tuple[list[str], list[str], str]:
    """What a cell of guidance accepts, what it refuses, and the rest of it."""
    accepted: list[str] = []
    refused: list[str] = []
    rest: list[str] = []
    last = rest
    for line in text.splitlines():
        for kind, found in ((refused, _REFUSED.match(line)), (accepted, _ACCEPTED.match(line))):
            if found:
                kind.append(line[found.end() :])
                last = kind
                break
        else:
            if last is not rest and line[:1].islower():
                # The cell's width cut what is accepted in two.
                last[-1] = f"{last[-1]} {line.strip()}"
                continue
            rest.append(line)
            last = rest
    return accepted, refused, "\n".join(rest)


def _points(text: str) -> list[Point]:
    lines = tuple(piece for line in lines_of(text) for piece in (line.split(";") if ";" in line else [line]))
    return read_points(Section("criteria", "", lines))


def _points_of(answer: str, guidance: str, read: MarksCell, value: float | None) -> list[Point]:
    """Marking points where it is plain what each is worth: said beside it, a mark a line, one of a choice."""
    for text in (answer, guidance):
        stated = [point for point in _points(text) if point.marks is not None]
        if len(stated) > 1 and (
            text is answer or abs(sum(p.marks or 0 for p in stated) - (value or 0)) < _SLACK
        ):
            return stated
    lines = [line for line in answer.splitlines() if line.strip()]
    limited = bool(lines) and has_limit(lines[0])
    told = [BULLET.sub("", line).strip(" ;") for line in (lines[1:] if limited else lines)]
    if len(told) < 2 or value is None:
        return []
    if limited:
        return [Point(text, 1.0) for text in told] if len(told) >= value == int(value) else []
    if len(read.lines) == len(told):
        return [Point(text, worth) for text, worth in zip(told, read.lines, strict=True)]
    return [Point(text, 1.0) for text in told] if len(told) == value else []


def _tidy(answer: str) -> str:
    """An answer without marks and bullets, "and", "or" alone on a line kept as they are."""
    return "\n".join(BULLET.sub("", take_marks(line).text) for line in answer.splitlines()).strip()


def _continued(draft: Draft, cells: dict[str, str], *, counts: bool = True) -> Draft:
    """A row without a number of its own belongs to the item above: another point, level, or its sum.

    Where it does not count, because it shows another method, it only tells another answer.
    """
    answer = unwrapped(cells.get("answer", ""))
    if not counts:
        told_again = tuple(text for text in [_tidy(answer)] if text and not _METHOD.match(text))
        return replace(draft, alternatives=(*draft.alternatives, *told_again))
    read = read_marks_cell(cells.get("marks", ""))
    accepted, refused, _ = _sorted_guidance(cells.get("guidance", ""))
    told = _sorted_guidance(cells.get("criteria", ""))
    more = (
        [Point(_tidy(answer), read.total)] if answer and read.total is not None and not read.is_band else []
    )
    before = draft.points or (
        (Point(draft.answer, draft.marks[0]),) if more and draft.marks and draft.answer else ()
    )
    return replace(
        draft,
        answer="\n".join(text for text in (draft.answer, _tidy(answer)) if text),
        marks=_marks_with(draft.marks, read, alone=not answer),
        points=(*(before if more or told[2] else draft.points), *more, *_points(told[2])),
        alternatives=(
            *draft.alternatives,
            *read_list([*cells.get("alternatives", "").splitlines(), *accepted]),
        ),
        not_accepted=(*draft.not_accepted, *read_list(refused)),
    )


def _marks_with(before: tuple[float, ...], read: MarksCell, *, alone: bool) -> tuple[float, ...]:
    """The item's marks with those of a further row: a sum in brackets says the same once more, a level is
    one of several, anything else adds."""
    if read.total is None:
        return before
    if not before:
        return (read.total,)
    if read.is_sum and alone:
        return before if abs(before[0] - read.total) < _SLACK else (read.total, *before)
    if read.is_band:
        return (max(before[0], read.total),)
    return (before[0] + read.total,)


def _preamble(lines: Sequence[str]) -> list[str]:
    return list(lines[:40])


def _title(lines: Sequence[str]) -> str:
    """The title above the first table, "" when nothing stands there."""
    return title_of(list(takewhile(lambda line: "|" not in line, lines)))[0]
