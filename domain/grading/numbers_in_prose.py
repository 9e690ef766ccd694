"""Every number that an English text states, in figures or words, with the precision it claims.

Found are integers, decimals, percentages, money, durations, fractions ("3 of 75", "one in four",
"two thirds"), intervals ("0.79 to 0.87"), multiples ("twice"), numbers in words ("eighty-five"),
ordinals from the third on, and "no answers" as a zero. Ordinary words that only look like numbers
("the second examiner", "one of them", "one-sided") are none. Text is expected as `normalised` gives it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

Unit = Literal["", "percent", "points", "usd", "seconds", "times", "vague"]


@dataclass(frozen=True)
class Number:
    """A number in a text: `value` as written, in seconds, dollars, percent or what `unit` says.

    `step` is the size of its last digit: 0.01 for "0.85", 1000 for "12k". 0 claims to be exact.
    """

    start: int
    end: int
    value: float
    step: float
    unit: Unit = ""
    signed: bool = False


@dataclass(frozen=True)
class Fraction:
    """One number of another: "3 of 75", "one in four"."""

    start: int
    end: int
    part: float
    whole: float


@dataclass(frozen=True)
class Range:
    """Two ends, as an interval is written."""

    start: int
    end: int
    low: Number
    high: Number


Stated = Number | Fraction | Range

_ONES = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15,
    "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80,
    "ninety": 90,
}  # fmt: skip
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000}
_PARTS = {
    "half": 2, "halves": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7,
    "eighth": 8, "ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12,
}  # fmt: skip
_MULTIPLES = {
    "twice": 2, "double": 2, "doubles": 2, "doubled": 2, "doubling": 2, "twofold": 2, "thrice": 3,
    "triple": 3, "tripled": 3, "threefold": 3, "quadrupled": 4, "fourfold": 4, "tenfold": 10,
}  # fmt: skip
_VAGUE = ("dozen", "dozens", "hundreds", "thousands", "millions", "tens")
COUNTED = (
    "answers?|students?|items?|papers?|submissions?|scripts?|marks?|points?|examiners?|iterations?|"
    "replies|reply|calls?|requests?|tokens?|rows?|files?|guides?|documents?|sentences?|attacks?|questions?"
)
_HARMLESS = r"-(?:sided|party|shot|off|way|check|checks|checked|checking|by|dimensional|hearted)\b"

_DIGITS = re.compile(
    r"(?P<sign>(?<![\w.,%)\]])[-+])?(?P<money>(?:\$|USD|US\$)\s?)?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|(?<!\d)\.\d+)"
    r"(?P<exponent>[eE][-+]?\d+)?"
)
_NUMERALS = "|".join(sorted([*_ONES, *_TENS, *_SCALES], key=len, reverse=True))
_WORD = re.compile(
    rf"\b(?:{_NUMERALS})(?:(?:-|\s+|(?<=hundred)\s+and\s+|(?<=thousand)\s+and\s+)(?:{_NUMERALS}))*\b",
    re.IGNORECASE,
)
_PART_WORD = re.compile(
    r"\b(?:(?P<article>an?)[\s-]+)?(?P<part>" + "|".join(_PARTS) + r")(?P<plural>s?)\b", re.IGNORECASE
)
_OTHER_WORD = re.compile(
    r"\b(?:(?P<multiple>" + "|".join(_MULTIPLES) + ")|(?P<vague>" + "|".join(_VAGUE) + r"))\b", re.IGNORECASE
)
_NOUGHT = re.compile(rf"\b(?:no\s+(?:\w+\s+)?(?:{COUNTED})|none\s+of)\b", re.IGNORECASE)
_UNITS: tuple[tuple[str, Unit, float], ...] = (
    (r"-?\s?(?:percentage|percent|per cent)[\s-]points?\b|\s?pp\b|\s?points?\s+of\s+percent\b", "points", 1),
    (r"\s?%|-?\s?(?:percent|per cent|pct)\b", "percent", 1),
    (r"\s?(?:milliseconds?|ms)\b", "seconds", 0.001),
    (r"\s?(?:seconds?|secs?|s)\b", "seconds", 1),
    (r"\s?(?:minutes?|mins?)\b", "seconds", 60),
    (r"\s?(?:hours?|h)\b", "seconds", 3600),
    (r"\s?(?:USD|dollars?)\b", "usd", 1),
    (r"\s?(?:cents?\b|¢)", "usd", 0.01),
    (r"\s?(?:k\b|thousand\b)", "", 1000),
    (r"\s?(?:million|M)\b", "", 1_000_000),
    (r"-?\s?(?:times|fold)\b|\s?[x×](?!\w)", "times", 1),
)  # fmt: skip
_COMPILED = [(re.compile(pattern), unit, factor) for pattern, unit, factor in _UNITS]
_OF = re.compile(r"\s+(?:out\s+)?of\s+(?:the\s+|all\s+|all\s+the\s+)?$|\s*/\s*$|\s+in\s+(?:every\s+)?$")
_TO = re.compile(r"\s*(?:-|–|—)\s*$|\s+to\s+$")
_AND = re.compile(r"\s+and\s+$")
_COMMA = re.compile(r",\s*$")


def normalised(text: str) -> str:
    """One line in compatibility form: "½" is 1/2, digits of every script are 0 to 9, no soft hyphens."""
    text = unicodedata.normalize("NFKC", text)
    text = "".join(_plain(char) for char in text)
    return " ".join(text.split())


def _plain(char: str) -> str:
    if char.isascii():
        return char
    if char in "−‐‑‒":
        return "-"
    if char == "⁄":
        return "/"
    if unicodedata.category(char) in ("Cf", "Cc", "Co", "Cs"):
        return ""
    digit = unicodedata.digit(char, None)
    return char if digit is None else str(digit)


def stated_in(text: str) -> list[Stated]:
    """What the text states, in its order; no two overlap."""
    return _paired(text, _apart(text))


def _apart(text: str) -> list[Number]:
    """Single numbers and fractions in words, longest first where they overlap."""
    found = [*_in_figures(text), *_in_words(text), *_parts(text), *_others(text)]
    found.sort(key=lambda n: (n.start, -n.end))
    kept: list[Number] = []
    for number in found:
        if not kept or number.start >= kept[-1].end:
            kept.append(number)
    return kept


def _in_figures(text: str) -> Iterator[Number]:
    for match in _DIGITS.finditer(text):
        digits = match["digits"].replace(",", "")
        power = max(-99, min(99, int((match["exponent"] or "e0")[1:])))
        sign = -1.0 if match["sign"] == "-" else 1.0
        decimals = len(digits.partition(".")[2])
        yield _with_unit(
            text,
            Number(
                match.start(),
                match.end(),
                sign * float(digits) * 10.0**power,
                10.0 ** (power - decimals),
                "usd" if match["money"] else "",
                signed=bool(match["sign"]),
            ),
        )


def _with_unit(text: str, number: Number) -> Number:
    for pattern, unit, factor in _COMPILED:
        if match := pattern.match(text, number.end):
            if number.unit == "usd" and unit not in ("", "usd"):
                continue
            unit = number.unit or unit
            return replace(
                number, end=match.end(), value=number.value * factor, step=number.step * factor, unit=unit
            )
    return number


def _in_words(text: str) -> Iterator[Number]:
    for match in _WORD.finditer(text):
        if re.match(_HARMLESS, text[match.end() :], re.IGNORECASE):
            continue
        words = [w for w in re.split(r"[\s-]+", match[0].lower()) if w != "and"]
        if words == ["one"] and not _counts(text, match.end()):
            continue
        yield _with_unit(text, Number(match.start(), match.end(), float(_worth(words)), 1.0))


def _counts(text: str, end: int) -> bool:
    """Whether the "one" that ends there is a count ("one answer", "one in four") and no pronoun."""
    number = r"\d|" + "|".join([*_ONES, *_TENS])
    follows = (
        rf"\s+(?:(?:single|more|other)\s+)?(?:{COUNTED})\b|\s+(?:in|out\s+of)\s+(?:every\s+)?(?:{number})|"
        rf"\s+of\s+(?:the\s+)?(?:{number})|\s*(?:%|percent|per cent)|[\s-]+(?:{'|'.join(_PARTS)})\b"
    )
    return re.match(follows, text[end:], re.IGNORECASE) is not None


def _worth(words: list[str]) -> int:
    total, group = 0, 0
    for word in words:
        if word == "hundred":
            group = max(group, 1) * 100
        elif word in _SCALES:
            total, group = total + max(group, 1) * _SCALES[word], 0
        else:
            group += _ONES.get(word, 0) + _TENS.get(word, 0)
    return total + group


def _parts(text: str) -> Iterator[Number]:
    """ "a third", "half" as shares in percent; "the third" as a plain 3."""
    for match in _PART_WORD.finditer(text):
        word, whole = match["part"].lower(), _PARTS[match["part"].lower()]
        if re.match(_HARMLESS, text[match.end() :], re.IGNORECASE):
            continue
        before = re.search(_WORD.pattern + r"[\s-]+$", text[: match.start("part")], re.IGNORECASE)
        if before:
            words = [w for w in re.split(r"[\s-]+", before[0].strip().lower()) if w and w != "and"]
            yield Number(before.start(), match.end(), 100.0 * _worth(words) / whole, 2.0, "percent")
        elif match["article"] or word in ("half", "quarter"):
            yield Number(match.start(), match.end(), 100.0 / whole, 2.0, "percent")
        else:
            yield Number(match.start("part"), match.end(), float(whole), 1.0)


def _others(text: str) -> Iterator[Number]:
    for match in _OTHER_WORD.finditer(text):
        if re.match(_HARMLESS, text[match.end() :], re.IGNORECASE):
            continue
        if match["vague"]:
            yield Number(match.start(), match.end(), float("nan"), 0.0, "vague")
        else:
            yield Number(match.start(), match.end(), float(_MULTIPLES[match[0].lower()]), 1.0, "times")
    for at, char in enumerate(text):
        # Numerals of other scripts ("八") say a number that is not read here.
        if not char.isascii() and unicodedata.numeric(char, None) is not None:
            yield Number(at, at + 1, float("nan"), 0.0, "vague")
    for match in _NOUGHT.finditer(text):
        yield Number(match.start(), match.end(), 0.0, 1.0)


def _paired(text: str, numbers: list[Number]) -> list[Stated]:
    """Neighbours joined into fractions and ranges."""
    stated: list[Stated] = []
    k = 0
    while k < len(numbers):
        first = numbers[k]
        pair = _pair(text, first, numbers[k + 1]) if k + 1 < len(numbers) else None
        stated.append(pair or first)
        k += 2 if pair else 1
    return stated


def _pair(text: str, first: Number, second: Number) -> Stated | None:
    between = text[first.end : second.start]
    # A minus that is a range's dash: "0.79-0.87".
    dash = second.signed and between == ""
    if _OF.fullmatch(between) and not first.unit and not second.unit:
        return Fraction(first.start, second.end, first.value, second.value)
    opened = text[: first.start].rstrip()
    joined = (
        dash
        or _TO.fullmatch(between)
        or (_AND.fullmatch(between) and re.search(r"\bbetween(?:\s+about)?$", opened, re.IGNORECASE))
        or (_COMMA.fullmatch(between) and opened.endswith("("))
    )
    if not joined:
        return None
    unit = first.unit or second.unit
    return Range(
        first.start, second.end, replace(first, unit=unit), replace(second, unit=unit or second.unit)
    )
