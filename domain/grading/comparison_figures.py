"""The pictures of a comparison, in the look of the reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from domain.grading.comparison import Comparison, Part
from domain.grading.comparison_words import is_sure
from domain.grading.wording import HELD_OUT
from domain.reports.drawing import FIRST, MUTED, SECOND, Picture, picture


def letter(k: int) -> str:
    """A, B, C: how a contender is called in pictures and in the names of differences."""
    return chr(ord("A") + k)


def differences(part: Part) -> Picture:
    """A forest plot: each pair's difference in QWK with its interval."""
    pairs = [pair for pair in part.pairs if pair.qwk.value == pair.qwk.value]

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.axvline(0, color=MUTED, linewidth=0.9, linestyle="--")
        for row, pair in enumerate(pairs):
            sure = is_sure(pair)
            colour = SECOND if sure else FIRST
            axes.hlines(row, pair.qwk.low, pair.qwk.high, color=colour, linewidth=1.6)
            axes.plot(pair.qwk.value, row, marker="o", color=colour, markersize=6,
                      markerfacecolor=colour if sure else "none")  # fmt: skip
        axes.set_yticks(range(len(pairs)), [f"{letter(p.second)} − {letter(p.first)}" for p in pairs])
        axes.set_ylim(len(pairs) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("difference in QWK; right of 0 the first letter is better")

    said = "Differences with 95% intervals; filled ones are more than chance explains."
    height = 1.0 + 0.3 * max(len(pairs), 2)
    return picture(
        f"forest-{part.protocol}", f"Differences, {HELD_OUT[part.protocol]}", said, draw, height=height
    )


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
        (k, price, standing.qwk)
        for k, (price, standing) in enumerate(zip(prices, part.standings, strict=True))
        if price is not None and standing.qwk.value == standing.qwk.value
    ]

    best_of = {
        k for k, price, qwk in points
        if not any((p <= price and q.value > qwk.value) or (p < price and q.value >= qwk.value)
                   for _, p, q in points)
    }  # fmt: skip

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        front = sorted((price, qwk.value) for k, price, qwk in points if k in best_of)
        if len(front) > 1:
            axes.plot(*zip(*front, strict=True), color=MUTED, linewidth=0.9, linestyle="--", zorder=1)
        for k, price, qwk in points:
            best = k in best_of
            colour = FIRST if best else MUTED
            axes.vlines(price, qwk.low, qwk.high, color=colour, linewidth=1.4, zorder=2)
            axes.plot(price, qwk.value, marker="o" if best else "s", color=colour, markersize=7, zorder=3)
            axes.annotate(
                letter(k), (price, qwk.value), xytext=(7, 5), textcoords="offset points", fontsize=10
            )
        if log:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(_plainly)
        axes.margins(x=0.14)
        axes.set(xlabel=label, ylabel="QWK with 95% interval")

    said = "Nobody agrees better for less than the round marks, which the dashed line joins."
    return picture(f"quality-{name}", title, said, draw, height=3.2)


_plainly: Callable[[float, Any], str] = lambda value, _: f"{value:g}"  # noqa: E731
