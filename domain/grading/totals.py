"""The totals that a guide states: for itself, and for questions with parts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from domain.grading.marks_notation import NUMBER, read_number

_UNIT = r"(?:marks?|mks?|pts?|points?|punkte)"
_TOTAL = re.compile(
    r"^[\W_]*(?:(?:grand|overall|paper|exam|test|guide)\s)?(?:total|gesamt\w*)\b(?P<what>[^:=\d½¼¾]{0,50}?)"
    rf"(?:question\s?(?P<of>\d+)\b[^:=\d]{{0,20}})?\s*[:=]?[\s*_]*(?P<n>{NUMBER})\s*{_UNIT}?\b[\W_]*$",
    re.IGNORECASE,
)
_LAST = re.compile(rf"^[\W_]*(?P<n>{NUMBER})\s*{_UNIT}\s*(?:in\s)?total[\W_]*$", re.IGNORECASE)
_MAXIMUM = re.compile(
    rf"^[\W_]*(?:max(?:imum)?\.?|marks|points)\s*{_UNIT}?(?:\s?(?:score|available))?\s*[:=]?[\s*_]*(?P<n>{NUMBER})\s*{_UNIT}?[\W_]*$",
    re.IGNORECASE,
)
_WHOLE = re.compile(r"\b(?:grand|overall|paper|exam|test|guide|quiz|all)\b", re.IGNORECASE)
_COLUMNS = re.compile(r"\s*\|\s*|\s{3,}|\t|;\s|\s·\s")


@dataclass(frozen=True)
class TotalLine:
    """A stated total. `of` is the question that it names, "" if none; `whole` if it names the paper."""

    marks: float
    of: str
    whole: bool


@dataclass(frozen=True)
class StatedTotals:
    """`paper` is the guide's own total; `by_question` those of single questions (top level)."""

    paper: float | None
    by_question: Mapping[str, float] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def read_total(line: str) -> TotalLine | None:
    """The total that a line consists of ("Total: 20 marks", "[Total: 8]"), None for other lines."""
    if len(line) > 200 or not re.search("total|gesamt", line, re.IGNORECASE):
        return None
    found = _TOTAL.match(line)
    if found:
        whole = _WHOLE.search(line) is not None
        return TotalLine(read_number(found["n"]) or 0.0, found["of"] or "", whole)
    found = _LAST.match(line)
    return TotalLine(read_number(found["n"]) or 0.0, "", False) if found else None


def total_of_preamble(lines: Sequence[str]) -> float | None:
    """The total among a guide's first lines, where "Maximum mark: 20" means the whole guide too."""
    for line in lines:
        for piece in _COLUMNS.split(line[:500]):
            total = read_total(piece)
            if total and not total.of:
                return total.marks
            found = _MAXIMUM.match(piece)
            if found:
                return read_number(found["n"])
    return None


def sort_totals(preamble: float | None, stated: Sequence[tuple[str, TotalLine]], last: str) -> StatedTotals:
    """Which totals are the paper's and which a question's.

    `stated` pairs each total in the body with the question (top level) that it follows; `last` is
    the guide's last question. The paper's is the one in the preamble, or that names the paper, or
    the only one, or the second of two after the last question.
    """
    by_question: dict[str, float] = {}
    papers = [] if preamble is None else [preamble]
    after_last = [t for top, t in stated if top == last and not t.of]
    for top, total in stated:
        ends = total is after_last[-1] if after_last else False
        alone = len(stated) == 1 or (len(after_last) > 1 and ends)
        if total.whole or (not total.of and ends and alone):
            papers.append(total.marks)
        else:
            by_question[total.of or top] = total.marks
    problems: tuple[str, ...] = ()
    if len(set(papers)) > 1:
        values = " and ".join(f"{value:g}" for value in dict.fromkeys(papers))
        problems = (f"the guide states different totals, {values}: keep the right one",)
    return StatedTotals(papers[0] if papers else None, by_question, problems)
