"""Tidy tables of answers: CSV or JSON lines, gzipped or not, one row an answer, read row by row.

Columns and their synonyms are in `COLUMNS`; those that are needed are an item (id, number or
question), a model answer, an answer and a score. The rest is optional: `guide`, `question`,
`alternatives` (joined by " || "), `max_score` (else 1), `answer_id`, `student` (else each answer
is its own student's), `second_score`, and `split` ("train", "dev", "test_unseen_answers", "UQ", ...).
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from domain.contracts import Rejection
from domain.errors import InputError
from domain.grading.records import Answer, Item
from domain.grading.vocabulary import key_of
from domain.kinds import Protocol, Split

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
_SPLITS = {
    Split.TRAIN: {"train", "training", "trn"},
    Split.VALIDATION: {"validation", "valid", "val", "dev", "development", "trial"},
    Split.TEST: {"test", "testing", "tst", "held out", "heldout"},
}
_UNSEEN = {
    Protocol.UNSEEN_ANSWERS: {"ua", "unseen answers", "unseen answer"},
    Protocol.UNSEEN_ITEMS: {
        *("uq", "unseen questions", "unseen question", "ud", "unseen domains", "unseen domain"),
        *("ui", "unseen items", "unseen item"),
    },
}


@dataclass(frozen=True)
class TidyItem:
    """An item of a table. `guide` is "" where the table names none; (guide, item_id) is unique."""

    item_id: str
    guide: str
    item: Item


@dataclass(frozen=True)
class TidyAnswer:
    """A row: an answer, whose it is, and the split that the table gave it (None if it gave none)."""

    answer_id: str
    item_id: str
    guide: str
    student: str
    answer: Answer
    split: Split | None = None
    protocol: Protocol | None = None
    split_name: str = ""
    """The split as written, since a table can tell more apart than `protocol` does."""


@dataclass(frozen=True)
class TidyAnswers:
    """A table's content. `rejections` are rows left out; `problems` are remarks on rows kept."""

    items: tuple[TidyItem, ...]
    answers: tuple[TidyAnswer, ...]
    rejections: tuple[Rejection, ...] = ()
    problems: tuple[str, ...] = ()


class _Unusable(Exception):  # noqa: N818 - a row's fate, not an error of the program
    def __init__(self, column: str, check: str, value: str) -> None:
        super().__init__(check)
        self.column, self.check, self.value = column, check, value


@dataclass(frozen=True)
class _Row:
    """A row's cells under our names; `n` counts rows, the header being row 1 of a CSV."""

    n: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


def read_tidy(path: Path, *, scored: bool = True) -> TidyAnswers:
    """The table at `path`; `scored=False` also reads tables without a score column, to be graded.

    A row that cannot be used becomes a rejection, and the rest goes on. Raises InputError when
    columns are missing, or the file is neither CSV nor JSON lines in UTF-8.
    """
    builder = _Builder()
    for row in _rows(path, scored):
        if isinstance(row, Rejection):
            builder.rejections.append(row)
        else:
            builder.add(row)
    return builder.finish()


def read_split(text: str) -> tuple[Split, Protocol | None]:
    """The split and protocol of "train", "dev", "test-ua", "UQ", "test_unseen_domains", ...

    Raises ValueError for words that are none of these.
    """
    words = re.sub(r"[\W_]+", " ", text).strip().lower()
    plain = next((split for split, names in _SPLITS.items() if words in names), None)
    if plain is not None:
        return plain, None
    words = re.sub(r"^test(?:ing)? ", "", words)
    protocol = next((protocol for protocol, names in _UNSEEN.items() if words in names), None)
    if protocol is None:
        raise ValueError(f"{text!r} is no split")
    return Split.TEST, protocol


class _Builder:
    """Gathers rows: the first row of an item defines it, further ones may only agree or add answers."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], TidyItem] = {}
        self.first_row: dict[tuple[str, str], int] = {}
        self.answers: dict[str, TidyAnswer] = {}
        self.rejections: list[Rejection] = []
        self.problems: dict[str, None] = {}

    def add(self, row: _Row) -> None:
        try:
            item = self._item(row)
            answer = self._answer(row, item)
        except _Unusable as why:
            self.rejections.append(_rejection(row.n, why.column, why.check, why.value))
            return
        self.items[item.guide, item.item_id] = item
        self.first_row.setdefault((item.guide, item.item_id), row.n)
        self.answers[answer.answer_id] = answer

    def finish(self) -> TidyAnswers:
        return TidyAnswers(
            tuple(self.items.values()),
            tuple(self.answers.values()),
            tuple(self.rejections),
            tuple(self.problems),
        )

    def _item(self, row: _Row) -> TidyItem:
        item_id = row["item_id"] or row["number"] or row["question"]
        if not item_id:
            raise _Unusable("item_id", "not_blank", "")
        key = row["guide"], item_id
        known = self.items.get(key)
        alternatives = tuple(
            dict.fromkeys(t for piece in row["alternatives"].split("||") if (t := piece.strip()))
        )
        max_score = _number(row, "max_score", default=1.0)
        if max_score <= 0:
            raise _Unusable("max_score", "greater_than(0)", row["max_score"])
        if known is None:
            item = Item(
                number=row["number"] or item_id,
                question=row["question"],
                model_answer=row["model_answer"],
                max_score=max_score,
                alternatives=tuple(a for a in alternatives if a != row["model_answer"]),
                place=f"row {row.n}",
            )
            return TidyItem(item_id, row["guide"], item)
        return self._agreeing(row, key, known, (row["model_answer"], *alternatives), max_score)

    def _agreeing(
        self, row: _Row, key: tuple[str, str], known: TidyItem, answers: Sequence[str], max_score: float
    ) -> TidyItem:
        first, item = self.first_row[key], known.item
        if abs(max_score - item.max_score) > 1e-9:
            raise _Unusable("max_score", f"same_as_row({first})", row["max_score"] or "1")
        if row["question"] and row["question"] != item.question:
            self.problems[f"item {key[1]} has different questions: that of row {first} is kept"] = None
        have = {item.model_answer, *item.alternatives}
        more = tuple(text for text in dict.fromkeys(answers) if text and text not in have)
        if not more:
            return known
        if not item.model_answer:
            return replace(
                known, item=replace(item, model_answer=more[0], alternatives=item.alternatives + more[1:])
            )
        return replace(known, item=replace(item, alternatives=item.alternatives + more))

    def _answer(self, row: _Row, item: TidyItem) -> TidyAnswer:
        answer_id = row["answer_id"] or f"{item.item_id}/{row.n}"
        if answer_id in self.answers:
            raise _Unusable("answer_id", "unique", answer_id)
        golds = [_score(row, column, item.item.max_score) for column in ("score", "second_score")]
        try:
            split, protocol = read_split(row["split"]) if row["split"] else (None, None)
        except ValueError as error:
            raise _Unusable("split", "is_train_validation_or_test", row["split"]) from error
        return TidyAnswer(
            answer_id=answer_id,
            item_id=item.item_id,
            guide=item.guide,
            student=row["student"] or answer_id,
            answer=Answer(item.item.number, row["text"], golds[0], golds[1], f"row {row.n}"),
            split=split,
            protocol=protocol,
            split_name=row["split"],
        )


def _score(row: _Row, column: str, max_score: float) -> float | None:
    if not row[column]:
        return None
    score = _number(row, column)
    if score < 0:
        raise _Unusable(column, "at_least(0)", row[column])
    if score > max_score + 1e-9:
        raise _Unusable(column, f"at_most_max_score({max_score:g})", row[column])
    return score


def _number(row: _Row, column: str, default: float = 0.0) -> float:
    cell = row[column]
    if not cell:
        return default
    # "1,5" is how half of Europe writes 1.5; a thousand marks are nowhere given.
    decimal = cell.replace(",", ".") if re.fullmatch(r"-?\d+,\d+", cell) else cell
    try:
        value = float(decimal)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _Unusable(column, "is_a_number", cell)
    return value


def _rejection(n: int, column: str, check: str, value: str) -> Rejection:
    return Rejection(_CONTRACT, f"row {n}", column, check, value[:200])


def _rows(path: Path, scored: bool) -> Iterator[_Row | Rejection]:
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


def _csv_rows(first: str, lines: Iterator[str], path: Path, scored: bool) -> Iterator[_Row | Rejection]:
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
            yield _rejection(n, "", "is_csv", str(error))
            continue
        if len(cells) > len(header) and any(cell.strip() for cell in cells[len(header) :]):
            yield _rejection(n, "", f"has_{len(header)}_cells", f"{len(cells)} cells")
        elif any(cell.strip() for cell in cells):
            yield _Row(n, {ours: cells[i].strip() for ours, i in places.items() if i < len(cells)})


def _json_rows(first: str, lines: Iterator[str], path: Path, scored: bool) -> Iterator[_Row | Rejection]:
    columns: dict[str, str] | None = None
    for n, line in enumerate(_chained(first, lines), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield _rejection(n, "", "is_json", str(error))
            continue
        if not isinstance(value, dict):
            yield _rejection(n, "", "is_object", line.strip())
            continue
        # Objects may leave optional fields out, so names are looked up again where they differ.
        if columns is None or not columns.keys() or set(columns.values()) != set(value):
            known = _columns(list(value), path, scored) if columns is None else _match(list(value))
            columns = known if columns is None else {**columns, **known}
        yield _Row(n, {ours: _text(value.get(name)) for ours, name in columns.items()})


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
