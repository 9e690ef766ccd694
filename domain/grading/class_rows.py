"""The rows of class lists as students' papers.

Columns that say nothing are told, not guessed; cells that cannot be used are rejected with their row and
column, while the rest of the row is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from domain.contracts import Rejection
from domain.grading.class_columns import IDENTITY, OF_AN_ITEM, Column, Use
from domain.grading.class_lists import Sheet, cells_of, item_numbers
from domain.grading.marks_notation import read_number
from domain.grading.records import Answer, Guide, Submission
from domain.grading.segments import lines_of
from domain.grading.submissions import settled, text_of

CONTRACT = "ClassList"
_NOT_SCORED = frozenset(["", "-", "–", "—", "n/a", "requires grading", "not yet graded", "not graded"])
_NOBODY = re.compile(
    r"^(?:(?:overall|class|group)\s)?(?:average|mean|median|totals?|std(?:\.|\sdev)?.*|standard\sdeviation"
    r"|max(?:imum)?\s(?:score|marks?|points?)|marks?\savailable|out\sof)$",
    re.IGNORECASE,
)
_ERROR = re.compile(r"^#(?:REF!|N/A|VALUE!|NAME\?|DIV/0!|NUM!|NULL!)$")


@dataclass(frozen=True)
class ClassList:
    """The students' papers, each with the item numbers of its guide, and what could not be used."""

    papers: tuple[Submission, ...]
    rejections: tuple[Rejection, ...]


def read_class_list(sheets: Sequence[Sheet], guide: Guide) -> ClassList:
    """The papers of all `sheets` together: a student's answers may stand in one and scores in another."""
    written = {
        number
        for sheet in sheets
        for column, number in item_numbers(sheet, guide).items()
        if number
        and (
            column.use in (Use.ANSWER, Use.UNKNOWN) or (column.use is Use.MARKS and _has_words(sheet, column))
        )
    }
    beside_scores = {
        number
        for sheet in sheets
        for column, number in item_numbers(sheet, guide).items()
        if column.use is Use.MARKS and _has_score_column(sheet, column)
    }
    reading = _Reading(guide, written | beside_scores)
    for n, sheet in enumerate(sheets, 1):
        reading.read(sheet, written, f"table {n} " if len(sheets) > 1 else "")
    return ClassList(tuple(reading.papers()), tuple(dict.fromkeys(reading.rejections)))


def _has_words(sheet: Sheet, column: Column) -> bool:
    return any(_score(cell) is None and cell.lower() not in _NOT_SCORED for cell in cells_of(sheet, column))


@dataclass
class _Paper:
    """A student's cells as they are gathered; `places` tells where each item's first cell stands."""

    student: str
    total: float | None = None
    total_at: tuple[str, str] = ("", "")
    texts: dict[str, str] = field(default_factory=dict)
    golds: dict[str, float] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)


class _Reading:
    def __init__(self, guide: Guide, answered: set[str]) -> None:
        """`answered` are the items that some column has answers to."""
        self._guide, self._answered = guide, answered
        self._items = {item.number: item for item in guide.items}
        self._papers: dict[str, _Paper] = {}
        self.rejections: list[Rejection] = []

    def _reject(self, row: str, column: str, check: str, value: str) -> None:
        self.rejections.append(Rejection(CONTRACT, row, column, check, value[:200]))

    def read(self, sheet: Sheet, written: set[str], prefix: str) -> None:
        """Gathers a sheet. `written` are the items to which some column has answers in words."""
        columns = self._columns(sheet, written, f"{prefix}header")
        seen: set[str] = set()
        for row in sheet.rows:
            cells = {
                column: row.cells[column.position].strip()
                for column in columns
                if column.position < len(row.cells)
            }
            student = student_of_row(cells, sheet)
            place = row.place if not student else f"{row.place} ({student})"
            if _NOBODY.match(student) or not any(cells[c] for c in cells if c.use not in IDENTITY):
                continue
            if not student:
                self._reject(place, "student", "has a student's name or number", "")
            elif student.casefold() in seen:
                self._reject(place, "student", "is there once: keep one row", student)
            else:
                seen.add(student.casefold())
                paper = self._papers.setdefault(student.casefold(), _Paper(student))
                self._row(paper, cells, columns, place)

    def _columns(self, sheet: Sheet, written: set[str], place: str) -> dict[Column, str]:
        """The columns that are used, with the item of those that are of one; the others are told."""
        numbers = item_numbers(sheet, self._guide)
        used: dict[Column, str] = {}
        taken: set[tuple[Use, str]] = set()
        for column in sheet.columns:
            number = numbers.get(column, "")
            if number:
                column, problem = self._settled_use(sheet, column, number, written)
                if not problem and (column.use, number) in taken:
                    problem = f"is there once: item {number} has another such column"
                if problem:
                    self._reject(place, column.header, problem, "")
                    continue
                taken.add((column.use, number))
                used[column] = number
            elif column in numbers:
                shown = ", ".join(list(self._items)[:12])
                check = f"is an item of guide {self._guide.title!r}, which has {shown}: correct it"
                self._reject(place, column.header, check, "")
            elif column.use in (Use.UNKNOWN, *OF_AN_ITEM):
                check = "says what it is: name it after a question (Q1, 1a), a score (Q1 score) or the total"
                self._reject(place, column.header, check, "")
            elif column.use is not Use.BESIDE:
                used[column] = ""
        return used

    def _settled_use(
        self, sheet: Sheet, column: Column, number: str, written: set[str]
    ) -> tuple[Column, str]:
        """The column with its use decided, and what is wrong with it."""
        worth = self._items[number].max_score
        if column.use is Use.UNKNOWN:
            column = replace(column, use=Use.ANSWER)
        if column.use is Use.MARKS:
            if _has_words(sheet, column) or (_has_score_column(sheet, column) and number not in written):
                column = replace(column, use=Use.ANSWER)
            elif number in written:
                column = replace(column, use=Use.SCORE)
            else:
                return column, "has more than numbers: name it 'Q1 answer' or 'Q1 score', as it may be either"
        if column.use is not Use.ANSWER and number not in self._answered:
            return column, f"has the answers beside it: add a column 'Q{number} answer'"
        if column.most is not None and abs(column.most - worth) > 1e-6:
            return (
                column,
                f"is out of {worth:g}, what item {number} is worth in the guide: correct one of them",
            )
        return column, ""

    def _row(
        self, paper: _Paper, cells: Mapping[Column, str], numbers: Mapping[Column, str], place: str
    ) -> None:
        for column, cell in cells.items():
            number = numbers[column]
            if column.use is Use.TOTAL:
                total = self._number(cell, place, column.header, self._guide.total)
                if total is not None:
                    paper.total, paper.total_at = total, (place, column.header)
            elif column.use is Use.ANSWER:
                if _ERROR.match(cell):
                    self._reject(
                        place, column.header, "is no error of the spreadsheet: restore the answer", cell
                    )
                elif number in paper.texts and cell:
                    self._reject(place, column.header, f"is the only answer to item {number}: keep one", cell)
                else:
                    paper.texts[number] = text_of(lines_of(cell))
                    paper.places[number] = f"{place.partition(' (')[0]}, column {column.header}"
            elif number:
                scores = paper.seconds if column.use is Use.SECOND_SCORE else paper.golds
                score = self._number(cell, place, column.header, self._items[number].max_score)
                if score is not None:
                    scores[number] = score

    def _number(self, cell: str, place: str, column: str, most: float) -> float | None:
        if cell.lower() in _NOT_SCORED:
            return None
        score = _score(cell)
        if score is None:
            self._reject(place, column, "is_a_number", cell)
        elif score < 0:
            self._reject(place, column, "at_least(0)", cell)
        elif score > most + 1e-6:
            self._reject(place, column, f"at_most_max_score({most:g})", cell)
        else:
            return score
        return None

    def papers(self) -> Iterator[Submission]:
        for paper in self._papers.values():
            order = [number for number in self._items if number in paper.texts]
            answers = tuple(
                Answer(n, paper.texts[n], paper.golds.get(n), paper.seconds.get(n), paper.places[n])
                for n in order
            )
            whole = settled(Submission(paper.student, answers, self._guide.title, paper.total))
            for problem in whole.problems:
                self._reject(paper.total_at[0], paper.total_at[1], problem, f"{paper.total:g}")
            if any(answer.text or answer.gold is not None for answer in answers):
                yield replace(whole, problems=())


def _has_score_column(sheet: Sheet, column: Column) -> bool:
    return any(other.use is Use.SCORE and other.number == column.number for other in sheet.columns)


def student_of_row(cells: Mapping[Column, str], sheet: Sheet) -> str:
    """A row's student: the number, else the name, else the address. A form's counter is no number."""
    told = {
        column.use: cell for column, cell in reversed(list(cells.items())) if cell and column.use in IDENTITY
    }
    names = " ".join(told[use] for use in (Use.FIRST_NAME, Use.LAST_NAME) if use in told)
    name = told.get(Use.NAME) or names or told.get(Use.EMAIL, "")
    number = "" if name and _counts(sheet) else told.get(Use.ID, "")
    return number or name


def _counts(sheet: Sheet) -> bool:
    """Whether the id just counts the rows, as Microsoft Forms has it."""
    column = next((c for c in sheet.columns if c.use is Use.ID), None)
    if column is None or column.header.strip().lower() != "id":
        return False
    ids = list(cells_of(sheet, column))
    return ids == [str(n) for n in range(1, len(ids) + 1)]


def _score(cell: str) -> float | None:
    """The score of "2", "1,5", "2.00 / 3", "0.6666666666666666" or "-1"; None if it is none."""
    told = re.split(r"\s*(?:/|out of)", cell.strip(), maxsplit=1)[0].strip()
    if re.fullmatch(r"-?\d+(?:[.,]\d+)?", told):
        return float(told.replace(",", "."))
    return read_number(told) if told and not told[0].isalpha() else None
