"""Moodle XML: `<quiz>` with a `<question type="…">` each (docs.moodle.org, "Moodle XML format").

`defaultgrade` is what a question is worth; answers whose fraction is 100 are right, those with less earn that
share. General feedback is no answer and is left out.
"""

from __future__ import annotations

from dataclasses import replace

from domain.grading.drafts import Candidate, Draft, Point
from domain.grading.formats.markup import Element, children, text_of_html, xml_root
from domain.grading.marks_notation import read_number

_NOT_ITEMS = {"category", "description"}
_FULL = 99.99


def is_moodle_xml(text: str) -> bool:
    return "<quiz" in text[:2000] and "<question" in text[:200_000]


def read_moodle_xml(text: str, name: str) -> Candidate:
    """One item a question. Raises InputError for XML that cannot be read."""
    root = xml_root(text, name)
    title = ""
    drafts: list[Draft] = []
    for question in children(root, "question"):
        kind = question.get("type", "")
        if kind == "category":
            title = title or _text(question, "category").rsplit("/", 1)[-1]
        elif kind not in _NOT_ITEMS:
            drafts.append(_draft(question, kind, len(drafts) + 1))
    return Candidate(title, tuple(drafts))


def _draft(question: Element, kind: str, position: int) -> Draft:
    number = str(position)
    marks = read_number(_plain(question, "defaultgrade").replace(",", "."))
    if marks is None:
        marks = _decimal(_plain(question, "defaultgrade"))
    draft = Draft(
        number=number,
        levels=(number,),
        place=f"question {position} ({_text(question, 'name')})",
        question=_text(question, "questiontext"),
        marks=() if marks is None else (marks,),
    )
    if kind in ("matching", "gapselect", "ddwtos"):
        pairs = [(_text(sub), _text(sub, "answer")) for sub in children(question, "subquestion")]
        told = tuple(f"{asked} → {answer}" for asked, answer in pairs if asked)
        share = marks / len(told) if marks and told else None
        return replace(draft, answer="\n".join(told), points=tuple(Point(text, share) for text in told))
    if kind == "essay":
        return replace(draft, answer=_text(question, "graderinfo"))
    return _with_answers(draft, question, marks)


def _with_answers(draft: Draft, question: Element, marks: float | None) -> Draft:
    told = [
        (_text(answer), _decimal(answer.get("fraction", "0")) or 0.0)
        for answer in children(question, "answer")
    ]
    right = [text for text, fraction in told if fraction >= _FULL and text]
    partly = [(text, fraction) for text, fraction in told if 0 < fraction < _FULL and text]
    if right:
        wrong = tuple(text for text, fraction in told if fraction <= 0 and text)
        return replace(draft, answer=right[0], alternatives=tuple(right[1:]), not_accepted=wrong)
    whole = abs(sum(fraction for _, fraction in partly) - 100) < 1
    points = tuple(Point(text, marks * fraction / 100 if marks else None) for text, fraction in partly)
    return replace(draft, answer="\n".join(text for text, _ in partly), points=points if whole else ())


def _text(element: Element, name: str = "") -> str:
    """The text of an element, or of its child `name`: `<text>`, which holds HTML, or what stands there."""
    holder = element if not name else next(iter(children(element, name)), None)
    if holder is None:
        return ""
    inner = next(iter(children(holder, "text")), holder)
    return text_of_html(inner.text or "")


def _plain(element: Element, name: str) -> str:
    child = next(iter(children(element, name)), None)
    return (child.text or "").strip() if child is not None else ""


def _decimal(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
