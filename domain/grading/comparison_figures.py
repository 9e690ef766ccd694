"""The pictures of a comparison of graders."""

from __future__ import annotations

from domain.comparing import is_sure
from domain.grading.comparison import Comparison, Part
from domain.grading.wording import HELD_OUT
from domain.reports.comparison import letter
from domain.reports.comparison_drawing import Difference, Priced, forest, quality_against
from domain.reports.drawing import Picture

_SAID = "Nobody agrees better for less than the round marks, which the dashed line joins."


def differences(part: Part) -> Picture:
    """Each pair's difference in QWK with its interval."""
    pairs = [
        Difference(f"{letter(pair.second)} − {letter(pair.first)}", pair.qwk, is_sure(pair))
        for pair in part.pairs
    ]
    return forest(f"forest-{part.protocol}", f"Differences, {HELD_OUT[part.protocol]}", "QWK", pairs)


def quality_and_price(comparison: Comparison, part: Part) -> list[Picture]:
    """QWK against money and against time, each where it is known of two contenders or more."""
    money = [one.costs.usd_per_1000_answers for one in comparison.contenders]
    seconds = [one.costs.seconds_per_answer for one in comparison.contenders]
    pictures = []
    if any(money) and sum(value is not None for value in money) > 1:
        label = "US dollars for 1,000 answers"
        pictures.append(_quality(part, money, "cost", "Quality and cost", label, log=False))
    known = [value for value in seconds if value is not None]
    if len(known) > 1 and min(known) > 0:
        label = "seconds for an answer (logarithmic)"
        pictures.append(_quality(part, seconds, "time", "Quality and time", label, log=True))
    return pictures


def _quality(
    part: Part, prices: list[float | None], name: str, title: str, label: str, *, log: bool
) -> Picture:
    points = [
        Priced(letter(k), price, standing.qwk)
        for k, (price, standing) in enumerate(zip(prices, part.standings, strict=True))
        if price is not None and standing.qwk.value == standing.qwk.value
    ]
    return quality_against(f"quality-{name}", title, _SAID, (label, "QWK with 95% interval"), points, log=log)
