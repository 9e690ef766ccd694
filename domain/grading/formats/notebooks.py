"""Guides in JSON that other programs write: Canvas quizzes and notebooks of nbgrader.

Canvas: questions with `points_possible` and answers with a weight of 0 to 100 (Canvas REST API, "Quiz
Questions"). nbgrader: cells with `metadata.nbgrader.points` (nbgrader.readthedocs.io, "metadata format").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from domain.grading.drafts import Candidate, Draft, Point
from domain.grading.formats.markup import text_of_html

_BEGIN = re.compile(r"^\s{0,40}#{1,3}\s?BEGIN (?:SOLUTION|MARK SCHEME)\b")
_END = re.compile(r"^\s{0,40}#{1,3}\s?END (?:SOLUTION|MARK SCHEME)\b")
_NO_ITEM = {"text_only_question"}
_FULL = 99.99


def foreign_guide(told: Any) -> Candidate | None:
    """The guide in a JSON value of another program; None for any other value."""
    if isinstance(told, Mapping) and isinstance(told.get("cells"), list) and "nbformat" in told:
        return _notebook(told)
    questions = told.get("questions", told.get("quiz_questions")) if isinstance(told, Mapping) else told
    if isinstance(questions, list) and questions and all(_is_canvas(one) for one in questions):
        return _canvas(told, questions)
    return None


def _is_canvas(question: Any) -> bool:
    return isinstance(question, Mapping) and "question_text" in question and "points_possible" in question


def _canvas(told: Any, questions: Sequence[Mapping[str, Any]]) -> Candidate:
    quiz = told if isinstance(told, Mapping) else {}
    quiz = quiz["quiz"] if isinstance(quiz.get("quiz"), Mapping) else quiz
    asked = [one for one in questions if one.get("question_type") not in _NO_ITEM]
    drafts = tuple(_canvas_draft(one, n) for n, one in enumerate(asked, 1))
    return Candidate(str(quiz.get("title") or ""), drafts, _number(quiz.get("points_possible")))


def _canvas_draft(question: Mapping[str, Any], position: int) -> Draft:
    marks = _number(question.get("points_possible"))
    listed = question.get("answers")
    answers = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    pairs = [(str(a.get("left") or ""), str(a.get("right") or "")) for a in answers if a.get("left")]
    told = [
        (_answer_text(one), _number(one.get("weight", one.get("answer_weight"))) or 0.0) for one in answers
    ]
    right = [text for text, weight in told if weight >= _FULL and text]
    wrong = tuple(text for text, weight in told if weight <= 0 and text)
    points: tuple[Point, ...] = ()
    several = question.get("question_type") in (
        "multiple_answers_question",
        "fill_in_multiple_blanks_question",
    )
    if pairs:
        right = [f"{left} → {other}" for left, other in pairs]
        several, wrong = True, ()
    if several and marks and len(right) > 1:
        points = tuple(Point(text, marks / len(right)) for text in right)
    number = str(position)
    notes = _text(question.get("neutral_comments")) if not right else ""
    return Draft(
        number=number,
        levels=(number,),
        place=f"question {position}",
        question=_text(question.get("question_text")),
        answer="\n".join(right) if several else right[0] if right else notes,
        marks=() if marks is None else (marks,),
        points=points,
        alternatives=() if several else tuple(right[1:]),
        not_accepted=wrong,
    )


def _answer_text(answer: Mapping[str, Any]) -> str:
    for name in ("text", "answer_text", "html", "exact", "numerical_answer_value"):
        if answer.get(name) not in (None, ""):
            return _text(answer[name])
    return ""


def _notebook(told: Mapping[str, Any]) -> Candidate:
    drafts: list[Draft] = []
    asked = ""
    for n, cell in enumerate(told["cells"], 1):
        if not isinstance(cell, Mapping):
            continue
        source = _source(cell.get("source"))
        meta = cell.get("metadata")
        graded = meta.get("nbgrader") if isinstance(meta, Mapping) else None
        graded = graded if isinstance(graded, Mapping) else {}
        if graded.get("grade"):
            drafts.append(_cell_draft(graded, source, asked, n, drafts))
            asked = ""
        elif graded.get("solution"):
            asked = f"{asked}\n{source}".strip()
        elif cell.get("cell_type") == "markdown":
            asked = source
    return Candidate("", tuple(drafts))


def _cell_draft(
    graded: Mapping[str, Any], source: str, asked: str, place: int, before: Sequence[Draft]
) -> Draft:
    marks = _number(graded.get("points"))
    question, above = _parted(asked)
    own, inside = _parted(source)
    number = str(len(before) + 1)
    # Tests of a solution above are what earns the marks; a cell of text is its own model answer.
    answer = "\n".join(part for part in (above, inside) if part) or own
    return Draft(
        number=number,
        levels=(number,),
        place=f"cell {place} ({graded.get('grade_id', '')})",
        question=question,
        answer=answer,
        marks=() if marks is None else (marks,),
    )


def _parted(text: str) -> tuple[str, str]:
    """A cell's text without its solutions, and the solutions."""
    kept: list[str] = []
    solution: list[str] = []
    inside = False
    for line in text.splitlines():
        if _BEGIN.match(line):
            inside = True
        elif _END.match(line):
            inside = False
        else:
            (solution if inside else kept).append(line)
    return "\n".join(kept).strip(), "\n".join(solution).strip("\n")


def _source(value: Any) -> str:
    return "".join(str(line) for line in value) if isinstance(value, list) else str(value or "")


def _text(value: Any) -> str:
    return text_of_html(str(value)) if value not in (None, "") else ""


def _number(value: Any) -> float | None:
    try:
        return None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None
