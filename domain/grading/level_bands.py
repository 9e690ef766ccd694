"""Level descriptors: "Level 3 (5–6 marks): …" says what an answer of that level earns.

An item with levels is worth the top of the highest one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from domain.grading.marks_notation import NUMBER, read_number

_UNIT = r"(?:marks?|mks?|points?|pts?)"
_BAND = re.compile(
    rf"^[\W_]{{0,8}}(?:level|band|tier)\s?(?P<name>\d|[a-z]|[ivx]{{1,4}})\b[\s:.,–—(\[-]{{0,6}}"
    rf"(?P<low>{NUMBER})\s*(?:(?:-|–|—|to)\s*(?P<high>{NUMBER})\s*{_UNIT}?|{_UNIT})(?=\W|$)",
    re.IGNORECASE,
)
_BARE = re.compile(
    rf"^[\W_]{{0,8}}(?P<low>{NUMBER})\s*(?:-|–|—|to)\s*(?P<high>{NUMBER})\s*{_UNIT}\s*(?:[:.–—-]|$)",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    rf"^[\W_]{{0,8}}(?:level\s?0\W{{0,4}})?0\s*{_UNIT}?[\s:.–—)\]-]{{0,4}}(?:no|nothing|none|not)\b",
    re.IGNORECASE,
)
_LEVEL_NAME = re.compile(r"^(?:levels?|bands?|tiers?|grade)\b")
_MARK_NAME = re.compile(r"^(?:marks?|mark range|points?|marks? available|marks? awarded)$")
_CELL = re.compile(
    rf"^\W{{0,3}}(?P<low>{NUMBER})\s*(?:(?:-|–|—|to)\s*(?P<high>{NUMBER}))?\W{{0,3}}{_UNIT}?\W{{0,3}}$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Band:
    """The marks of one level, both ends included."""

    low: float
    high: float


def read_band(line: str) -> Band | None:
    """The level that a line describes, None for other lines."""
    head = line[:120]
    if _NOTHING.match(head):
        return Band(0.0, 0.0)
    found = _BAND.match(head) or _BARE.match(head)
    if found is None:
        return None
    low = read_number(found["low"]) or 0.0
    high = read_number(found["high"] or found["low"]) or 0.0
    return Band(low, high) if low <= high else None


def read_bands(rows: Sequence[Sequence[str]]) -> float | None:
    """What the highest level of a table "Level | Mark | Descriptor" earns; None for any other table."""
    if not rows:
        return None
    names = [" ".join(cell.split()).lower() for cell in rows[0]]
    at = next((i for i, name in enumerate(names) if _MARK_NAME.match(name)), None)
    if at is None or not any(_LEVEL_NAME.match(name) for name in names):
        return None
    # The rows may be ruled a little beside their header.
    columns = [_bands_in(rows[1:], i) for i in (at, at - 1, at + 1) if i >= 0]
    return max(sorted(columns, key=len)[-1], default=None)


def _bands_in(rows: Sequence[Sequence[str]], column: int) -> list[float]:
    cells = [" ".join(row[column].split()) for row in rows if column < len(row)]
    bands = [found for cell in cells if (found := _CELL.match(cell))]
    return [read_number(band["high"] or band["low"]) or 0.0 for band in bands]
