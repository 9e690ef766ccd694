"""Human scores as they stand in graded papers, and the text without them.

A score must never stay in an answer's text: a grader that sees it learns nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from domain.grading.marks_notation import NUMBER, read_number

_UNIT = r"(?:marks?|mks?|pts?|points?|punkte)"
_FIRST = (
    r"(?:(?:human|teacher(?:'s)?|examiner(?:'s)?|first|awarded|your|item)\s)?"
    r"(?:scored?|marks?|points?|grade)(?:\s(?:awarded|given|obtained|earned|1))?"
    r"|awarded|first\s(?:marker|examiner|rater)|(?:marker|examiner|rater)\s(?:1|one|a)|bewertung|punkte"
)
_SECOND = (
    r"(?:second|2nd)\s(?:marker|examiner|rater|score|marks?|grade)(?:'s)?(?:\s(?:score|marks?))?"
    r"|(?:marker|examiner|rater|score|marks?)\s(?:2|two|b)|moderat(?:or|ed)(?:\s(?:score|marks?))?"
)
_VALUE = rf"(?:{NUMBER}|[a-z]{{3,5}})(?:\s*(?:/|out\sof|of)\s*{NUMBER})?(?:\s*{_UNIT})?"
_LABELLED = rf"(?:(?P<second>{_SECOND})|(?P<first>{_FIRST}))[\s*_]*[:=|][\s*_]*(?P<value>{_VALUE})"
_NEXT = re.compile(rf"[\s|;,.*_>#\[(–-]*(?:{_LABELLED})(?![\w/.])[\s|;,.*_\])]*", re.IGNORECASE)
_OPEN = re.compile(rf"^[\s>*_#\[(|-]*(?:{_SECOND}|{_FIRST})[\s*_]*[:=](?P<value>.{{0,40}})$", re.IGNORECASE)
_TAIL = re.compile(
    rf"(?:\s*[\[(]\s*{_LABELLED}\s*[\])]"
    rf"|(?:\s{{2,}}|\t|\s[|–-]\s|(?<=[.!?;])\s+){_LABELLED.replace('?P<', '?P<t_')})[\s.]*$",
    re.IGNORECASE,
)
_FRACTION = rf"(?P<value>{NUMBER}\s*/\s*{NUMBER})(?:\s*{_UNIT})?"
_WHOLE_FRACTION = re.compile(rf"^[\s*_–-]*[\[(]?\s*{_FRACTION}\s*[\])]?[\s*_]*$", re.IGNORECASE)
_SQUARE_FRACTION = re.compile(
    rf"\s*\[\s*{_FRACTION}\s*\][\s.]*$|^\s*[\[(]\s*{_FRACTION.replace('value', 'head')}\s*[\])]", re.I
)
_TOTAL = re.compile(
    r"^[\W_]*(?:(?:grand|final|overall)\s)?(?:total|overall|final|sum|gesamt)\b\s*(?:score|marks?|points?|result|awarded|grade)?"
    rf"[\s*_]*[:=|]?[\s*_]*(?P<value>{NUMBER})\s*(?:(?:/|out\sof|of)\s*(?P<most>{NUMBER}))?\s*{_UNIT}?[\W_]*$",
    re.IGNORECASE,
)
_REMARK = re.compile(
    r"^[\s>*_#-]*(?:(?:teacher|examiner|marker|tutor|grader)(?:'?s)?\s)?(?:feedback|comments?|remarks?|rationale)\s*:",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Scored:
    """Lines without scores and remarks; `problems` are scores that cannot be read or contradict."""

    lines: tuple[str, ...]
    score: float | None
    second: float | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Found:
    value: str
    second: bool


def take_scores(lines: Sequence[str]) -> Scored:
    """The scores in an answer's lines ("Score: 2/3", "[2/3]", "Second marker: 2") and the rest."""
    kept: list[str] = []
    found: list[_Found] = []
    problems: list[str] = []
    in_remark = False
    for line in lines:
        text, scores = _read_line(line)
        if scores:
            found += scores
            in_remark = False
            kept += [text] if text.strip() else []
        elif (opened := _OPEN.match(line)) and len(opened["value"].split()) <= 4:
            if opened["value"].strip(" *_-–.])"):
                problems.append(f"the score {opened['value'].strip()!r} cannot be read: write a number")
        else:
            in_remark = bool(_REMARK.match(line)) or (in_remark and bool(line.strip()))
            kept += [] if in_remark else [line]
    score, second = (_one(found, which, problems) for which in (False, True))
    return Scored(tuple(kept), score, second, tuple(problems))


def has_score(lines: Iterable[str]) -> bool:
    """Whether any of the lines holds a score."""
    return any(_read_line(line)[1] for line in lines)


def read_total_score(line: str) -> tuple[float, float | None] | None:
    """The total that a line consists of and what it is out of: "Total: 14/20" is (14, 20)."""
    found = _TOTAL.match(line) if len(line) < 120 else None
    if found is None:
        return None
    return read_number(found["value"]) or 0.0, read_number(found["most"]) if found["most"] else None


def _read_line(line: str) -> tuple[str, list[_Found]]:
    if not line.strip() or (len(line) < 400 and not _may_hold(line)):
        return line, []
    whole = _whole_line(line) if len(line) < 200 else []
    if whole:
        return "", whole
    found: list[_Found] = []
    while tail := _TAIL.search(line[-120:]):
        groups = tail.groupdict()
        value = groups["value"] or groups["t_value"]
        if read_number(_awarded(value)) is None:
            break
        found.append(_Found(value, bool(groups["second"] or groups["t_second"])))
        line = line[: max(len(line) - 120, 0) + tail.start()].rstrip()
    square = _SQUARE_FRACTION.search(line) if not found else None
    if square:
        found.append(_Found(square["value"] or square["head"], False))
        line = (line[: square.start()] + line[square.end() :]).strip()
    return line, found


def _may_hold(line: str) -> bool:
    return any(c.isdigit() or c in "½¼¾" for c in line) or ":" in line or "=" in line


def _whole_line(line: str) -> list[_Found]:
    fraction = _WHOLE_FRACTION.match(line)
    if fraction:
        return [_Found(fraction["value"], False)]
    found: list[_Found] = []
    at = 0
    while at < len(line):
        piece = _NEXT.match(line, at)
        if piece is None or read_number(_awarded(piece["value"])) is None:
            return []
        found.append(_Found(piece["value"], piece["second"] is not None))
        at = piece.end()
    return found


def _awarded(value: str) -> str:
    """The score of "2/3", "2 out of 3" or "2 marks"; "1/2" is one of two here."""
    return re.split(
        r"\s*(?:/|out\s|of\s|(?<=[\d½¼¾\s])[a-z])", value.strip(), maxsplit=1, flags=re.IGNORECASE
    )[0].strip()


def _one(found: Sequence[_Found], second: bool, problems: list[str]) -> float | None:
    values = [read_number(_awarded(f.value)) for f in found if f.second == second]
    scores = list(dict.fromkeys(value for value in values if value is not None))
    if len(scores) > 1:
        stated = " and ".join(f"{score:g}" for score in scores)
        problems.append(f"two different scores are stated, {stated}: keep the right one")
        return None
    return scores[0] if scores else None
