"""Whether a number in a text is the figure it claims to be, at the precision that it shows."""

from __future__ import annotations

import re

from domain.grading.directions import against
from domain.grading.facts import Fact
from domain.grading.numbers_in_prose import COUNTED, Fraction, Number, Range, Stated

_EXACT = 1e-9
_ROUGH = 0.01
"""How far a fraction of small numbers ("one in four") may be from the share."""


def differs(stated: Stated, fact: Fact, sentence: str, words: str) -> str:
    """Why `stated` is not `fact`; "" where it is. `words` are those around it, in lower case."""
    if isinstance(stated, Range):
        return _range_differs(stated, fact)
    if isinstance(stated, Fraction):
        return _fraction_differs(stated, fact)
    if fact.n is not None and fact.unit != "count" and _is_count(stated, sentence) and stated.value == fact.n:
        return ""
    why = _number_differs(stated, fact, fact.value)
    if why and fact.difference and not stated.signed and fact.value < 0:
        return _number_differs(stated, fact, -fact.value) or against(fact, words)
    return why or (against(fact, words) if fact.difference and not stated.signed else "")


def _is_count(stated: Number, sentence: str) -> bool:
    """ "(n = 75)", "on 75 answers", "of the 75 held-out answers"."""
    before, after = sentence[: stated.start], sentence[stated.end :]
    if re.search(r"\bn\s*=\s*$", before):
        return True
    counts = re.match(rf"\s+(?:[\w-]+\s+){{0,2}}?(?:{COUNTED})\b", after)
    return bool(
        counts and re.search(r"\b(?:on|of|across|over|from|for|among|in)\s+(?:the\s+|all\s+)?$", before, re.I)
    )


def _range_differs(stated: Range, fact: Fact) -> str:
    if fact.low is None or fact.high is None:
        return "it has no interval"
    for number, end in ((stated.low, fact.low), (stated.high, fact.high)):
        if _number_differs(number, fact, end):
            return f"its interval is {_shown(fact, fact.low)} to {_shown(fact, fact.high)}"
    return ""


def _fraction_differs(stated: Fraction, fact: Fact) -> str:
    part, whole = stated.part, stated.whole
    if fact.unit == "count" and fact.n is not None:
        return "" if (part, whole) == (fact.value, fact.n) else f"it is {fact.value:g} of {fact.n}"
    if fact.unit != "share" or whole <= 0:
        return "it is no share"
    if fact.n and whole == fact.n and abs(part - fact.value * fact.n) < _EXACT * whole + 1e-6:
        return ""
    if part <= whole <= 12 and abs(part / whole - fact.value) <= _ROUGH:
        return ""
    return f"it is {_shown(fact, fact.value)}"


def _number_differs(number: Number, fact: Fact, value: float) -> str:
    scaled = _in_its_unit(number, fact, value)
    if scaled is None:
        return f"it is in another unit: {_shown(fact, value)}"
    off = abs(number.value - scaled)
    if off <= _EXACT * max(1.0, abs(scaled)):
        return ""
    # Only exactly nothing is 0, and only all is 100%.
    false_end = number.value == 0 or (number.unit == "percent" and number.value == 100)
    exact_only = fact.unit == "count"
    # "1" for 0.83 would be right at its precision, and says nothing.
    coarse = number.unit not in ("percent", "points") and number.step > abs(number.value) / 2
    if false_end or exact_only or coarse or off > number.step / 2 * (1 + 1e-9) + 1e-12:
        return f"it is {_shown(fact, value)}"
    return ""


def _in_its_unit(number: Number, fact: Fact, value: float) -> float | None:
    """`value` in the unit in which the number is written; None where the two do not go together."""
    allowed: dict[str, dict[str, float]] = {
        "share": {"percent": 100.0, "": 1.0, "points": 100.0},
        "index": {"": 1.0},
        "count": {"": 1.0},
        "marks": {"": 1.0},
        "tokens": {"": 1.0},
        "seconds": {"seconds": 1.0},
        "usd": {"usd": 1.0},
    }
    factor = allowed[fact.unit].get(number.unit)
    return None if factor is None else value * factor


def _shown(fact: Fact, value: float) -> str:
    """A value for whoever has to correct a sentence."""
    if fact.unit == "share":
        return f"{value:.4g} (or {100 * value:.3g}%)"
    units = {"seconds": " seconds", "usd": " USD"}
    return (f"{value:.0f}" if fact.unit == "count" else f"{value:.4g}") + units.get(fact.unit, "")
