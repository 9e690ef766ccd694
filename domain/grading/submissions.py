"""From a document's text to one student's paper: answers by question number, and human scores.

Who wrote it stands in a line such as "Student: ..." or "Candidate number: ..." above the first
answer, else the file's name without its ending is the student. An identity in brackets behind a
name ("Ada Lovelace (S12)") or on a line of its own goes before the name. Numbers such as "1 (a)" open an
answer. Scores, totals and examiners' remarks are taken out of the text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from domain.documents.extraction import Extraction
from domain.grading.json_submissions import read_json_submission
from domain.grading.marks_notation import read_number, take_marks
from domain.grading.numbering import normalise_number
from domain.grading.records import Answer, Submission
from domain.grading.scores_notation import has_score, read_total_score, take_scores
from domain.grading.segments import Segment, Segmented, Strong, cut, lines_of
from domain.grading.table_rows import Row, piped_rows
from domain.grading.vocabulary import SUBMISSION_FIELDS, key_of

_HEADER = re.compile(
    r"^[\s>*_#|]*(?:(?P<id>(?:student|candidate|learner|roll|matriculation|pupil)\s?(?:id|no\.?|number|code)|id)"
    r"|(?P<student>(?:student|candidate|learner|pupil)(?:'s)?(?:\s?name)?|(?:full\s)?name)"
    r"|(?P<guide>(?:marking\s)?guide|paper|exam(?:ination)?|test|quiz|assignment|assessment|title))"
    r"(?:[*_]{1,3})?\s*[:#=|]\s*(?:[*_]{1,3})?\s*(?P<value>\S.*?)[\s|*_]*$",
    re.IGNORECASE,
)
_COLUMNS = re.compile(r"\s{3,}|\t+|\s\|\s(?=[A-Za-z ]{2,25}[:#])|;\s+(?=[A-Za-z ]{2,25}:)")
_ID_IN_BRACKETS = re.compile(r"[(\[](?P<id>[\w-]*\d[\w-]*)[)\]]\s*$")
_ASKED = re.compile(r"^[\s>*_#-]*(?:question|q|prompt|task)(?:[*_]{1,3})?\s*:", re.IGNORECASE)
_ANSWERED = re.compile(
    r"^[\s>*_#-]*(?:(?:student(?:'s)?|my|your|candidate(?:'s)?)\s)?(?:answer|response|ans|antwort|a)\s?\d{0,2}(?:[*_]{1,3})?\s*[:|](?:[*_]{1,3})?",
    re.IGNORECASE,
)
_RULE = re.compile(r"^[\s\-_=*#~.]{3,}$")
_BLANK = re.compile(
    r"^\W*(?:(?:left\s)?blank|no\s(?:answer|response)|not\sanswered|unanswered|n/a)?\W*$", re.IGNORECASE
)
_MEANT_BLANK = re.compile(r"^\s*[\[(<].*[\])>]\s*\.?$|^[\s\-–—_.]*$")


@dataclass(frozen=True)
class Header:
    """What stands above the answers."""

    student: str
    guide_title: str
    total: float | None


def parse_submission(extraction: Extraction, name: str, numbers: Sequence[str] | None) -> Submission:
    """The paper in a document named `name`.

    `numbers` are the normalised numbers of the items that it may answer: they tell parts of questions
    from lists in answers, and numbers outside them are kept and told as problems. None: not known.
    Raises InputError for JSON whose fields have the wrong types.
    """
    if "json" in extraction.media_type:
        submission = read_json_submission(extraction.text, name)
    else:
        submission = _read_text(extraction, name, numbers)
    bracketed = _ID_IN_BRACKETS.search(submission.student)
    if bracketed:
        submission = replace(submission, student=bracketed["id"])
    submission = checked(settled(submission), numbers)
    if not submission.answers:
        none = f"{name} has no answers: put the question's number before each, such as 1. or Q1"
        return replace(submission, problems=(*submission.problems, none))
    return submission


def checked(submission: Submission, numbers: Sequence[str] | None) -> Submission:
    """The paper with a problem for each item that it answers twice, or that is not among `numbers`."""
    problems = [*submission.problems, *_repeated(submission)]
    if numbers is not None:
        known = {normalise_number(number) for number in numbers}
        unknown = [a for a in submission.answers if a.number not in known]
        problems += [
            f"answers item {a.number} ({a.place}), which is not among the guide's items" for a in unknown
        ]
    return replace(submission, problems=tuple(problems))


def _repeated(submission: Submission) -> list[str]:
    places: dict[str, list[str]] = {}
    for answer in submission.answers:
        places.setdefault(answer.number, []).append(answer.place)
    return [
        f"answers item {number} {len(at)} times ({', '.join(at)}): keep one"
        for number, at in places.items()
        if len(at) > 1
    ]


def _read_text(extraction: Extraction, name: str, numbers: Sequence[str] | None) -> Submission:
    lines = lines_of(extraction.text)
    problems: list[str] = []
    answers = [answer for table in _tables(extraction) for answer in _answers_of_table(table, problems)]
    totals: list[float] = []
    if answers:
        header = read_header(lines, name)
        totals = [found[0] for line in lines if (found := read_total_score(line))]
    else:
        known = None if numbers is None else {normalise_number(number) for number in numbers}
        pieces = cut_paper(lines, known)
        header = read_header(pieces.preamble, name)
        for segment in pieces.segments:
            totals += [found[0] for line in segment.body if (found := read_total_score(line))]
            answers.append(_answer(segment, problems))
    total = totals[-1] if totals else header.total
    return Submission(header.student, tuple(answers), header.guide_title, total, tuple(problems))


def cut_paper(lines: Sequence[str], known: Collection[str] | None) -> Segmented:
    """The paper at its numbers; "2 Plants ..." is a number only where that finds more of the known items."""
    strong: Strong = has_score if any(has_score([line]) for line in lines) else _never
    strict = cut(lines, strong, numbers=known)
    loose = cut(lines, strong, numbers=known, loose=True)
    if not strict.segments or known is None:
        return strict if strict.segments else loose
    found, more = ({segment.number for segment in pieces.segments} for pieces in (strict, loose))
    return loose if len(more) == len(loose.segments) and found < more <= set(known) else strict


def settled(submission: Submission) -> Submission:
    """The total is kept only where it says more than the scores do; else it is checked against them."""
    golds = [answer.gold for answer in submission.answers]
    known = [gold for gold in golds if gold is not None]
    total = submission.expected_total
    if not golds or len(known) < len(golds) or total is None:
        return submission
    problems = list(submission.problems)
    if abs(sum(known) - total) > 1e-6:
        problems.append(f"the scores add up to {sum(known):g}, the paper states a total of {total:g}")
    return replace(submission, expected_total=None, problems=tuple(problems))


def _never(lines: Sequence[str]) -> bool:  # noqa: ARG001
    return False


def is_header(line: str) -> bool:
    """Whether a line names the student, the guide or the total, and so is no part of an answer."""
    return any(_HEADER.match(piece) or read_total_score(piece) for piece in _COLUMNS.split(line[:400]))


def read_header(lines: Sequence[str], name: str) -> Header:
    """What the lines above the first answer say; the file `name` names the student where they do not."""
    found: dict[str, str] = {}
    total: float | None = None
    for line in lines[:60]:
        for piece in _COLUMNS.split(line[:400]):
            stated = read_total_score(piece)
            if stated:
                total = stated[0]
                continue
            field = _HEADER.match(piece)
            if field:
                found.setdefault(_kind(field), field["value"])
            elif total is None and has_score([piece]):
                total = take_scores([piece]).score
    student = found.get("id") or found.get("student") or PurePath(name).stem
    return Header(student.strip(), found.get("guide", "").strip(), total)


def identity_fields(lines: Sequence[str]) -> dict[str, str]:
    """What header lines say of the student: "id", "student", as far as they do."""
    found: dict[str, str] = {}
    for line in lines[:60]:
        for piece in _COLUMNS.split(line[:400]):
            field = _HEADER.match(piece)
            if field and _kind(field) != "guide":
                found.setdefault(_kind(field), field["value"].strip())
    return found


def states_guide(line: str) -> bool:
    """Whether a line says which guide is answered."""
    field = _HEADER.match(line[:400])
    return field is not None and _kind(field) == "guide"


def mask_identity(line: str, pseudonym: str) -> str:
    """`line` with the pseudonym in place of the student that it states, if it states one."""
    masked, at = [], 0
    for end in [*(gap.span() for gap in _COLUMNS.finditer(line[:400])), (len(line), len(line))]:
        piece = line[at : end[0]]
        field = _HEADER.match(piece)
        if field and _kind(field) != "guide":
            piece = piece[: field.start("value")] + pseudonym + piece[field.end("value") :]
        masked.append(piece + line[slice(*end)])
        at = end[1]
    return "".join(masked)


def _kind(field: re.Match[str]) -> str:
    return next(name for name in ("id", "student", "guide") if field[name])


def _answer(segment: Segment, problems: list[str]) -> Answer:
    return read_answer(segment.number, [segment.head, *segment.body], f"line {segment.line}", problems)


def read_answer(number: str, lines: Sequence[str], place: str, problems: list[str]) -> Answer:
    """The answer in `lines`, its scores taken out; scores that cannot be read are added to `problems`."""
    kept = [
        line for i, line in enumerate(lines) if not i or not (read_total_score(line) or _RULE.match(line))
    ]
    scored = take_scores(kept)
    problems += [f"item {number} ({place}): {problem}" for problem in scored.problems]
    return Answer(number, text_of(scored.lines), scored.score, scored.second, place)


def text_of(lines: Sequence[str]) -> str:
    """The student's own words: without the question, where it is repeated, and without labels."""
    asked = any(_ASKED.match(line) for line in lines)
    answered = next((i for i, line in enumerate(lines) if _ANSWERED.match(line)), None)
    body = list(lines)
    if answered is not None:
        above = lines[:answered]
        own = [] if asked or _is_question(above) else list(above)
        body = [*own, _ANSWERED.sub("", lines[answered]), *lines[answered + 1 :]]
    elif asked:
        body = [_ASKED.sub("", line) for line in lines]
    elif body and take_marks(body[0]).marks is not None:
        rest = body[1:]
        taken = take_marks(body[0])
        body = rest if any(line.strip() for line in rest) else [taken.text]
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(line.strip() for line in body)).strip()
    return "" if _BLANK.match(text) and (_MEANT_BLANK.match(text) or len(text.split()) < 3) else text


def _is_question(lines: Sequence[str]) -> bool:
    text = " ".join(lines).strip()
    return text.endswith("?") or take_marks(text).marks is not None


def _tables(extraction: Extraction) -> Iterator[list[Row]]:
    """The tables of a document, from its text where only that was kept."""
    if not extraction.tables:
        yield from piped_rows(extraction.text)
    for n, table in enumerate(extraction.tables, 1):
        yield [Row(cells, f"table {n} row {i}") for i, cells in enumerate(table.rows, 1)]


def _answers_of_table(rows: Sequence[Row], problems: list[str]) -> list[Answer]:
    if len(rows) < 2:
        return []
    keys = [key_of(cell) for cell in rows[0].cells]
    columns = {
        ours: keys.index(name)
        for ours, names in SUBMISSION_FIELDS.items()
        for name in reversed(names)
        if name in keys
    }
    number = columns.get("number", keys.index("question") if "question" in keys else None)
    if number is None or "text" not in columns or columns["text"] == number:
        return []
    answers = []
    for row, place in ((row.cells, row.place) for row in rows[1:]):
        item = normalise_number(row[number]) if number < len(row) else ""
        if not item or not re.match(r"\d", item):
            continue
        golds = [
            _score_cell(row, columns.get(name), item, place, problems) for name in ("score", "second_score")
        ]
        text = row[columns["text"]].strip() if columns["text"] < len(row) else ""
        answers.append(Answer(item, text_of(lines_of(text)), golds[0], golds[1], place))
    return answers


def _score_cell(
    row: Sequence[str], column: int | None, item: str, place: str, problems: list[str]
) -> float | None:
    cell = row[column].strip() if column is not None and column < len(row) else ""
    score = read_number(re.split(r"\s*(?:/|out of)", cell)[0]) if cell else None
    if cell.strip("-–— ") and score is None:
        problems.append(f"item {item} ({place}): the score {cell!r} cannot be read: write a number")
    return score
