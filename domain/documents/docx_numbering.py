"""The numbers and bullets that Word shows and a DOCX does not contain.

A paragraph says only "level 1 of list 7"; the list says how levels count and look ("%1.%2)"). So
"2. Explain ..." is stored as "Explain ...". Source: ECMA-376 part 1, 17.9.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
BULLET = "•"
_N_LEVELS = 9
_MAX_STYLE_CHAIN = 20
_PLACE = re.compile(r"%([1-9])")
_ROMAN = (
    (1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"),
    (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"),
)  # fmt: skip

Element = Any


@dataclass(frozen=True)
class _Level:
    form: str = "decimal"
    text: str = "%1."
    start: int = 1
    style: str | None = None


@dataclass(frozen=True)
class _List:
    """One `w:num`: which levels it has, and where it restarts them."""

    abstract: str
    levels: dict[int, _Level]
    restarts: dict[int, int]


@dataclass
class Numbering:
    """The lists of one document and how far each has counted; `label` must be asked in document order."""

    numbering: Element | None
    styles: Element | None
    _lists: dict[str, _List] = field(init=False, default_factory=dict)
    _by_style: dict[str, tuple[str | None, str | None, str | None]] = field(init=False, default_factory=dict)
    _counts: dict[str, list[int | None]] = field(init=False, default_factory=dict)
    _restarted: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        if self.styles is not None:
            for style in self.styles.iter(f"{W}style"):
                number, level = _numbering_of(style.find(f"{W}pPr"))
                self._by_style[style.get(f"{W}styleId", "")] = (
                    number,
                    level,
                    _value(style.find(f"{W}basedOn")),
                )
        if self.numbering is not None:
            self._read_lists(self.numbering)

    def label(self, paragraph: Element) -> str:
        """The number or bullet before this paragraph, "" where it has none; counts one further."""
        properties = paragraph.find(f"{W}pPr")
        if properties is None:
            return ""
        number, written_level = _numbering_of(properties)
        style = _value(properties.find(f"{W}pStyle"))
        if number is None and style is not None:
            number, styled_level = self._of_style(style)
            written_level = written_level or styled_level
        found = self._lists.get(number or "0")
        if number is None or found is None:
            return ""
        level = _whole(written_level, self._level_of_style(found, style))
        return self._count(number, found, level) if 0 <= level < _N_LEVELS else ""

    def _count(self, number: str, found: _List, level: int) -> str:
        counts = self._counts.setdefault(found.abstract, [None] * _N_LEVELS)
        if number not in self._restarted:
            self._restarted.add(number)
            for at, start in found.restarts.items():
                counts[at] = start - 1
        before = counts[level]
        rule = found.levels.get(level, _Level())
        counts[level] = rule.start if before is None else before + 1
        counts[level + 1 :] = [None] * (_N_LEVELS - level - 1)
        if rule.form == "bullet":
            return BULLET
        if rule.form == "none":
            return ""

        def shown(match: re.Match[str]) -> str:
            at = int(match[1]) - 1
            above = found.levels.get(at, _Level())
            count = counts[at]
            return _written(above.start if count is None else count, above.form)

        return _PLACE.sub(shown, rule.text).strip()

    def _of_style(self, style: str | None) -> tuple[str | None, str | None]:
        for _ in range(_MAX_STYLE_CHAIN):
            if style is None:
                break
            number, level, based_on = self._by_style.get(style, (None, None, None))
            if number is not None:
                return number, level
            style = based_on
        return None, None

    @staticmethod
    def _level_of_style(found: _List, style: str | None) -> int:
        return next((at for at, rule in found.levels.items() if style and rule.style == style), 0)

    def _read_lists(self, numbering: Element) -> None:
        abstracts = {one.get(f"{W}abstractNumId", ""): one for one in numbering.iter(f"{W}abstractNum")}
        links = {
            number.get(f"{W}numId", ""): _value(number.find(f"{W}abstractNumId")) or ""
            for number in numbering.iter(f"{W}num")
        }
        for number in numbering.iter(f"{W}num"):
            identity = number.get(f"{W}numId", "")
            abstract = links[identity]
            element = abstracts.get(abstract)
            linked = None if element is None else _value(element.find(f"{W}numStyleLink"))
            if linked is not None:
                abstract = links.get(self._of_style(linked)[0] or "", abstract)
                element = abstracts.get(abstract)
            levels = _levels(element)
            restarts: dict[int, int] = {}
            for override in number.findall(f"{W}lvlOverride"):
                at = _whole(override.get(f"{W}ilvl"), 0)
                levels.update(_levels(override))
                start = _value(override.find(f"{W}startOverride"))
                if start is not None and 0 <= at < _N_LEVELS:
                    restarts[at] = _whole(start, 1)
            self._lists[identity] = _List(abstract, levels, restarts)


def _levels(parent: Element | None) -> dict[int, _Level]:
    levels = {}
    for element in [] if parent is None else parent.findall(f"{W}lvl"):
        text = element.find(f"{W}lvlText")
        levels[_whole(element.get(f"{W}ilvl"), 0)] = _Level(
            form=_value(element.find(f"{W}numFmt")) or "decimal",
            text="" if text is None else text.get(f"{W}val", ""),
            start=_whole(_value(element.find(f"{W}start")), 0),
            style=_value(element.find(f"{W}pStyle")),
        )
    return levels


def _numbering_of(properties: Element | None) -> tuple[str | None, str | None]:
    found = None if properties is None else properties.find(f"{W}numPr")
    if found is None:
        return None, None
    return _value(found.find(f"{W}numId")), _value(found.find(f"{W}ilvl"))


def _value(element: Element | None) -> str | None:
    return None if element is None else element.get(f"{W}val")


def _whole(written: str | None, default: int) -> int:
    # At most six digits: a number of a list, whatever a crafted file says.
    return int(written) if written and written.isdecimal() and len(written) <= 6 else default


def _written(count: int, form: str) -> str:
    if form in ("lowerLetter", "upperLetter") and count > 0:
        letter = chr(ord("a") + (count - 1) % 26) * min((count - 1) // 26 + 1, 10)
        return letter.upper() if form == "upperLetter" else letter
    if form in ("lowerRoman", "upperRoman") and 0 < count < 4000:
        roman = ""
        for value, sign in _ROMAN:
            roman += sign * (count // value)
            count %= value
        return roman.upper() if form == "upperRoman" else roman
    return f"{count:02d}" if form == "decimalZero" else str(count)
