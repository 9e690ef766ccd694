"""One row of a guide's table as an item, and further rows that belong to the item above."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from domain.grading.cell_lines import BULLET, unwrapped
from domain.grading.drafts import Draft, Point
from domain.grading.marks_cells import MarksCell, read_marks_cell
from domain.grading.marks_notation import has_limit, marks_each, take_marks
from domain.grading.numbering import read_label
from domain.grading.prose_guides import Section, read_list, read_points
from domain.grading.segments import lines_of
from domain.grading.table_rows import Row

_ACCEPTED = re.compile(r"\s*(?:also )?(?:accept|allow|condone)\s*:?\s+", re.IGNORECASE)
_REFUSED = re.compile(
    r"\s*(?:do not|don['’]?t|not) (?:accept|allow|credit)\s*:?\s+|\s*(?:reject|ignore)\s*:?\s+", re.IGNORECASE
)
_METHOD = re.compile(
    r"^(?:alternative|alt)\b\.?(?:\s?(?:method|solution|approach|answer|scheme|way)s?)?\s?(?P<n>\d{1,2})?\b.{0,300}$|^or$",
    re.IGNORECASE,
)
_GUIDANCE = re.compile(
    r"^(?:additional|further|general|marking|examiner['’]?s?)?\s?(?:guidance|notes?|comments?|information)\W*$",
    re.IGNORECASE,
)
_CHOICE = re.compile(
    r"^\W{0,3}or\b|\bor\W{0,3}$|\beither\b|\balternativ|\bany other\b", re.IGNORECASE | re.MULTILINE
)
_SLACK = 1e-6
_MOST = 20
"""Marks of one marking point."""


def item_of_row(cells: dict[str, str], row: Row, levels: tuple[str, ...], position: int) -> Draft:
    question = cells.get("question", "")
    label = read_label(question)
    if not levels and label is not None and label.style != "sub":
        levels, question = label.levels, label.rest
    asked = take_marks(question) if not cells.get("marks") else None
    read = read_marks_cell(cells.get("marks", ""))
    value = read.total if cells.get("marks") else asked.marks if asked else None
    answer = unwrapped(cells.get("answer", ""))
    accepted, refused, rest = _sorted_guidance(_notes(cells))
    told = _sorted_guidance(cells.get("criteria", ""))
    points = _points(told[2]) or _points_of(answer, rest, read, value)
    limited = has_limit(cells.get("criteria", "")) or has_limit(answer)
    points, limited = _settled(points, f"{told[2]}\n{answer}", value, limited)
    levels = levels or (str(position),)
    return Draft(
        number="".join(levels),
        levels=levels,
        place=row.place,
        question=asked.text if asked else question,
        answer=_tidy(answer),
        marks=() if value is None else (value,),
        coded=read.is_coded,
        points=tuple(points),
        limited=limited,
        alternatives=tuple(
            read_list([*re.split(r"\n|\s\|\|\s", cells.get("alternatives", "")), *accepted, *told[0]])
        ),
        not_accepted=tuple(read_list([*cells.get("not_accepted", "").splitlines(), *refused, *told[1]])),
        guidance=rest.strip(),
    )


def continued(draft: Draft, cells: dict[str, str], *, counts: bool = True) -> Draft:
    """A row without a number of its own belongs to the item above: another point, level, or its sum.

    Where it does not count, because it shows another method, it only tells another answer.
    """
    answer = unwrapped(cells.get("answer", ""))
    if not counts:
        told_again = tuple(text for text in [_tidy(answer)] if text and not _METHOD.match(text))
        return replace(draft, alternatives=(*draft.alternatives, *told_again))
    read = read_marks_cell(cells.get("marks", ""))
    accepted, refused, rest = _sorted_guidance(_notes(cells))
    told = _sorted_guidance(cells.get("criteria", ""))
    # A step of the working may earn its mark before there is an answer.
    step = _tidy(answer or unwrapped(cells.get("working", "")))
    more = [Point(step, read.total)] if step and read.total is not None and not read.is_band else []
    first = draft.answer or draft.guidance
    before = draft.points or ((Point(first, draft.marks[0]),) if more and draft.marks and first else ())
    return replace(
        draft,
        answer="\n".join(text for text in (draft.answer, _tidy(answer)) if text),
        marks=_marks_with(draft.marks, read, alone=not answer),
        coded=draft.coded or (not draft.marks and read.is_coded),
        points=(*(before if more or told[2] else draft.points), *more, *_points(told[2])),
        alternatives=(
            *draft.alternatives,
            *read_list([*cells.get("alternatives", "").splitlines(), *accepted]),
        ),
        not_accepted=(*draft.not_accepted, *read_list(refused)),
        guidance="\n".join(text for text in (draft.guidance, rest.strip()) if text),
    )


def opens_guidance(told: Sequence[str]) -> bool:
    """Whether a row heads notes to the marker, which go on below it: "Additional guidance" on its own.

    `told` are the row's filled cells without its number.
    """
    return len(told) == 1 and _GUIDANCE.match(" ".join(told[0].split())) is not None


def with_guidance(draft: Draft, told: Sequence[str]) -> Draft:
    """The item with a row of notes, whose marks are those of its examples."""
    note = " | ".join(" ".join(cell.split()) for cell in told)
    return replace(draft, guidance="\n".join(text for text in (draft.guidance, note) if text))


def opens_other_method(told: Sequence[str], draft: Draft) -> bool:
    """Whether a row opens a further way to the same marks: "Alternative method 2", "OR" on its own.

    `told` are the row's filled cells without its number.
    """
    if not told:
        return False
    found = _METHOD.match(" ".join(told[0].split()))
    return bool(found and worth_of(draft) and (found["n"] or "2") != "1")


def worth_of(draft: Draft) -> float:
    return draft.marks[0] if draft.marks else sum(point.marks or 0.0 for point in draft.points)


def _notes(cells: dict[str, str]) -> str:
    """The guidance of a row, below the working that leads to its answer."""
    return "\n".join(text for text in (cells.get("working", ""), cells.get("guidance", "")) if text)


def _sorted_guidance(text: str) -> tuple[list[str], list[str], str]:
    """What a cell of guidance accepts, what it refuses, and the rest of it."""
    accepted: list[str] = []
    refused: list[str] = []
    rest: list[str] = []
    last = rest
    for line in text.splitlines():
        for kind, found in ((refused, _REFUSED.match(line)), (accepted, _ACCEPTED.match(line))):
            if found:
                kind.append(line[found.end() :])
                last = kind
                break
        else:
            if last is not rest and line[:1].islower():
                # The cell's width cut what is accepted in two.
                last[-1] = f"{last[-1]} {line.strip()}"
                continue
            rest.append(line)
            last = rest
    return accepted, refused, "\n".join(rest)


def _points(text: str) -> list[Point]:
    lines = tuple(piece for line in lines_of(text) for piece in (line.split(";") if ";" in line else [line]))
    return read_points(Section("criteria", "", lines))


def _points_of(answer: str, guidance: str, read: MarksCell, value: float | None) -> list[Point]:
    """Marking points where it is plain what each is worth: said beside it, a mark a line, one of a choice."""
    for text in (answer, guidance):
        told = _points(text)
        stated = [point for point in told if point.marks is not None]
        fits = value is not None and abs(sum(p.marks or 0 for p in stated) - value) < _SLACK
        # Code and sums end lines in numbers that are no marks; marking points nearly all state theirs.
        plain = len(stated) >= 0.7 * len(told) and all((p.marks or 0) <= (value or _MOST) for p in stated)
        if len(stated) > 1 and (fits or (text is answer and plain)):
            return stated
    lines = [line for line in answer.splitlines() if line.strip()]
    limited = bool(lines) and has_limit(lines[0])
    entries = [BULLET.sub("", line).strip(" ;") for line in (lines[1:] if limited else lines)]
    if len(entries) < 2 or value is None:
        return []
    if limited:
        return [Point(text, 1.0) for text in entries] if len(entries) >= value == int(value) else []
    if len(read.lines) == len(entries):
        return [Point(text, worth) for text, worth in zip(entries, read.lines, strict=True)]
    return [Point(text, 1.0) for text in entries] if len(entries) == value else []


def _settled(points: list[Point], text: str, value: float | None, limited: bool) -> tuple[list[Point], bool]:
    """Points and whether they earn less than their sum: of two ways to a mark, only one earns it.

    Where "1 mark each" is all that says their worth, more points than marks are a choice; of fewer the list
    shows a part only, and each may be worth more.
    """
    worth = sum(point.marks or 0.0 for point in points)
    if value is None or not points or abs(worth - value) < _SLACK:
        return points, limited
    if marks_each(text) is None:
        return points, limited or (worth > value and _CHOICE.search(text) is not None)
    return (points, True) if worth > value else ([Point(point.text, None) for point in points], False)


def _tidy(answer: str) -> str:
    """An answer without marks and bullets, "and", "or" alone on a line kept as they are."""
    return "\n".join(BULLET.sub("", take_marks(line).text) for line in answer.splitlines()).strip()


def _marks_with(before: tuple[float, ...], read: MarksCell, *, alone: bool) -> tuple[float, ...]:
    """The item's marks with those of a further row: a sum in brackets says the same once more, a level is
    one of several, anything else adds."""
    if read.total is None:
        return before
    if not before:
        return (read.total,)
    if read.is_sum and alone:
        return before if abs(before[0] - read.total) < _SLACK else (read.total, *before)
    if read.is_band:
        return (max(before[0], read.total),)
    return (before[0] + read.total,)
