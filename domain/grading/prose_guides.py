"""Marking guides written as prose: numbered questions with labelled or implied answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from domain.grading.drafts import Candidate, Draft, Point
from domain.grading.level_bands import read_band
from domain.grading.marks_notation import has_limit, marks_each, marks_of_limit, split_points, take_marks
from domain.grading.numbering import read_label
from domain.grading.segments import Segment, cut, lines_of
from domain.grading.totals import TotalLine, read_total, sort_totals, total_of_preamble
from domain.grading.vocabulary import FieldLine, read_field

_BULLET = re.compile(r"^\s*(?:[-*•–—·▪◦‣●■✓✔]|o(?=\s)|\(?(?:[a-h]|[ivx]{1,4}|\d{1,2})[.)])\s+")
_RULE = re.compile(r"^[\s\-_=*#|:.~]*$")
_NAMED_TITLE = re.compile(
    r"^(?:title|(?:marking |model )?guide|mark(?:ing)? scheme|rubric|paper|exam|test|quiz|subject|topic)"
    r"\s*[:–—-]\s+(?P<title>.+)$",
    re.IGNORECASE,
)
_TITLE_MARKS = re.compile(r"[\[(][^\[\]()]*\d[^\[\]()]*(?:mark|point|pt)[^\[\]()]*[\])]", re.IGNORECASE)
_ANSWER_PART = re.compile(
    r"^[\s#*_]*(?:(?:model |suggested )?answers|answer key|mark(?:ing)? scheme|solutions)[\s:*_]*$",
    re.IGNORECASE,
)
_MARKS_COLUMN = re.compile(r"^(?:(?:\w+ ){0,2}\w+\s*\|\s*)?(?:marks?|points?|score)$", re.IGNORECASE)
_EXAMPLE = re.compile(
    r"^\W{0,3}(?:for example|e\.?g\.?|(?:correct|sample|example|possible|suggested|completed|model)"
    r"(?: (?:answers?|solutions?|algorithm|(?:program |pseudo)?code|sql|script))?s?"
    r"|(?:program |pseudo)?code|pseudocode|python|java|vb(?:\.net)?|visual basic)\W{0,3}$",
    re.IGNORECASE,
)
_OBJECTIVE_MARKS = re.compile(
    r"^\W{0,3}(?:knowledge|application|analysis|evaluation)?\W{0,3}A[O0]\s?\d\b.{0,30}$"
    r"|^\W{0,3}(?:knowledge|application|analysis|evaluation)\W{1,3}.{0,12}$",
    re.IGNORECASE,
)
_ONLY_MARKS = re.compile(r"^[\W\d]*(?:marks?|points?|pts?)?[\W\d]*$", re.IGNORECASE)


@dataclass(frozen=True)
class Section:
    """A labelled part of an item; `note` is the bracket or the text on its label's line."""

    name: str
    note: str
    lines: tuple[str, ...]


def read_prose(text: str, *, loose: bool = False) -> Candidate:
    """Items introduced by numbers ("1.", "Question 2 (4 marks)", "(a)(i)"), one after the other."""
    lines = lines_of(text)
    split = _answer_part(lines)
    if split is not None:
        return _join(_read_lines(lines[:split], loose), _read_lines(lines[split + 1 :], loose), split)
    return _read_lines(lines, loose)


def read_unnumbered(text: str) -> Candidate:
    """Items without numbers, each opened by "Question:"; they are numbered in reading order."""
    given = lines_of(text)
    if any((label := read_label(line)) and label.style != "sub" for line in given):
        return Candidate("", ())
    lines, n = [], 0
    for line in given:
        field = read_field(line)
        if field and field.name == "question":
            n += 1
            lines.append(f"Question {n}: {field.rest} {field.note and f'({field.note})'}")
        else:
            lines.append(line)
    return _read_lines(lines, loose=False) if n else Candidate("", ())


def _answer_part(lines: Sequence[str]) -> int | None:
    """Where the answers of all questions begin, in guides that print the questions first."""
    labels = ((i, label) for i, line in enumerate(lines) if (label := read_label(line)))
    first, opening = next(((i, label) for i, label in labels if label.style != "sub"), (len(lines), None))
    for i in range(first + 1, len(lines)):
        if _ANSWER_PART.match(lines[i]):
            below = next((read_label(line) for line in lines[i + 1 : i + 4] if line.strip()), None)
            if below and opening and below.style != "sub" and below.number == opening.number:
                return i
    return None


def _join(questions: Candidate, answers: Candidate, offset: int) -> Candidate:
    """Each question with what the second part says under its number."""
    keys = {draft.number: draft for draft in answers.drafts}
    drafts = []
    for draft in questions.drafts:
        key = keys.get(draft.number)
        if key is None:
            drafts.append(draft)
            continue
        answer = key.answer or key.question
        place = f"{draft.place} and line {int(key.place.split()[1]) + offset + 1}"
        marks = draft.marks or key.marks
        joined = replace(key, question=draft.question, answer=answer, marks=marks, place=place)
        drafts.append(joined)
    total = questions.stated_total if questions.stated_total is not None else answers.stated_total
    return replace(questions, drafts=tuple(drafts), stated_total=total)


def _read_lines(lines: Sequence[str], loose: bool) -> Candidate:
    fields = {field.name for line in lines if (field := read_field(line))}
    telling = "answer" if "answer" in fields else "criteria" if "criteria" in fields else ""

    def strong(span: Sequence[str]) -> bool:
        if telling:
            return any((field := read_field(line)) is not None and field.name == telling for line in span)
        return any(take_marks(line).marks is not None for line in span)

    pieces = cut(lines, strong, loose=loose)
    totals: list[tuple[str, TotalLine]] = []
    drafts = []
    for segment in pieces.segments:
        stated = [t for line in segment.body if (t := read_total(line))]
        totals += [(segment.levels[0], total) for total in stated]
        body = tuple(line for line in segment.body if not read_total(line) and not _is_rule(line))
        drafts.append(_draft(replace(segment, body=body)))
    title, titled_total = title_of(pieces.preamble)
    last = pieces.segments[-1].levels[0] if pieces.segments else ""
    preamble_total = total_of_preamble(pieces.preamble)
    known = sort_totals(titled_total if preamble_total is None else preamble_total, totals, last)
    leaves, parents = _without_parents(drafts)
    return Candidate(title, leaves, known.paper, {**parents, **known.by_question}, known.problems)


def _is_rule(line: str) -> bool:
    return bool(line.strip()) and _RULE.match(line) is not None


def title_of(preamble: Sequence[str]) -> tuple[str, float | None]:
    """The guide's title and the total that stands behind it in brackets, if one does."""
    lines = [line.strip(" \t#*_>|") for line in preamble if not _is_rule(line)]
    lines = [line for line in lines if line and not read_total(line) and not _ONLY_MARKS.match(line)]
    named = next((found for line in lines[:8] if (found := _NAMED_TITLE.match(line))), None)
    title = (named["title"] if named else lines[0] if lines else "")[:200].strip()
    taken = take_marks(title) if _TITLE_MARKS.search(title) else None
    return (taken.text, taken.marks) if taken else (title, None)


def _without_parents(drafts: Sequence[Draft]) -> tuple[tuple[Draft, ...], dict[str, float]]:
    """The items proper, each with its question's stem in front; and the marks of the stems."""
    leaves: list[Draft] = []
    parents: dict[str, float] = {}
    stems: dict[tuple[str, ...], str] = {}
    for draft, after in zip_longest(drafts, drafts[1:]):
        below = after is not None and len(after.levels) > len(draft.levels)
        is_stem = below and after is not None and after.levels[: len(draft.levels)] == draft.levels
        above = [stems[draft.levels[:n]] for n in range(1, len(draft.levels)) if stems.get(draft.levels[:n])]
        if is_stem and not draft.answer and not draft.points:
            stems[draft.levels] = draft.question
            if draft.marks:
                parents[draft.number] = draft.marks[0]
        else:
            leaves.append(replace(draft, question="\n".join([*above, draft.question]).strip()))
    return tuple(leaves), parents


def _draft(segment: Segment) -> Draft:
    sections = _sections(segment)
    question, marks, implied = _question(sections)
    explicit = [s for s in sections if s.name == "answer"]
    if not explicit and not any(s.name == "criteria" for s in sections):
        explicit = [Section("answer", "", tuple(implied))]
    else:
        question = "\n".join([question, *implied]).strip()
    answer, points = _answer(explicit)
    listed = [s for s in sections if s.name == "criteria"]
    if not marks and not listed and len(points) == 1:
        marks, points = [p.marks for p in points if p.marks is not None], []
    bands = [float(s.note) for s in sections if s.name == "band" and float(s.note) > 0]
    if bands and max(bands) not in marks:
        # An item that states other marks than its highest level is told to differ.
        marks.append(max(bands))
    if listed:
        points = [point for section in listed for point in read_points(section)]
        marks += [m for s in listed if (m := _marks_of_list(s.note)) is not None and not marks]
    return Draft(
        number=segment.number,
        levels=segment.levels,
        place=f"line {segment.line}",
        question=question,
        answer=answer,
        marks=tuple(marks),
        points=tuple(points),
        limited=any(has_limit(line) for s in listed or explicit for line in (s.note, *s.lines)),
        alternatives=tuple(t for s in sections if s.name == "alternatives" for t in read_list(s.lines)),
        not_accepted=tuple(t for s in sections if s.name == "not_accepted" for t in read_list(s.lines)),
    )


def _sections(segment: Segment) -> list[Section]:
    sections: list[tuple[str, str, list[str]]] = [("question", "", [])]
    for line in (segment.head, *segment.body):
        band = read_band(line)
        if band is not None:
            sections.append(("band", f"{band.high}", []))
            sections.append((sections[-2][0], "", []))
            continue
        field = read_field(line)
        value = _stated_marks(field) if field else None
        if field is None and sections[-1][0] == "question" and _is_heading_of_list(line):
            sections.append(("criteria", line.strip(), []))
            continue
        if field is None or (field.name == "marks" and value is None and field.rest):
            sections[-1][2].append(line)
        elif value is not None:
            sections.append(("marks", f"{value}", []))
            sections.append((sections[-2][0], "", []))
        elif field.name == "question" and sections[-1][0] == "question":
            sections[-1][2].append(f"{field.rest} {field.note and f'({field.note})'}")
        else:
            name = "criteria" if field.name == "marks" else field.name
            sections.append((name, field.note, [field.rest]))
    return [Section(name, note, tuple(lines)) for name, note, lines in sections]


def _stated_marks(field: FieldLine) -> float | None:
    """The marks of "Marks: 2"; also of "Points: 2", which otherwise opens a list."""
    if field.name not in ("marks", "criteria") or not _ONLY_MARKS.match(field.rest) or not field.rest:
        return None
    return take_marks(f"Marks: {field.rest}").marks


def _marks_of_list(note: str) -> float | None:
    if marks_each(note) is not None or has_limit(note):
        return marks_of_limit(note)
    return take_marks(f"({note})").marks


def _question(sections: Sequence[Section]) -> tuple[str, list[float], list[str]]:
    """The question, the marks that it states, and the lines after it that no label claims."""
    marks = [float(s.note) for s in sections if s.name == "marks"]
    lines = [line for s in sections if s.name == "question" for line in s.lines]
    points_from = _first_point(lines) if not marks else len(lines)
    asked: list[str] = []
    for i, line in enumerate(lines[:points_from]):
        taken = take_marks(line)
        asked.append(taken.text)
        if taken.marks is not None:
            marks.append(taken.marks)
        ended = taken.marks is not None or taken.text.endswith("?") or (bool(marks) and i == 0)
        if ended and any(text.strip() for text in asked):
            return "\n".join(asked).strip(), *_later_marks(marks, lines[i + 1 :])
    return "\n".join(asked).strip(), marks, lines[points_from:]


def _first_point(lines: Sequence[str]) -> int:
    """Where the marking points begin in a question that states no marks of its own."""
    marked = [(i, m) for i, line in enumerate(lines) if (m := take_marks(line).marks) is not None]
    if len(marked) < 2 or marked[0][0] == 0:
        return len(lines)
    asked = lines[marked[0][0] - 1].rstrip().endswith((".", "?", "!", ":"))
    worth_the_rest = marked[0][1] == sum(m for _, m in marked[1:])
    return len(lines) if worth_the_rest and not asked else marked[0][0]


def _later_marks(marks: list[float], rest: Sequence[str]) -> tuple[list[float], list[str]]:
    """Marks on a line of their own below the question are the question's."""
    kept = []
    for line in rest:
        taken = take_marks(line)
        if taken.marks is not None and not taken.text.strip(" .:-_"):
            marks = [*marks, taken.marks]
        else:
            kept.append(line)
    return marks, kept


def _answer(sections: Sequence[Section]) -> tuple[str, list[Point]]:
    """The model answer without marks, and the points in it that state marks."""
    texts: list[str] = []
    points: list[Point] = []
    for section in sections:
        for line in section.lines:
            pieces = [take_marks(piece) for piece in split_points(line)] or [take_marks(line)]
            points += [Point(_unbulleted(p.text), p.marks) for p in pieces if p.marks is not None and p.text]
            stated = any(p.marks is not None for p in pieces)
            texts.append(" ".join(p.text for p in pieces) if stated else line.strip())
    return "\n".join(texts).strip(), points


def read_points(section: Section) -> list[Point]:
    """The marking points of a list: one a bullet, or one wherever marks end a text.

    What stands under "For example:" below them shows an answer and is none of them.
    """
    each = marks_each(" ".join((section.note, *section.lines)))
    bulleted = sum(_BULLET.match(line) is not None for line in section.lines) > 1
    texts: list[str] = []
    fresh = True
    marked = any(take_marks(line).marks is not None for line in section.lines)
    for line in section.lines:
        if texts and _EXAMPLE.match(line):
            break
        if not line.strip() or _is_heading_of_list(line) or _EXAMPLE.match(line):
            fresh = True
            continue
        if (
            _BULLET.match(line)
            or fresh
            or (not bulleted and (not marked or take_marks(texts[-1]).marks is not None))
        ):
            texts.append(_unbulleted(line))
        else:
            texts[-1] = f"{texts[-1]} {line.strip()}"
        fresh = False
    pieces = [take_marks(piece) for text in texts for piece in split_points(text)]
    return [Point(p.text, each if p.marks is None else p.marks) for p in pieces if p.text]


def _is_heading_of_list(line: str) -> bool:
    """Whether a line only rules the list below it: "Any two from:", "1 mark each", "Point | Marks"."""
    bare = line.strip(" |").rstrip(":.")
    if _MARKS_COLUMN.match(bare) or _OBJECTIVE_MARKS.match(bare):
        return True
    return (has_limit(bare) and (len(bare.split()) <= 5 or line.strip().endswith(":"))) or (
        marks_each(bare) is not None and len(bare.split()) <= 6
    )


def read_list(lines: Sequence[str]) -> list[str]:
    """The entries of a list written in bullets, or in one line with ";" or " / " between them."""
    texts = [take_marks(_unbulleted(line)).text for line in lines if line.strip()]
    return [piece.strip() for text in texts for piece in re.split(r";\s*|\s/\s", text) if piece.strip()]


def _unbulleted(line: str) -> str:
    return _BULLET.sub("", line).strip()
