"""What the columns of a class list are, by their headers: as Excel, Google Forms, Microsoft Forms and Moodle
name them ("Q1", "1a mark", "Question 2 answer", "Q. 1 /2.00", "Response 1", "Points - Why?", "Why? [Score]").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from domain.grading.marks_notation import NUMBER, read_number, take_marks
from domain.grading.numbering import normalise_number, read_label
from domain.grading.vocabulary import key_of


class Use(StrEnum):
    ANSWER = "answer"
    SCORE = "score"
    SECOND_SCORE = "second score"
    MARKS = "answer or score"
    """A bare number, such as "Q1": which of the two it is, its cells say."""
    TOTAL = "total"
    ID = "id"
    NAME = "name"
    FIRST_NAME = "first name"
    LAST_NAME = "last name"
    EMAIL = "email"
    GUIDE = "guide"
    BESIDE = "beside"
    """Known, and nothing that is needed: times, states, remarks."""
    UNKNOWN = "unknown"


IDENTITY = (Use.ID, Use.NAME, Use.FIRST_NAME, Use.LAST_NAME, Use.EMAIL)
OF_AN_ITEM = (Use.ANSWER, Use.SCORE, Use.SECOND_SCORE, Use.MARKS)


@dataclass(frozen=True)
class Column:
    """A column at `position` (from 0). Of an item it has the `number`, or the question that the header
    repeats, else the other is empty. `most` is the score that the header says is the highest."""

    position: int
    header: str
    use: Use
    number: str = ""
    question: str = ""
    most: float | None = None


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_WHOLE = {
    Use.ID: _names(
        "id student_id id_number student_number student_no candidate_number candidate_no candidate_id "
        "matriculation_number roll_number roll_no registration_number user_id user_name username sis_id "
        "sis_user_id learner_id pupil_id"
    ),
    Use.NAME: _names(
        "student name student_name students full_name fullname candidate candidate_name pupil pupil_name "
        "learner learner_name your_name your_full_name what_is_your_name participant user schueler schüler"
    ),
    Use.FIRST_NAME: _names("first_name firstname forename given_name vorname"),
    Use.LAST_NAME: _names("last_name lastname surname family_name nachname"),
    Use.EMAIL: _names("email e_mail email_address e_mail_address mail"),
    Use.TOTAL: _names(
        "total total_score total_marks total_mark total_points overall overall_score sum final_score "
        "final_mark grade score mark marks points result gesamt"
    ),
    Use.GUIDE: _names("guide guide_title marking_guide paper exam test quiz assignment"),
    Use.BESIDE: _names(
        "timestamp time date state status started started_on completed completed_on finished submitted "
        "submitted_at submission_date time_taken duration start_time completion_time last_modified_time "
        "institution department class group section course year form set attempt language feedback comment "
        "comments remark remarks quiz_feedback notes rank percentage percent row no nr"
    ),
}
_LAST = r"[\s\[(:;,_/–—-]*"
_SCORES = r"(?:scores?|marks?|points?|pts|grade|marks?\s(?:awarded|given)|awarded|punkte)"
_SECONDS = (
    rf"(?:(?:second|2nd)\s?(?:marker|examiner|rater|{_SCORES})(?:'?s)?(?:\s{_SCORES})?"
    rf"|(?:marker|examiner|rater|{_SCORES})\s?(?:2|two|b)(?:\s{_SCORES})?|moderated(?:\s{_SCORES})?)"
)
_WHOSE = r"(?:(?:your|my|the|student(?:'s)?|teacher(?:'s)?|examiner(?:'s)?|human)\s)?"
_ROLES = (
    (Use.BESIDE, r"(?:feedback|comments?|remarks?|(?:right|correct)\sanswer"
                 r"|max(?:imum)?(?:\s?(?:score|marks?|points?))?)"),
    (Use.SECOND_SCORE, _SECONDS),
    (Use.SCORE, _SCORES),
    (Use.ANSWER, r"(?:(?:answers?|response|text|reply|ans)|antwort)"),
)  # fmt: skip
_BEHIND = tuple(
    (use, re.compile(rf"^(?P<rest>.*?\S){_LAST}\b{_WHOSE}{role}[\])\s]*$", re.I | re.S))
    for use, role in _ROLES
)
_BEFORE = tuple(
    (use, re.compile(rf"^\s*{_WHOSE}{role}\b{_LAST}(?:(?:for|of|to)\s)?{_LAST}(?P<rest>\S.*)$", re.I | re.S))
    for use, role in _ROLES
)
_OUT_OF = re.compile(
    rf"\s*[\[(]?\s*(?:/|out\sof)\s*(?P<n>{NUMBER}\d*)\s*(?:marks?|points?|pts)?\s*[\])]?\s*$", re.I
)
_WORDS = r"(?:question|quest|q|item|problem|task|exercise|aufgabe|frage|part|no|nr|number)"
_NUMBER = re.compile(rf"^[\W_]*(?:{_WORDS}[\W_]*)*\d{{1,3}}(?:\.\d{{1,2}})*[\W_]*(?:[a-z]|[ivx]{{1,4}})?"
                     r"[\W_]*(?:[ivx]{1,4})?[\W_]*$", re.I)  # fmt: skip


def read_columns(headers: Sequence[str]) -> list[Column]:
    """What each column is, in order. A header that says nothing of the kind may repeat a question."""
    return [_column(i, " ".join(header.split())) for i, header in enumerate(headers)]


def is_header(columns: Sequence[Column]) -> bool:
    """Whether columns are those of a class list: they name students, and something of an item."""
    uses = {column.use for column in columns}
    return bool(uses & set(IDENTITY)) and bool(uses & set(OF_AN_ITEM))


def _column(position: int, header: str) -> Column:
    if not header:
        return Column(position, header, Use.BESIDE)
    plain, most = _without_marks(header)
    whole = next((use for use, names in _WHOLE.items() if key_of(plain) in names), None)
    if whole is not None:
        return Column(position, header, whole, most=most)
    use, rest = _role(plain.replace("_", " "))
    rest, inner = _without_marks(rest)
    most = inner if most is None else most
    if _NUMBER.match(rest):
        number = normalise_number(rest)
        return Column(position, header, use or Use.MARKS, number, most=most)
    label = read_label(rest)
    if label is not None and label.rest.strip():
        return Column(position, header, use or Use.ANSWER, label.number, most=most)
    return Column(position, header, use or Use.UNKNOWN, question=rest, most=most)


def _without_marks(header: str) -> tuple[str, float | None]:
    found = _OUT_OF.search(header)
    if found:
        return header[: found.start()], read_number(re.sub(r"([.,]\d*?)0+$", r"\1", found["n"]).rstrip(".,"))
    taken = take_marks(header) if header.rstrip().endswith((")", "]")) else None
    if taken is None or taken.marks is None or not taken.text:
        return header, None
    return taken.text, taken.marks


def _role(header: str) -> tuple[Use | None, str]:
    for patterns in (_BEHIND, _BEFORE):
        for use, pattern in patterns:
            found = pattern.match(header)
            if found:
                return use, found["rest"].strip(" [(:;,_–—-")
    return None, header
