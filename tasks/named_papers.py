"""Submissions and tables that still name their students, and the copies of them that do not."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from domain.contracts import Rejection
from domain.documents.extraction import Extraction, Table
from domain.grading.class_columns import IDENTITY, Column, Use
from domain.grading.class_lists import Sheet, class_sheets
from domain.grading.class_rows import student_of_row
from domain.grading.identities import identity_of, masked
from domain.grading.pseudonyms import Eraser, Person
from domain.grading.student_folders import Bundle
from domain.grading.submissions import states_guide
from domain.grading.tidy_rows import COLUMNS, Row, read_rows
from infra.pseudonym_keys import Key
from tasks.student_files import Unit

_PAPERS = 3
"""Papers that one student may hand in at once."""

People = Mapping[str, Person]
Named = tuple[str, frozenset[str], frozenset[str]]
"""A student, all the names, and those of which each word is a name."""


@dataclass(frozen=True)
class NamedPaper:
    """One student's files. `likely` are lines on top that may be a name, or a title."""

    unit: Unit
    parts: tuple[Extraction, ...]
    student: str
    names: frozenset[str]
    by_words: frozenset[str]
    likely: frozenset[str]

    def people(self, common: frozenset[str]) -> list[Named]:
        """`common` are lines that stand on top of several papers, and so are titles."""
        likely = self.likely - common
        return [(self.student, self.names | likely, self.by_words | likely)]

    def copy(self, key: Key, people: People, eraser: Eraser) -> tuple[str, bytes]:
        """The copy's file name and content: a bundle, of one file or several."""
        pseudonym = key.pseudonym("student", self.student)
        key.also(pseudonym, self.unit.found.name)
        own = [people[pseudonym]]
        files = [PurePosixPath(file.name) for file in self.unit.files]
        names = tuple(file.name for file in files)
        if not (self.unit.parts and Bundle(pseudonym, names, self.parts).by_item):
            names = tuple(f"page-{n}{file.suffix.lower()}" for n, file in enumerate(files, 1))
        parts = tuple(_erased(masked(part, pseudonym), eraser, own) for part in self.parts)
        # The same student may hand in several papers, and the same paper twice.
        which = key.pseudonym("file", self.unit.found.name).removeprefix("file-")
        content = Bundle(pseudonym, names, parts).extraction().text
        return f"{pseudonym}-{which}.json", content.encode()


@dataclass(frozen=True)
class NamedList:
    """A class list: its sheets, and the student of each row by the sheet and the row."""

    unit: Unit
    sheets: tuple[Sheet, ...]

    def people(self, common: frozenset[str]) -> list[Named]:  # noqa: ARG002
        found = []
        for sheet in self.sheets:
            for row in sheet.rows:
                cells = sheet.cells(row)
                student = student_of_row(cells, sheet)
                names = {cell for column, cell in cells.items() if cell and column.use in IDENTITY}
                words = {
                    cell for column, cell in cells.items() if cell and column.use not in (Use.ID, Use.EMAIL)
                }
                if student:
                    full = " ".join(
                        cells[c] for c in cells if c.use in (Use.FIRST_NAME, Use.LAST_NAME)
                    ).strip()
                    found.append((student, frozenset({*names, full} - {""}), frozenset(names & words)))
        return found

    def copy(self, key: Key, people: People, eraser: Eraser) -> tuple[str, bytes]:
        name = key.pseudonym("list", self.unit.found.name)
        tables = [self._rows(sheet, key, people, eraser) for sheet in self.sheets]
        if len(tables) == 1:
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows(tables[0])
            return f"{name}.csv", text.getvalue().encode()
        return f"{name}.xlsx", _workbook(tables)

    def _rows(self, sheet: Sheet, key: Key, people: People, eraser: Eraser) -> list[list[str]]:
        """The rows at their numbers, so that what is said of one is found in the original."""
        shown = next(column for column in sheet.columns if column.use in IDENTITY)
        header = [
            "Student" if column is shown else "" if column.use in IDENTITY else column.header
            for column in sheet.columns
        ]
        numbered = {sheet.header_at: header}
        for row in sheet.rows:
            cells = sheet.cells(row)
            student = student_of_row(cells, sheet)
            pseudonym = key.pseudonym("student", student) if student else ""
            own = [people[pseudonym]] if pseudonym else []
            numbered[row.number] = [
                pseudonym if column is shown else _told(column, cells.get(column, ""), eraser, own)
                for column in sheet.columns
            ]
        # Text above the header is nobody's answer and may name anybody.
        above = [["-"]] * (sheet.header_at - 1)
        return above + [numbered.get(n, []) for n in range(sheet.header_at, max(numbered) + 1)]


@dataclass(frozen=True)
class NamedTable:
    """A tidy table of answers."""

    unit: Unit
    rows: tuple[Row, ...]

    def people(self, common: frozenset[str]) -> list[Named]:  # noqa: ARG002
        students = {row["student"] for row in self.rows if row["student"]}
        return [(student, frozenset([student]), frozenset([student])) for student in sorted(students)]

    def copy(self, key: Key, people: People, eraser: Eraser) -> tuple[str, bytes]:
        """CSV under our names for the columns, each row at its number; other columns are left out."""
        columns = [name for name in COLUMNS if any(name in row.cells for row in self.rows)]
        lines = {row.n: self._row(row, columns, key, people, eraser) for row in self.rows}
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(columns)
        for n in range(2, max(lines, default=1) + 1):
            writer.writerow(lines.get(n, []))
        return f"{key.pseudonym('table', self.unit.found.name)}.csv", text.getvalue().encode()

    def _row(self, row: Row, columns: Sequence[str], key: Key, people: People, eraser: Eraser) -> list[str]:
        pseudonym = key.pseudonym("student", row["student"]) if row["student"] else ""
        own = [people[pseudonym]] if pseudonym else []
        told = {
            "student": pseudonym,
            "answer_id": key.pseudonym("answer", row["answer_id"]) if row["answer_id"] else "",
            "text": eraser.erase(row["text"], own),
        }
        return [told.get(name, row[name]) for name in columns]


def read_paper(unit: Unit, parts: Sequence[Extraction]) -> NamedPaper:
    """A student's files with all that names the student: header lines, the folder, else the file."""
    identities = [identity_of(part) for part in parts]
    stated = dict.fromkeys(identity.student for identity in identities if identity.student)
    student = next(iter(stated), "") or unit.student or PurePosixPath(unit.found.name).stem
    names = frozenset(
        [name for identity in identities for name in identity.names] + [unit.student or student]
    )
    likely = (
        frozenset(name for identity in identities for name in identity.likely) if not stated else frozenset()
    )
    return NamedPaper(unit, tuple(parts), student, names | {student}, names | {student}, likely)


def read_list(unit: Unit, extraction: Extraction) -> NamedList | None:
    """The class list in a file, None where it is a paper."""
    sheets = class_sheets(extraction) if not unit.parts else []
    return NamedList(unit, tuple(sheets)) if sheets else None


def read_table(unit: Unit, path: Path) -> tuple[NamedTable, list[Rejection]]:
    """A tidy table and its rows that cannot be read. Raises InputError as `read_rows`."""
    rows = list(read_rows(path, scored=True))
    bad = [row for row in rows if isinstance(row, Rejection)]
    return NamedTable(unit, tuple(row for row in rows if isinstance(row, Row))), bad


def people_of(sources: Iterable[NamedPaper | NamedList | NamedTable], key: Key) -> list[Person]:
    """Everybody whom the sources name, once; the key learns their names."""
    sources = list(sources)
    tops = Counter(line for source in sources if isinstance(source, NamedPaper) for line in source.likely)
    # A student may hand in a few papers, but a line on top of many is their title.
    common = frozenset(line for line, n in tops.items() if n > max(_PAPERS, len(sources) / 10))
    people: dict[str, Person] = {}
    for source in sources:
        for student, names, by_words in source.people(common):
            pseudonym = key.pseudonym("student", student)
            for name in sorted(names):
                key.also(pseudonym, name)
            before = people.get(pseudonym, Person(pseudonym, frozenset()))
            people[pseudonym] = Person(pseudonym, before.names | names, before.by_words | by_words)
    return list(people.values())


def _told(column: Column, cell: str, eraser: Eraser, own: Sequence[Person]) -> str:
    """What a copy keeps of a cell: nothing of columns that are not needed, whatever they hold.

    A column that nothing is known of may repeat a question, if its header is as long as one.
    """
    question = column.use is Use.UNKNOWN and len(column.question.split()) > 2
    if column.use in (*IDENTITY, Use.BESIDE) or (column.use is Use.UNKNOWN and not question):
        return ""
    return eraser.erase(cell, own)


def _erased(part: Extraction, eraser: Eraser, own: Sequence[Person]) -> Extraction:
    """A part without names, but for the line that says which guide it answers."""
    lines = [line if states_guide(line) else eraser.erase(line, own) for line in part.text.split("\n")]
    tables = tuple(
        Table(tuple(tuple(eraser.erase(cell, own) for cell in row) for row in table.rows), table.page)
        for table in part.tables
    )
    return replace(part, text="\n".join(lines), tables=tables, notes=())


def _workbook(tables: Sequence[Sequence[Sequence[str]]]) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.active)
    for rows in tables:
        sheet = book.create_sheet()
        for n, row in enumerate(rows, 1):
            for m, cell in enumerate(row, 1):
                if cell:
                    # As text: what begins like a formula must not become one.
                    sheet.cell(n, m, cell).data_type = "s"
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
