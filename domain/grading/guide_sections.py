"""Guides whose numbers start again in each section: "Section A: 1, 2, 3; Section B: 1, 2".

Their items are numbered with the section's letter in front ("a1", "b1"), as two would share a number else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.grading.drafts import Candidate, Draft
from domain.grading.marks_notation import take_marks
from domain.grading.prose_guides import read_prose
from domain.grading.segments import lines_of
from domain.grading.totals import read_total

_HEADING = re.compile(
    r"^[\s#*_=-]{0,12}(?:section|abschnitt|teil)\s+(?P<name>[a-h]|\d|[ivx]{1,4})\b(?P<rest>.{0,80})$",
    re.IGNORECASE,
)
_ONLY_MARKS = re.compile(r"^[\W\d]*(?:marks?|points?|pts?|total)?[\W\d]*$", re.IGNORECASE)
_SLACK = 1e-6


@dataclass(frozen=True)
class _Part:
    """A section: its name, the line of its heading (from 0), and its lines."""

    name: str
    start: int
    heading: str
    lines: tuple[str, ...]


def read_sections(text: str, *, loose: bool = False) -> Candidate:
    """The items of all sections where their numbers start again; no items for any other guide."""
    lines = lines_of(text)
    parts = _parts(lines)
    if len(parts) < 2:
        return Candidate("", ())
    read = [read_prose("\n".join(part.lines), loose=loose) for part in parts]
    numbers = [{draft.number for draft in candidate.drafts} for candidate in read]
    if not any(one & other for i, one in enumerate(numbers) for other in numbers[i + 1 :]):
        return Candidate("", ())
    above = read_prose("\n".join(lines[: parts[0].start]))
    total, problems = _totals(parts, read)
    drafts = [_placed(draft, part) for part, one in zip(parts, read, strict=True) for draft in one.drafts]
    parents = {
        f"{part.name}{number}": marks
        for part, one in zip(parts, read, strict=True)
        for number, marks in one.parent_marks.items()
    }
    stated = above.stated_total if above.stated_total is not None else total
    return Candidate(above.title, tuple(drafts), stated, parents, tuple(problems))


def _parts(lines: Sequence[str]) -> list[_Part]:
    """Headings that come again (on every page, say) go on with their section."""
    starts: list[tuple[int, str, str]] = []
    for i, line in enumerate(lines):
        found = _HEADING.match(line)
        if found and not (starts and starts[-1][1] == found["name"].lower()):
            starts.append((i, found["name"].lower(), found["rest"]))
    if len({name for _, name, _ in starts}) < len(starts):
        return []
    ends = [i for i, _, _ in starts[1:]] + [len(lines)] * bool(starts)
    return [
        _Part(name, i, rest, tuple(lines[i + 1 : end]))
        for (i, name, rest), end in zip(starts, ends, strict=True)
    ]


def _totals(parts: Sequence[_Part], read: Sequence[Candidate]) -> tuple[float | None, list[str]]:
    """The paper's total, which stands below the last section, and sections that do not add up."""
    paper: float | None = None
    problems: list[str] = [problem for one in read for problem in one.problems]
    for n, (part, one) in enumerate(zip(parts, read, strict=True)):
        worth = sum(_worth(draft) for draft in one.drafts)
        totals = [total for line in part.lines if (total := read_total(line)) and not total.of]
        if n == len(parts) - 1 and totals:
            paper, totals = totals[-1].marks, totals[:-1]
        stated = _heading_marks(part) or next((total.marks for total in totals if not total.whole), None)
        if stated is not None and abs(worth - stated) > _SLACK:
            name = part.name.upper()
            problems.append(f"section {name} states {stated:g} marks, but its items add up to {worth:g}")
    return paper, problems


def _heading_marks(part: _Part) -> float | None:
    """The marks in a section's heading, or on a line of their own below it."""
    below = next((line for line in part.lines[:3] if line.strip()), "")
    for line in (part.heading, below if _ONLY_MARKS.match(below) else ""):
        if (marks := take_marks(line).marks) is not None:
            return marks
    return None


def _placed(draft: Draft, part: _Part) -> Draft:
    place = re.sub(r"\d+", lambda n: str(int(n[0]) + part.start + 1), draft.place)
    levels = (f"{part.name}{draft.levels[0]}", *draft.levels[1:])
    return replace(
        draft, number="".join(levels), levels=levels, place=f"section {part.name.upper()}, {place}"
    )


def _worth(draft: Draft) -> float:
    return draft.marks[0] if draft.marks else sum(point.marks or 0.0 for point in draft.points)
