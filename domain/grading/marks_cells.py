"""A cell of a column of marks: "2", "(2)", "1" on each of three lines, "M1 A1", "5–6", "max 3"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from domain.grading.marks_notation import NUMBER, read_number, take_marks

_CODE = r"(?:dM|DM|[MABCDEGKPQRSU])(?P<n>\d)(?:\s?(?:ft|dep\*?|cao|cso|oe|isw|nfww|\*))*"
_CODES = re.compile(r"\(?(?<![A-Za-z])(?:dM|DM|[MABCDEGKPQRSU])(\d)(?=\b|[A-Zdf*()])", re.ASCII)
_ONLY_CODES = re.compile(
    r"(?:\(?(?:dM|DM|[MABCDEGKPQRSU])\d(?:\s?(?:ft|dep|cao|cso|oe|isw|nfww|\*)){0,3}\)?[\s,;+]{0,3}){1,12}",
    re.ASCII,
)
_SPECIAL = re.compile(r"\b(?:SC|B?SC|sc)\s?\d\b")
_OTHER_WAY = re.compile(r"\{[^{}\n]{1,12}\}")
"""Codes in braces are those of another method, which earns the same marks again."""
_OBJECTIVE = re.compile(r"\(?\bAO\s?\d(?:\.\d[a-z]?)?\b\)?", re.IGNORECASE)
_SPACED = re.compile(rf"{NUMBER}(?:\s{{1,4}}{NUMBER}){{1,12}}")
_BRACKETED = re.compile(rf"[\[(]\s*(?P<n>{NUMBER})\s*(?:marks?|pts?|points?)?\s*[\])]", re.IGNORECASE)
_BAND = re.compile(
    rf"(?:level\s?\d\s*:?\s*)?(?P<low>{NUMBER})\s*(?:-|–|—|to)\s*(?P<high>{NUMBER})\s*(?:marks?)?",
    re.IGNORECASE,
)
_MAX = re.compile(
    rf"(?:max(?:imum)?\.?|up to)\s*:?\s*(?P<n>{NUMBER})|(?P<m>{NUMBER})\s*max\b\.?", re.IGNORECASE
)
_TIMES = re.compile(rf"(?P<n>\d{{1,2}})\s*[x×*]\s*(?P<worth>{NUMBER})", re.IGNORECASE)
_SUM = re.compile(rf"{NUMBER}(?:\s*\+\s*{NUMBER}){{1,12}}")
_LONGEST = 300
_MOST = 200
"""Marks of one item; a larger number is a value in a table of results."""
_STEP = 0.25
"""Marks are given in quarters at the finest; 6.02 is a result."""


@dataclass(frozen=True)
class MarksCell:
    """`total` is None where the cell states none. `lines` are the marks of its lines, if it has several."""

    total: float | None
    lines: tuple[float, ...] = ()
    is_band: bool = False
    """One level of several ("5–6"): the item is worth the highest, not their sum."""
    is_sum: bool = False
    """In brackets, as the sum of marks above is printed ("(3)")."""
    is_coded: bool = False
    """A sum of codes ("M1 A1"), among which those of several methods may be."""


def read_marks_cell(cell: str) -> MarksCell:
    """What a cell of marks says; special cases (SC1), objectives (AO2) and words are passed over."""
    text = _OTHER_WAY.sub(" ", cell[:_LONGEST])
    text = _OBJECTIVE.sub(" ", _SPECIAL.sub(" ", text)).strip(" .:;\t\n")
    if not text:
        return MarksCell(None)
    plain = read_number(text)
    if plain is not None:
        return MarksCell(plain if plain <= _MOST and plain % _STEP == 0 else None)
    whole = _whole(text)
    if whole is not None:
        return whole
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if len(lines) > 1:
        return _several(lines)
    return MarksCell(take_marks(text).marks if re.search("[a-zA-Z/]", text) else None)


def _whole(text: str) -> MarksCell | None:
    """A cell that is one expression."""
    if found := _BRACKETED.fullmatch(text):
        return MarksCell(read_number(found["n"]), is_sum=True)
    if found := _BAND.fullmatch(text):
        return MarksCell(read_number(found["high"]), is_band=True)
    if found := _MAX.fullmatch(text):
        return MarksCell(read_number(found["n"] or found["m"]))
    if found := _TIMES.fullmatch(text):
        return MarksCell(int(found["n"]) * (read_number(found["worth"]) or 0.0))
    if _SUM.fullmatch(text):
        values = tuple(read_number(part) or 0.0 for part in text.split("+"))
        return MarksCell(sum(values), values)
    if "\n" not in text and _SPACED.fullmatch(text):
        values = tuple(read_number(part) or 0.0 for part in text.split())
        return MarksCell(sum(values), values)
    if _ONLY_CODES.fullmatch(text):
        values = tuple(float(n) for n in _CODES.findall(text))
        return MarksCell(sum(values), values, is_coded=True)
    return None


def _several(lines: list[str]) -> MarksCell:
    """A cell of several lines: a mark each, unless one of them is their sum or a maximum."""
    read = [read_marks_cell(line) for line in lines]
    while len(read) > 1 and read[0].is_sum and any(_ONLY_CODES.fullmatch(line) for line in lines[1:]):
        # The sum of the item above, which its row was too low for.
        lines, read = lines[1:], read[1:]
    stated = [one for line, one in zip(lines, read, strict=True) if one.is_sum or _MAX.fullmatch(line)]
    if stated:
        return MarksCell(stated[-1].total, _values(read), is_sum=stated[-1].is_sum)
    if any(one.is_band for one in read):
        return MarksCell(
            max((one.total for one in read if one.total is not None), default=None), is_band=True
        )
    values = _values(read)
    return (
        MarksCell(sum(values), values, is_coded=any(one.is_coded for one in read))
        if values
        else MarksCell(None)
    )


def _values(read: list[MarksCell]) -> tuple[float, ...]:
    return tuple(one.total for one in read if one.total is not None and not one.is_sum)
