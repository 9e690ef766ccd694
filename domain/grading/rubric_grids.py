"""Rubrics: a grid of criteria by levels, with marks in the header ("Excellent (5–6)") and perhaps weights.

Each criterion is an item. It is worth the top of its highest level, times its weight where that is a factor
("×2"); a weight in per cent is what the criterion is worth of 100.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from domain.grading.drafts import Draft
from domain.grading.marks_notation import NUMBER, read_number
from domain.grading.table_rows import Row
from domain.grading.vocabulary import key_of

_CRITERIA = re.compile(
    r"^(?:criteri(?:a|on)|category|categories|trait|dimension|aspect|area|component|skill|element)s?"
)
_WEIGHT = re.compile(r"weight")
_FREE = re.compile(r"^(?:score|points?|marks?|mark_awarded|comments?|feedback|total|notes?|awarded)$")
_RANGE = re.compile(
    rf"(?P<low>{NUMBER})\s*(?:-|–|—|to)\s*(?P<high>{NUMBER})\s*(?:marks?|points?|pts?|%)?\W*$", re.IGNORECASE
)
_ONE = re.compile(
    rf"(?:^|[\s(:\[–-])(?P<high>{NUMBER})\s*(?:marks?|points?|pts?)?\W*$|^(?P<first>{NUMBER})\b",
    re.IGNORECASE,
)
_FACTOR = re.compile(rf"[(\[]?\s*(?:weight(?:ing)?\s*:?\s*)?[x×*]\s*(?P<n>{NUMBER})\s*[)\]]?", re.IGNORECASE)
_PERCENT = re.compile(rf"[(\[]?\s*(?:weight(?:ing)?\s*:?\s*)?(?P<n>{NUMBER})\s*%\s*[)\]]?", re.IGNORECASE)
_LEAST_LEVELS = 2


def read_rubric(rows: Sequence[Row], n_before: int) -> list[Draft]:
    """One draft a criterion, numbered on from `n_before`; none for a table that is no rubric."""
    for at, row in enumerate(rows[:3]):
        levels = _levels(row)
        if levels:
            return _drafts(rows[at + 1 :], row, levels, n_before)
    return []


def _levels(header: Row) -> dict[int, float]:
    """Column → the most that its level earns; {} where the row heads no rubric."""
    keys = [key_of(cell) for cell in header.cells]
    if not keys or not (_CRITERIA.match(keys[0]) or not keys[0]):
        return {}
    levels: dict[int, float] = {}
    for i, (key, cell) in enumerate(zip(keys, header.cells, strict=True)):
        top = None if i == 0 or _WEIGHT.search(key) or _FREE.match(key) else _top(cell)
        if top is not None:
            levels[i] = top
    return levels if len(levels) >= _LEAST_LEVELS and len(set(levels.values())) > 1 else {}


def _top(cell: str) -> float | None:
    text = " ".join(cell.split())
    found = _RANGE.search(text) or _ONE.search(text)
    if found is None:
        return None
    groups = found.groupdict()
    return read_number(groups.get("high") or groups.get("first") or "")


def _drafts(rows: Sequence[Row], header: Row, levels: dict[int, float], n_before: int) -> list[Draft]:
    best = max(levels, key=lambda i: levels[i])
    weights = next((i for i, cell in enumerate(header.cells) if _WEIGHT.search(key_of(cell))), None)
    drafts: list[Draft] = []
    for row in rows:
        name = " ".join(row.cells[0].split()) if row.cells else ""
        if not name or name.lower().startswith("total") or best >= len(row.cells):
            continue
        told = row.cells[weights] if weights is not None and weights < len(row.cells) else name
        # A range of its own in a criterion's best cell says more than the header.
        own = _RANGE.match(" ".join(row.cells[best].split())[:20])
        top = read_number(own["high"]) if own else None
        number = str(n_before + len(drafts) + 1)
        drafts.append(
            Draft(
                number=number,
                levels=(number,),
                place=row.place,
                question=_PERCENT.sub("", _FACTOR.sub("", name)).strip(" :-–"),
                answer=row.cells[best].strip(),
                marks=(
                    _weighted(top if top is not None else levels[best], told, is_weight=told is not name),
                ),
            )
        )
    return drafts


def _weighted(top: float, told: str, *, is_weight: bool) -> float:
    factor, percent = _FACTOR.search(told), _PERCENT.search(told)
    if percent:
        return read_number(percent["n"]) or top
    if factor:
        return top * (read_number(factor["n"]) or 1.0)
    plain = read_number(told) if is_weight else None
    return top * plain if plain else top
