"""Marking guides in JSON: `{"title", "total", "items": [{"number", "question", "model_answer",
"max_score", "criteria": [{"text", "marks"}], "limited": false, "alternatives": [], "not_accepted": [],
"guidance": ""}], "instructions": ""}` and common synonyms. `limited` says that the marking
points may earn less than their sum.
"""

from __future__ import annotations

from domain.grading.drafts import Candidate, Draft, Point
from domain.grading.json_fields import Node, load_json, pick
from domain.grading.marks_notation import take_marks
from domain.grading.numbering import normalise_number
from domain.grading.vocabulary import GUIDE_COLUMNS

_ITEMS = ("items", "questions", "tasks", "problems", "exercises")
_TITLE = ("title", "name", "guide", "exam", "paper", "quiz", "assignment")
_TOTAL = (
    "total",
    "total_marks",
    "total_points",
    "total_score",
    "max_total",
    "max_score",
    "max_marks",
    "marks",
)
_TEXT = ("text", "point", "criterion", "description", "name", "answer")
_WORTH = ("marks", "mark", "points", "score", "max_score", "weight", "value")


def read_json_guide(text: str, name: str) -> Candidate:
    """The guide's drafts. Raises InputError with the path of a field that has the wrong type."""
    root = Node(load_json(text, name), "", name)
    if isinstance(root.value, list):
        return Candidate("", _drafts(root))
    fields = root.fields()
    wrapped = pick(fields, "guide", "marking_guide", "rubric")
    if wrapped is not None and isinstance(wrapped.value, dict) and not pick(fields, *_ITEMS):
        fields = wrapped.fields()
    told = pick(fields, "instructions", "general_instructions")
    items, title, total = pick(fields, *_ITEMS), pick(fields, *_TITLE), pick(fields, *_TOTAL)
    return Candidate(
        title.text() if title else "",
        _drafts(items) if items and items.value is not None else (),
        total.marks() if total else None,
        instructions=told.text() if told else "",
    )


def _drafts(items: Node) -> tuple[Draft, ...]:
    if isinstance(items.value, dict):
        return tuple(
            _draft(node, key) for key, node in zip(items.value, items.fields().values(), strict=True)
        )
    return tuple(_draft(node, str(i)) for i, node in enumerate(items.entries(), 1))


def _draft(node: Node, position: str) -> Draft:
    fields = {ours: found for ours in GUIDE_COLUMNS if (found := _field(node.fields(), ours))}
    number = fields["number"].text() if "number" in fields else ""
    number = normalise_number(number) or number or normalise_number(position)
    marks = fields["marks"].marks() if "marks" in fields else None
    answers = fields["answer"].texts() if "answer" in fields else ()
    alternatives = fields["alternatives"].texts() if "alternatives" in fields else ()
    # Beside a list of criteria, guidance is what is said besides; alone it is one.
    notes = pick(node.fields(), "guidance") if "criteria" in node.fields() else None
    return Draft(
        number=number,
        levels=(number,),
        place=node.path or "the document",
        question=fields["question"].text() if "question" in fields else "",
        answer=answers[0] if answers else "",
        marks=() if marks is None else (marks,),
        points=_points(fields["criteria"]) if "criteria" in fields else (),
        limited=_is_limited(node),
        alternatives=answers[1:] + alternatives,
        not_accepted=fields["not_accepted"].texts() if "not_accepted" in fields else (),
        guidance=notes.text() if notes else "",
    )


def _is_limited(node: Node) -> bool:
    """Whether the marking points may earn less than their sum ("any two of these")."""
    told = pick(node.fields(), "limited", "any_of")
    return told is not None and told.value is True


def _field(fields: dict[str, Node], ours: str) -> Node | None:
    """The field of ours; "points" holding a list are marking points, not marks."""
    listed = [
        key for key in ("points", "marks", "scoring") if key in fields and isinstance(fields[key].value, list)
    ]
    synonyms = {"model_answer": 0, "max_score": 1, "number": 2, "question": 3}
    names = sorted(GUIDE_COLUMNS[ours], key=lambda key: (synonyms.get(key, 9), key))
    if ours == "criteria":
        return pick(fields, "criteria", *names, *listed)
    return pick(fields, *(name for name in names if name not in listed))


def _points(node: Node) -> tuple[Point, ...]:
    if node.value is None:
        return ()
    entries = node.entries() if isinstance(node.value, list) else [node]
    points = []
    for entry in entries:
        if isinstance(entry.value, dict):
            fields = entry.fields()
            text, worth = pick(fields, *_TEXT), pick(fields, *_WORTH)
            if text is None:
                raise entry.wrong('an object with "text" and "marks"')
            points.append(Point(text.text(), worth.marks() if worth else None))
        else:
            taken = take_marks(entry.text())
            points.append(Point(taken.text, taken.marks))
    return tuple(point for point in points if point.text)
