"""Which column of a guide's table is which, from its header row and what stands below it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from domain.grading.number_cells import other_way, read_number_cell
from domain.grading.table_rows import Row
from domain.grading.vocabulary import GUIDE_COLUMNS, key_of, match_columns

_NUMBER = re.compile(
    r"^(?:q|qu|qn|que|question|questions|part|number|no|nr|item|task|problem)(?:_?(?:s|no|nr|num|number|part|ref))?$"
)
_MARKS = re.compile(r"(?:^|_)(?:marks?|mks?|points?|pts|punkte|max|total|tot)(?:_|$)")
_ANSWER = re.compile(
    r"answers?|responses?|solutions?|working|scheme|key|expected|indicative|content|credit|marking_details"
)
_GUIDANCE = re.compile(
    r"guid|comment|note|info|additional|partial|rationale|remark|extra|illustrat|typical|detail|examiner"
)
_OTHER = re.compile(
    r"^(?:ao|aos|ass|assessment|spec|ref|reference|topic|level|skill|grade|qwc|strand|dok|standard)"
)
_NOT_MARKS = re.compile(r"guid|scheme|criteri|partial|marking|comment|note")
_PART = re.compile(
    r"^\*?\(?(?:[a-z]|[ivx]{1,5}|\d{1,2})[.)]?\)?(?:\s?\(?(?:[a-z]|[ivx]{1,5})\)?[.)]?){0,2}$", re.IGNORECASE
)
_NUMBER_CELL = re.compile(
    r"^(?:q(?:uestion)?\.?\s*)?\*?\(?\d{1,3}(?:\s?\.\s?\d{1,2}){0,3}\s*(?:\(?[a-z]\)?\s*)?(?:\(?[ivx]{1,4}\)?)?[.):]?$",
    re.IGNORECASE,
)
_SAYS_ANSWER = re.compile(r"\n\s*(?:indicative |sample |possible )?(?:answers?|content)\s*$", re.IGNORECASE)
_SECOND_LINES = {"number", "no", "nr", "num", "scheme", "guidance", "available", "awarded", "content"}
_MARKS_WORD = re.compile(
    r"^\W{0,2}(?:\d{1,2}|(?:[dD]?(?:[MABCEPQS]|SC)\d{1,2}){0,4})(?:ft|dep|oe|cao|cso|marks?|\*){0,2}\W{0,2}$"
)
_VALUE = re.compile(r"^\W*\d[\d\W]*$|^\W*(?:[dD]?[MABEP]|SC)\d\b")
_LONGEST_HEADER, _LONGEST_NAME, _FEW_WORDS = 30, 90, 3
_GUIDANCE_NAMES = {"guidance", "marking_guidance", "additional_guidance"}


@dataclass(frozen=True)
class Columns:
    """Positions. `numbers` are the columns that make up a number together; `by_name` the others: question,
    answer, marks, criteria, guidance, alternatives, not_accepted."""

    numbers: tuple[int, ...]
    by_name: Mapping[str, int] = field(default_factory=dict)
    asked: str = ""
    """The question, where the header says it above its answer."""

    def cells(self, row: Row) -> dict[str, str]:
        """The row's cells by name, "" where the row is too short."""
        told = {name: row.cells[i].strip() if i < len(row.cells) else "" for name, i in self.by_name.items()}
        if "working" in told and "answer" in told:
            # Further ways of working stand in columns of their own between the first and the answer.
            between = row.cells[self.by_name["working"] : self.by_name["answer"]]
            told["working"] = "\n".join(cell.strip() for cell in between if cell.strip())
        return told

    def widened(self, by: int) -> Iterator[Columns]:
        """The columns of a table with `by` more (or fewer), wherever those may be, rightmost first.

        Those that part the answers from their marks come last.
        """
        last = max((*self.numbers, *self.by_name.values()), default=0)
        marks = (
            self.by_name.get("marks", 0)
            if self.by_name.get("answer", 0) < self.by_name.get("marks", 0)
            else 0
        )
        for start in sorted(range(last + 1, 0, -1), key=lambda start: start == marks):
            moved = {name: i if i < start else i + by for name, i in self.by_name.items()}
            if all(i >= 0 for i in moved.values()) and all(i < start for i in self.numbers):
                yield Columns(self.numbers, moved, self.asked)

    def with_marks_at(self, column: int) -> Columns:
        """The columns where that of marks is `column`, the answers to its left and the notes to its right."""
        moved = {**self.by_name, "marks": column}
        if self.by_name.get("answer", column) < self.by_name["marks"]:
            moved["answer"] = column - 1
        if self.by_name.get("guidance", -1) > self.by_name["marks"]:
            moved["guidance"] = column + 1
        return Columns(self.numbers, moved, self.asked)

    def holds_marks(self, rows: Sequence[Row]) -> bool:
        """Whether the column of marks holds some, and nothing else."""
        at = self.by_name.get("marks", -1)
        told = [row.cells[at].strip() for row in rows if 0 <= at < len(row.cells) and row.cells[at].strip()]
        return bool(told) and all(_MARKS_WORD.match(word) for cell in told for word in cell.split())

    def number_cells(self, row: Row) -> tuple[str, ...]:
        return tuple(row.cells[i].strip() if i < len(row.cells) else "" for i in self.numbers)


def columns_of(cells: Sequence[str], below: Sequence[Row]) -> Columns | None:
    """None for a row that is no header of a guide's table: rows with values or mark codes never are."""
    if any(_VALUE.match(cell) for cell in cells):
        return None
    long = [i for i, cell in enumerate(cells) if len(" ".join(cell.split())) > _LONGEST_NAME]
    asked = long[0] if len(long) == 1 else _asked(cells)
    named = ["" if i == asked else cell for i, cell in enumerate(cells)]
    found = _named(named)
    if asked is not None:
        # The question itself stands where its answers' column would be named, with or without that name.
        told = "marks" in found or _SAYS_ANSWER.search(cells[asked])
        if "number" not in found or "answer" in found or not told:
            return None
        found["answer"] = asked
    elif long:
        return None
    named_question = next(
        (i for i, c in enumerate(cells) if key_of(c).replace("_", "") in ("question", "questions")), None
    )
    if "number" not in found and named_question is not None and _holds_numbers(below, named_question):
        found = {"number": named_question} | {k: v for k, v in found.items() if v != named_question}
    if "answer" not in found and "criteria" not in found:
        return None
    # A list of marking points with their marks is a table too, within an item.
    telling = {"number", "question", "marks"} if "answer" in found else {"number", "question"}
    if not found.keys() & telling:
        return None
    found = _with_contents(found, cells, below)
    numbers = _number_columns(named, below, found)
    return Columns(
        numbers,
        {name: i for name, i in found.items() if name != "number"},
        "" if asked is None else _SAYS_ANSWER.sub("", cells[asked]).strip(),
    )


def _asked(cells: Sequence[str]) -> int | None:
    """The cell of a header that holds the question itself: "Why is …?", with "Answer" below it or not."""
    for i, cell in enumerate(cells):
        words = _SAYS_ANSWER.sub("", cell).split()
        if len(words) > _FEW_WORDS and _SAYS_ANSWER.search(cell):
            return i
    if "answer" in _named(cells):
        return None
    names = [bool(_named([cell]) or _OTHER.match(key_of(cell))) or not cell.strip() for cell in cells]
    unnamed = [i for i, named in enumerate(names) if not named]
    return unnamed[0] if len(unnamed) == 1 and len(cells[unnamed[0]].split()) > _FEW_WORDS else None


def _with_contents(found: dict[str, int], cells: Sequence[str], below: Sequence[Row]) -> dict[str, int]:
    """The columns, of which one without any text is the unnamed one beside it that has some.

    A header may be ruled, or shaded, otherwise than the rows below it.
    """

    def is_empty(column: int) -> bool:
        return not any(row.cells[column].strip() for row in below if column < len(row.cells))

    moved = dict(found)
    for name, at in found.items():
        if name == "marks" and not any(Columns((), {"marks": at}).holds_marks([row]) for row in below):
            near = [i for i in range(at - 2, at + 3) if 0 <= i < len(cells) and not cells[i].strip()]
            held = next((i for i in near if Columns((), {"marks": i}).holds_marks(below)), None)
            if held is not None:
                moved[name] = held
                continue
        beside = [i for i in (at - 1, at + 1) if 0 <= i < len(cells) and not cells[i].strip()]
        full = next((i for i in beside if not is_empty(i)), None)
        if full is not None and below and is_empty(at):
            moved[name] = full
    return moved


def with_header_apart(rows: Sequence[Row]) -> Sequence[Row]:
    """The rows with a header of its own where no rule parts it from the first item below it."""
    parted = [_parted(cell) for cell in rows[0].cells] if rows else []
    head, rest = tuple(one for one, _ in parted), tuple(other for _, other in parted)
    if not any(map(read_number_cell, rest)) or not columns_of(head, rows[1:]):
        return rows
    return [replace(rows[0], cells=head), replace(rows[0], cells=rest), *rows[1:]]


def _parted(cell: str) -> tuple[str, str]:
    """A cell's name of a column, of one line or two, and what stands below it."""
    lines = cell.split("\n")
    n = 2 if len(lines) > 1 and key_of(lines[1]) in _SECOND_LINES else 1
    return "\n".join(lines[:n]), "\n".join(lines[n:])


def completes_header(cells: Sequence[str]) -> bool:
    """Whether a row is the second line of the header above it, such as "number" below "Question"."""
    filled = [key_of(cell) for cell in cells if cell.strip()]
    return bool(filled) and all(key in _SECOND_LINES for key in filled)


def notes_of(cells: Sequence[str]) -> Columns | None:
    """The columns of a table that explains the marks of an item told before it: "Part | Mark | Notes"."""
    if any(len(cell) > _LONGEST_HEADER for cell in cells):
        return None
    found = _named(cells)
    if "guidance" not in found or "marks" not in found or found.keys() - {"number", "marks", "guidance"}:
        return None
    return Columns((found["number"],) if "number" in found else (), {"guidance": found["guidance"]})


def heads_another(cells: Sequence[str]) -> bool:
    """Whether a row inside a table heads one of another kind, such as "Level | Description | Marks"."""
    filled = [key_of(cell) for cell in cells if cell.strip()]
    if len(filled) < 2 or not cells[0].strip() or any(c.isdigit() for key in filled for c in key):
        return False
    short = all(len(key) <= _LONGEST_HEADER for key in filled)
    return short and _OTHER.match(filled[0]) is not None and any(map(_MARKS.search, filled))


def _named(cells: Sequence[str]) -> dict[str, int]:
    """By the vocabulary first, then by the words that boards' headers are made of."""
    found = match_columns(cells, GUIDE_COLUMNS)
    if "answer" in found and "criteria" in found and key_of(cells[found["criteria"]]) in _GUIDANCE_NAMES:
        found["guidance"] = found.pop("criteria")
    for i, cell in enumerate(cells):
        key = key_of(cell)
        if not key or i in found.values() or _OTHER.match(key):
            continue
        name = _guessed(key)
        if name and name not in found:
            found[name] = i
    if "answer" not in found and "working" in found:
        found["answer"] = found.pop("working")
    if "answer" not in found and "criteria" in found and key_of(cells[found["criteria"]]).endswith("scheme"):
        found["answer"] = found.pop("criteria")
    return found


def _guessed(key: str) -> str | None:
    # A word that a narrow column breaks in two is one.
    if _NUMBER.match(key) or _NUMBER.match(key.replace("_", "")):
        return "number"
    if _MARKS.search(key) and not _NOT_MARKS.search(key):
        return "marks"
    if _GUIDANCE.search(key) and not key.startswith("marking_detail"):
        return "guidance"
    if key in ("working", "workings", "method", "scheme_of_work"):
        return "working"
    return "answer" if _ANSWER.search(key) else None


def _number_columns(cells: Sequence[str], below: Sequence[Row], found: Mapping[str, int]) -> tuple[int, ...]:
    """The column of numbers and those of parts beside it ("1 | (a) | (i)")."""
    if "number" not in found:
        return ()
    columns = [found["number"]]
    taken = set(found.values())
    for i in range(found["number"] + 1, len(cells)):
        unnamed = not cells[i].strip() or _NUMBER.match(key_of(cells[i]))
        if i in taken or not unnamed or not _holds_parts(below, i):
            break
        columns.append(i)
    return tuple(columns)


def _holds_parts(rows: Sequence[Row], column: int) -> bool:
    cells = [row.cells[column].strip() for row in rows if column < len(row.cells)]
    filled = [cell for cell in cells if cell]
    return sum(_PART.match(cell) is not None for cell in filled) >= 0.8 * len(filled)


def _holds_numbers(rows: Sequence[Row], column: int) -> bool:
    cells = [
        " ".join(row.cells[column].split())
        for row in rows
        if column < len(row.cells) and row.cells[column].strip()
    ]
    cells = [cell for cell in cells if "total" not in cell.lower() and not _NUMBER.match(key_of(cell))]
    numbers = sum(bool(read_number_cell(c) or other_way(c) or _NUMBER_CELL.match(c)) for c in cells)
    # Notes between the items stand there too; questions in words outnumber what looks like a number.
    return bool(cells) and numbers >= 0.5 * len(cells)
