"""Students' papers in JSON: `{"student", "guide", "answers": [{"number", "text", "score",
"second_score"}], "total"}` and common synonyms; `answers` may also map numbers to texts.
"""

from __future__ import annotations

from pathlib import PurePath

from domain.grading.json_fields import Node, load_json, pick
from domain.grading.numbering import normalise_number
from domain.grading.records import Answer, Submission
from domain.grading.vocabulary import SUBMISSION_FIELDS

STUDENT = ("student_id", "candidate_number", "student", "candidate", "student_name", "name", "id")
_GUIDE = ("guide", "guide_title", "marking_guide", "paper", "exam", "test", "quiz", "assignment", "title")
_ANSWERS = ("answers", "responses", "items", "questions")
_TOTAL = ("total", "total_score", "total_marks", "score", "expected_total", "mark")


def read_json_submission(text: str, name: str) -> Submission:
    """The paper as it stands. Raises InputError with the path of a field that has the wrong type."""
    root = Node(load_json(text, name), "", name)
    if isinstance(root.value, list):
        raise root.wrong(
            "one paper in an object; several papers belong in files of their own or in a tidy table"
        )
    fields = root.fields()
    student, guide = pick(fields, *STUDENT), pick(fields, *_GUIDE)
    answers, total = pick(fields, *_ANSWERS), pick(fields, *_TOTAL)
    return Submission(
        student=(student.text() if student else "") or PurePath(name).stem,
        answers=_answers(answers) if answers and answers.value is not None else (),
        guide_title=guide.text() if guide else "",
        expected_total=total.marks() if total else None,
    )


def _answers(node: Node) -> tuple[Answer, ...]:
    if isinstance(node.value, dict):
        children = (Node(value, f"{node.path}.{key}", node.name) for key, value in node.value.items())
        return tuple(_answer(child, key) for child, key in zip(children, node.value, strict=True))
    return tuple(_answer(child, "") for child in node.entries())


def _answer(node: Node, number: str) -> Answer:
    if not isinstance(node.value, dict):
        if not number:
            raise node.wrong('an object with "number" and "text"')
        return Answer(normalise_number(number), node.text(), place=node.path)
    fields = node.fields()
    found = {ours: pick(fields, *names) for ours, names in SUBMISSION_FIELDS.items()}
    stated, text = found["number"], found["text"]
    number = stated.text() if stated else number
    if not normalise_number(number):
        raise node.wrong('an object with a "number"')
    score, second = found["score"], found["second_score"]
    return Answer(
        number=normalise_number(number),
        text=text.text() if text else "",
        gold=score.marks() if score else None,
        second_gold=second.marks() if second else None,
        place=node.path,
    )
