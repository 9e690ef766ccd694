"""Rows of items, submissions and answers, named by what they say."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from domain.errors import InputError
from domain.grading.records import Item, Submission
from domain.identity import fingerprint, hash_text
from infra.catalog.types import named, scrub
from infra.catalog.writing import Row


@dataclass(frozen=True)
class Marked:
    """An answer with all that places it: the paper's document, its guide, the student, the number."""

    document_id: str
    guide_id: str
    student: str
    number: str
    text: str
    gold: float | None
    second_gold: float | None
    place: str
    split: str = ""
    protocol: str = ""
    alignment: float = 1.0
    doubt: str = ""


def parse_name(document_id: str, parser_version: str) -> str:
    return named("parse", document_id, parser_version)


def submission_name(document_id: str, student: str) -> str:
    return named("submission", document_id, student)


def item_rows(document_id: str, parser_version: str, items: Sequence[Item]) -> list[Row]:
    """Rows of a guide's items. Raises InputError where two items have one number."""
    numbers = [item.number for item in items]
    if len(set(numbers)) < len(numbers):
        twice = next(number for number in numbers if numbers.count(number) > 1)
        raise InputError(f"Item {twice} is in the guide twice: give its items different numbers")
    return [_item_row(document_id, parser_version, place, item) for place, item in enumerate(items)]


def _item_row(document_id: str, parser_version: str, position: int, item: Item) -> Row:
    content: Row = {
        "number": scrub(item.number),
        "question": scrub(item.question),
        "model_answer": scrub(item.model_answer),
        "max_score": float(item.max_score),
        "criteria": [{**asdict(criterion), "text": scrub(criterion.text)} for criterion in item.criteria],
        "alternatives": [scrub(alternative) for alternative in item.alternatives],
    }
    more: Row = {
        "not_accepted": [scrub(text) for text in item.not_accepted],
        "guidance": scrub(item.guidance),
    }
    # Only where they say something: items without them keep the ids that they have always had.
    named_by = {**content, **{name: value for name, value in more.items() if value}}
    return {
        "id": named("item", document_id, fingerprint(named_by)),
        "parse_id": parse_name(document_id, parser_version),
        "document_id": document_id,
        "position": position,
        "place": item.place,
        "page": item.page,
        "confidence": item.confidence,
        **content,
        **more,
    }


def submission_row(document_id: str, parser_version: str, guide_id: str, submission: Submission) -> Row:
    return {
        "id": submission_name(document_id, submission.student),
        "parse_id": parse_name(document_id, parser_version),
        "document_id": document_id,
        "guide_id": guide_id,
        "student": submission.student,
        "expected_total": submission.expected_total,
        "problems": list(submission.problems),
    }


def answer_rows(
    parser_version: str, marked: Sequence[Marked], items: Mapping[tuple[str, str], str]
) -> list[Row]:
    """Rows of answers; `items` are item ids by (guide id, number).

    Raises InputError for a number that the guide lacks, and where a student answers one item twice.
    """
    rows: dict[tuple[str, str], Row] = {}
    for position, one in enumerate(marked):
        item_id = items.get((one.guide_id, scrub(one.number)))
        if item_id is None:
            raise InputError(
                f"{one.student} answers item {one.number} ({one.place or 'no place'}), which the guide does "
                "not have: correct the number, or the guide"
            )
        row = _answer_row(parser_version, position, one, item_id)
        place = (row["submission_id"], item_id)
        if place in rows:
            raise InputError(
                f"{one.student} answers item {one.number} twice ({one.place or 'no place'}): keep one answer"
            )
        rows[place] = row
    return list(rows.values())


def _answer_row(parser_version: str, position: int, one: Marked, item_id: str) -> Row:
    text = scrub(one.text)
    submission_id = submission_name(one.document_id, one.student)
    gold, second_gold = _score(one.gold), _score(one.second_gold)
    return {
        "id": named("answer", submission_id, item_id, text, repr(gold), repr(second_gold)),
        "parse_id": parse_name(one.document_id, parser_version),
        "submission_id": submission_id,
        "item_id": item_id,
        "position": position,
        "text": text,
        "text_sha256": hash_text(text),
        "gold": gold,
        "second_gold": second_gold,
        "place": one.place,
        "given_split": one.split,
        "given_protocol": one.protocol,
        "alignment": one.alignment,
        "doubt": scrub(one.doubt),
    }


def _score(score: float | None) -> float | None:
    """A score as a float; frames say NaN where nobody scored, the catalog says nothing."""
    return None if score is None or math.isnan(score) else float(score)
