"""The words by which people name the fields of a guide and of a paper, in prose, tables and JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


GUIDE_COLUMNS: Mapping[str, frozenset[str]] = {
    "number": _words(
        "number no nr num id item item_id item_no item_number q q_no qno question_no "
        "question_number question_id part part_no questionnumber"
    ),
    "question": _words("question prompt task question_text item_text stem problem frage aufgabe"),
    "answer": _words(
        "answer model_answer modelanswer expected_answer reference_answer ideal_answer "
        "sample_answer correct_answer suggested_answer expected_response model_response solution "
        "answers expected answer_key musterloesung musterlösung indicative_content reference"
    ),
    "marks": _words(
        "marks mark max_score maxscore max_marks max_mark maximum maximum_marks maximum_mark "
        "score points pts marks_available available_marks worth max total_marks max_points punkte "
        "weight"
    ),
    "criteria": _words(
        "criteria criterion marking_points marking_point mark_scheme marking_scheme "
        "marking_criteria rubric key_points guidance marking_guidance scoring"
    ),
    "alternatives": _words(
        "alternatives alternative alternative_answers accept also_accept acceptable_answers "
        "acceptable accepted_answers allow all_references"
    ),
    "not_accepted": _words("do_not_accept not_accepted reject dont_accept not_acceptable"),
}

SUBMISSION_FIELDS: Mapping[str, tuple[str, ...]] = {
    "number": (
        *("number", "item", "item_id", "item_number", "question_number", "question_id", "question_no"),
        *("no", "nr", "q", "id", "part"),
    ),
    "text": ("text", "answer", "student_answer", "response", "answer_text", "student_response", "content"),
    "score": (
        "score",
        "awarded",
        "marks_awarded",
        "mark_awarded",
        "gold",
        "mark",
        "grade",
        "marks",
        "points",
    ),
    "second_score": (
        *("second_score", "second_gold", "second_marker", "second_mark", "second_examiner", "marker_2"),
        *("score_2", "score2", "mark_2", "rater_2", "rater2"),
    ),
}
"""The fields of an answer in a paper; the first synonym that is there wins."""

_FIELD_PHRASES: Mapping[str, str] = {
    "question": r"question(?: text)?|prompt|task|stem|frage|q",
    "answer": r"(?:model|expected|ideal|reference|sample|correct|suggested|exemplar)? ?"
    r"(?:answers?|response|solution)"
    r"|indicative content|musterlösung|ans|a",
    "criteria": r"mark(?:ing)? ?(?:points?|schemes?|criteria|guidance|guidelines?|notes)|criteria|rubric"
    r"|(?:key )?points|award(?: (?:\w+ )?marks?)?(?: for)?|scoring|marks? (?:are )?(?:awarded )?for",
    "not_accepted": r"(?:do not|don'?t|not) (?:accept(?:ed|able)?|allow|credit)|reject"
    r"|unacceptable(?: answers?)?",
    "alternatives": r"(?:acceptable |accepted )?alternatives?(?: answers?)?"
    r"|(?:also )?(?:accept|allow)(?:able)?(?: also)?|accept(?:ed|able) answers?|or",
    "marks": r"marks?(?: available)?|max(?:imum)?\.? ?(?:marks?|score|points?)?|points?|worth|score|value"
    r"|punkte",
}
_FIELD = re.compile(
    r"^[\s>#*_-]{0,8}(?:"
    + "|".join(rf"(?P<{name}>{phrase})" for name, phrase in _FIELD_PHRASES.items())
    + r")(?:\s?\d{1,2}[a-z]?)?(?:\s*\((?P<note>[^()]{1,60})\))?(?:[*_]{1,3})?\s*"
    r"(?:[:|](?:[*_]{1,3})?(?:\s+|$)|(?P<alone>$))(?P<rest>.*)$",
    re.IGNORECASE,
)
_PLAIN_ALONE = re.compile(
    r"^[\s>]*(?:q|a|ans|or|points?|value|score|worth|task|stem|max)[\s]*$", re.IGNORECASE
)


class FieldLine:
    """A line that opens a field: its name, what follows it, and a note in brackets after the name."""

    __slots__ = ("name", "note", "rest")

    def __init__(self, name: str, note: str, rest: str) -> None:
        self.name, self.note, self.rest = name, note, rest


def read_field(line: str) -> FieldLine | None:
    """The labelled field that a line opens ("Model answer: ..."), None where it opens none.

    Without a colon the name must fill its line, as in headings. "OR" alone opens an alternative.
    """
    found = _FIELD.match(line)
    if found is None:
        return None
    name = next(n for n in _FIELD_PHRASES if found[n] is not None)
    alone = found["alone"] is not None
    if alone and found[name].strip() != "OR" and _PLAIN_ALONE.match(line):
        return None
    if name == "alternatives" and found[name].lower() == "or" and not (alone or ":" in line):
        return None
    return FieldLine(name, (found["note"] or "").strip(), found["rest"].strip())


def key_of(name: str) -> str:
    """A column's or key's name for look-up: "Max. Marks", "maxMarks" and "max-marks" are "max_marks"."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[\W_]+", "_", name.lower()).strip("_")


def match_columns(names: Iterable[str], columns: Mapping[str, frozenset[str]]) -> dict[str, int]:
    """Where each known column is: our name → position of the first header that is a synonym of it."""
    places: dict[str, int] = {}
    for position, name in enumerate(names):
        key = key_of(name)
        for ours, synonyms in columns.items():
            if key in synonyms and ours not in places:
                places[ours] = position
                break
    return places
