"""Tidy tables of answers: CSV or JSON lines, gzipped or not, one row an answer, read row by row.

Columns and their synonyms are in `tidy_rows.COLUMNS`; those that are needed are an item (id, number or
question), a model answer, an answer and a score. The rest is optional: `guide`, `question`,
`alternatives` (joined by " || "), `max_score` (else 1), `answer_id`, `student` (else each answer
is its own student's), `second_score`, and `split` ("train", "dev", "test_unseen_answers", "UQ", ...).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from domain.contracts import Rejection
from domain.grading.records import Answer, Item
from domain.grading.tidy_rows import Row, read_rows, reject
from domain.kinds import Protocol, Split

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


def read_tidy(path: Path, *, scored: bool = True) -> TidyAnswers:
    """The table at `path`; `scored=False` also reads tables without a score column, to be graded.

    A row that cannot be used becomes a rejection, and the rest goes on. Raises InputError when
    columns are missing, or the file is neither CSV nor JSON lines in UTF-8.
    """
    builder = _Builder()
    for row in read_rows(path, scored):
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

    def add(self, row: Row) -> None:
        try:
            item = self._item(row)
            answer = self._answer(row, item)
        except _Unusable as why:
            self.rejections.append(reject(row.n, why.column, why.check, why.value))
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

    def _item(self, row: Row) -> TidyItem:
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
        self, row: Row, key: tuple[str, str], known: TidyItem, answers: Sequence[str], max_score: float
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

    def _answer(self, row: Row, item: TidyItem) -> TidyAnswer:
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


def _score(row: Row, column: str, max_score: float) -> float | None:
    if not row[column]:
        return None
    score = _number(row, column)
    if score < 0:
        raise _Unusable(column, "at_least(0)", row[column])
    if score > max_score + 1e-9:
        raise _Unusable(column, f"at_most_max_score({max_score:g})", row[column])
    return score


def _number(row: Row, column: str, default: float = 0.0) -> float:
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
