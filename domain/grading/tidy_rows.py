"""The rows of a table of answers, streamed from CSV or JSON lines, gzipped or not, under our names."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from domain.contracts import Rejection
from domain.errors import InputError
from domain.grading.vocabulary import key_of

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "guide": ("guide", "guide_title", "exam", "paper", "quiz", "assignment", "dataset"),
    "item_id": ("item_id", "question_id", "item", "qid", "prompt_id"),
    "number": ("number", "item_number", "question_number", "question_no"),
    "question": ("question", "question_text", "prompt", "item_text"),
    "model_answer": (
        "model_answer",
        "reference_answer",
        "reference",
        "expected_answer",
        "ideal_answer",
        "sample_answer",
    ),
    "alternatives": ("alternatives", "all_references", "alternative_answers"),
    "max_score": ("max_score", "max_mark", "max_marks", "maximum", "out_of", "max_points"),
    "answer_id": ("answer_id", "response_id", "id"),
    "student": ("student", "student_id", "candidate", "participant", "user_id"),
    "text": ("text", "answer", "student_answer", "response", "answer_text", "student_response"),
    "score": ("score", "gold", "mark", "marks", "grade", "points", "human_score", "score_1", "score1"),
    "second_score": (
        "second_score",
        "second_gold",
        "score_2",
        "score2",
        "second_mark",
        "rater_2",
        "other_score",
    ),
    "split": ("split", "subset", "fold", "partition"),
}
"""Our column → the names that it may have, the first that is there wins."""

MAX_LINE = 2_000_000
"""The longest line in characters: a longer one is no table of answers."""
_CONTRACT = "TidyAnswers"


@dataclass(frozen=True)
class Row:
    """A row's cells under our names; `n` counts rows, the header being row 1 of a CSV."""

    n: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


def reject(n: int, column: str, check: str, value: str) -> Rejection:
    """Row `n` is left out, since `value` in `column` fails `check`."""
    return Rejection(_CONTRACT, f"row {n}", column, check, value[:200])


def read_rows(path: Path, scored: bool) -> Iterator[Row | Rejection]:
    """Row after row; one that is no row of the table comes as a rejection.

    `scored` says whether a score column is needed. Raises InputError when columns are missing, or the
    file is neither CSV nor JSON lines in UTF-8.
    """
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            binary: BinaryIO = gzip.GzipFile(fileobj=raw) if zipped else raw  # type: ignore[assignment]
            lines = _lines(io.TextIOWrapper(binary, encoding="utf-8-sig", newline=""), path)
            first = next((line for line in lines if line.strip()), None)
            if first is None:
                raise InputError(f"{path.name} is empty: give it a header row and one row an answer")
            read = _json_rows if first.lstrip().startswith("{") else _csv_rows
            yield from read(first, lines, path, scored)
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is not UTF-8 (byte {error.start}): save it as CSV in UTF-8") from error
    except (EOFError, gzip.BadGzipFile) as error:
        raise InputError(f"{path.name} is damaged ({error}): compress it again") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}): check the path") from error


def _lines(text: io.TextIOWrapper, path: Path) -> Iterator[str]:
    n = 0
    while line := text.readline(MAX_LINE):
        n += 1
        if len(line) >= MAX_LINE:
            raise InputError(
                f"{path.name} line {n} is longer than {MAX_LINE} characters: this is no table of answers"
            )
        yield line


def _csv_rows(first: str, lines: Iterator[str], path: Path, scored: bool) -> Iterator[Row | Rejection]:
    delimiter = max(",;\t", key=first.count)
    header = next(csv.reader([first], delimiter=delimiter))
    places = {ours: header.index(name) for ours, name in _columns(header, path, scored).items()}
    reader = csv.reader((line.replace("\0", "") for line in lines), delimiter=delimiter, strict=True)
    n = 1
    while True:
        n += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reject(n, "", "is_csv", str(error))
            continue
        if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
            yield reject(n, "", f"has_{len(header)}_cells", f"{len(cells)} cells")
        elif any(cell.strip() for cell in cells):
            yield Row(n, {ours: cells[i].strip() for ours, i in places.items() if i < len(cells)})


def _json_rows(first: str, lines: Iterator[str], path: Path, scored: bool) -> Iterator[Row | Rejection]:
    columns: dict[str, str] | None = None
    for n, line in enumerate(_chained(first, lines), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield reject(n, "", "is_json", str(error))
            continue
        if not isinstance(value, dict):
            yield reject(n, "", "is_object", line.strip())
            continue
        # Objects may leave optional fields out, so names are looked up again where they differ.
        if columns is None or not columns.keys() or set(columns.values()) != set(value):
            known = _columns(list(value), path, scored) if columns is None else _match(list(value))
            columns = known if columns is None else {**columns, **known}
        yield Row(n, {ours: _text(value.get(name)) for ours, name in columns.items()})


def _chained(first: str, lines: Iterator[str]) -> Iterator[str]:
    yield first
    yield from lines


def _text(value: object) -> str:
    if isinstance(value, list):
        return " || ".join(_text(entry) for entry in value)
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value).lower()
    return str(value).strip()


def _match(names: Sequence[str]) -> dict[str, str]:
    """Our columns → the names that they have in the file."""
    keys = {key_of(name): name for name in reversed(names)}
    return {
        ours: keys[found]
        for ours, all_of in COLUMNS.items()
        if (found := next((n for n in all_of if n in keys), ""))
    }


def _columns(names: Sequence[str], path: Path, scored: bool) -> dict[str, str]:
    columns = _match(names)
    needed = ["model_answer", "text", *(["score"] if scored else [])]
    missing = [f"{name} (or {', '.join(COLUMNS[name][1:4])})" for name in needed if name not in columns]
    if not columns.keys() & {"item_id", "number", "question"}:
        missing.insert(0, f"item_id (or {', '.join(COLUMNS['item_id'][1:3])}, number, question)")
    if missing:
        found = ", ".join(name.strip()[:40] for name in names[:30]) or "none"
        raise InputError(
            f"{path.name} lacks the columns {'; '.join(missing)}. It has: {found}. Add or rename them"
        )
    return columns
