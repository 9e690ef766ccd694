"""Marks and scores as people write them: "[3]", "(2 marks)", "/5", "1½ pts", "Score: 2/3"."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FRACTIONS = {"½": 0.5, "¼": 0.25, "¾": 0.75}
_WORD_NUMBERS = {
    word: float(value)
    for value, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    )
} | {"half": 0.5}
_DIGITS = r"(?:\d{1,4}(?:[.,]\d{1,3})?\s?[½¼¾]?|\.\d{1,3}|[½¼¾])"
NUMBER = rf"(?:1/2|{_DIGITS})"
_SPELT = rf"(?:{NUMBER}|{'|'.join(_WORD_NUMBERS)})"
_UNIT = r"(?:marks?|mks?|pts?|points?|pkt|punkte?n?)\b\.?"
_NOUN = r"(?:max(?:imum)?\.?\s?(?:marks?|score|points?)?|marks?(?:\savailable)?|points?|score|worth)"

_BRACKETED = re.compile(
    rf"[\[(]\s*(?:max(?:imum)?\.?|worth|total:?|up to)?\s*(?P<n>{_SPELT})\s*(?:{_UNIT}|P)"
    r"\s*(?P<each>each|max(?:imum)?|in total|total|available)?\s*[\])]",
    re.IGNORECASE,
)
_BROKEN = re.compile(rf"([\[(] ?{_SPELT}) ?\n ?({_UNIT} ?[\])])", re.IGNORECASE)
_BRACKETED_NOUN = re.compile(rf"[\[(]\s*{_NOUN}\s*[:=]?\s*(?P<n>{NUMBER})\s*[\])]", re.IGNORECASE)
_SQUARE = re.compile(rf"(?:^\s*\[\s*(?P<a>{NUMBER})\s*\]|\[\s*(?P<b>{NUMBER})\s*\](?=[\s.;:]*$))")
_ROUND = re.compile(rf"(?<![\d.,])\(\s*(?P<n>{NUMBER})\s*\)[\s.;:]*$")
"""Brackets against a number are a part of it: "2.1(0)"."""
_OUT_OF = re.compile(
    rf"(?:^|(?<=[\s_(\[]))[_.…]*\s?/\s?(?P<n>{NUMBER})\s*(?:{_UNIT})?[\])]?\s*$", re.IGNORECASE
)
_TRAILING = re.compile(rf"(?:^|(?<=[\s–—:,;.|-]))(?P<n>{_SPELT})\s?{_UNIT}\s*$", re.IGNORECASE)
_NOUN_LAST = re.compile(
    rf"(?:^|(?<=[\s|,;.–—-])){_NOUN}\s*[:=|]\s*(?P<n>{NUMBER})\s*(?:{_UNIT})?\s*$", re.IGNORECASE
)
_LAST_CELL = re.compile(rf"\s*\|\s*(?P<n>{NUMBER})[\s|]*$")
_EACH = re.compile(rf"(?P<n>{_SPELT})\s*(?:{_UNIT})\s*(?:for\s+)?each", re.IGNORECASE)
_LIMIT = re.compile(
    rf"\bany\s+{_SPELT}\b|\bmax(?:imum)?\b\.?\s*(?:of\s*)?[:=]?\s*{_SPELT}|\bup to\s+{_SPELT}\s*{_UNIT}",
    re.IGNORECASE,
)


_MAX = re.compile(rf"\bmax(?:imum)?\b\.?\s*(?:of\s*)?[:=]?\s*(?P<n>{_SPELT})", re.IGNORECASE)
_ANY = re.compile(rf"\bany\s+(?P<n>{_SPELT})\b", re.IGNORECASE)


@dataclass(frozen=True)
class Taken:
    """A text without the marks that it stated; `marks` is None where it stated none."""

    text: str
    marks: float | None


def join_broken_marks(text: str) -> str:
    """`text` with marks that a line end cut in two ("[3", then "marks]") on one line again."""
    return _BROKEN.sub(r"\1 \2", text)


def read_number(text: str) -> float | None:
    """A number as written by hand: "2", "1.5", "1,5", "1½", "½", "1/2", "three"; None if it is none."""
    text = text.strip().lower()
    if text in _WORD_NUMBERS:
        return _WORD_NUMBERS[text]
    if text == "1/2":
        return 0.5
    if not re.fullmatch(_DIGITS, text):
        return None
    fraction = _FRACTIONS.get(text[-1], 0.0)
    whole = text.rstrip("½¼¾ ").replace(",", ".")
    return (float(whole) if whole else 0.0) + fraction


def take_marks(text: str) -> Taken:
    """The marks that a line or a question states, and the text without them.

    With a unit they may stand anywhere in brackets; bare numbers count only at the line's end
    ("[3]", "(2)", "/5", "| 1"), or at its start in square brackets.
    """
    for pattern in (_BRACKETED, _BRACKETED_NOUN, _SQUARE, _NOUN_LAST, _TRAILING, _OUT_OF, _ROUND, _LAST_CELL):
        found = pattern.search(text)
        if found:
            value = next(v for v in (read_number(g) for g in found.groups() if g) if v is not None)
            return Taken(_closed(text[: found.start()], text[found.end() :]), value)
    return Taken(text.strip(), None)


def _closed(before: str, after: str) -> str:
    before = re.sub(r"[\s–—|-]+$|\s+_+$", "", before)
    after = after.strip()
    if re.fullmatch(r"[.;:,]*", after):
        return (before.rstrip(";:,") if not after.startswith(".") else before.rstrip(".") + ".").strip()
    return f"{before} {after.lstrip(':;,–— ')}".strip()


def marks_each(text: str) -> float | None:
    """The marks of every point of a list that says so: "one mark each" is 1."""
    found = _EACH.search(text)
    return read_number(found["n"]) if found else None


def has_limit(text: str) -> bool:
    """Whether a list of points earns less than its sum: "any two from", "max 3", "up to 4 marks"."""
    return _LIMIT.search(text) is not None


def marks_of_limit(text: str) -> float | None:
    """The most that a list earns which says so: "1 mark each, max 4" is 4, "any two from, 2 marks each" 4."""
    found = _MAX.search(text)
    if found:
        return read_number(found["n"])
    chosen, each = _ANY.search(text), marks_each(text)
    number = read_number(chosen["n"]) if chosen else None
    return None if number is None or each is None else number * each


def split_points(text: str) -> list[str]:
    """One text an entry for points written in one line: "green [1]; absorbs light [1]" is two."""
    pieces: list[str] = []
    start = 0
    for found in re.finditer(rf"[\[(]\s*{_SPELT}\s*(?:{_UNIT}|P)?\s*[\])]\s*[;,.]?", text, re.IGNORECASE):
        pieces.append(text[start : found.end()])
        start = found.end()
    if text[start:].strip(" ;,."):
        pieces.append(text[start:])
    return [piece.strip(" ;,") for piece in pieces]
