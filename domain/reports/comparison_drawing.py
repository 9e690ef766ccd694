"""The pictures of a comparison, in the look of the reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from domain.bootstrap import Interval
from domain.reports.drawing import FIRST, MUTED, SECOND, Picture, picture


@dataclass(frozen=True)
class Difference:
    """A pair's difference; `sure` where it is more than chance explains."""

    name: str
    gap: Interval
    sure: bool


@dataclass(frozen=True)
class Priced:
    """A contender's quality and what it takes."""

    letter: str
    price: float
    quality: Interval


def forest(name: str, title: str, metric: str, differences: Sequence[Difference]) -> Picture:
    """A forest plot: each pair's difference in `metric` with its interval, where it could be computed."""
    shown = [one for one in differences if one.gap.value == one.gap.value]

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.axvline(0, color=MUTED, linewidth=0.9, linestyle="--")
        for row, one in enumerate(shown):
            colour = SECOND if one.sure else FIRST
            axes.hlines(row, one.gap.low, one.gap.high, color=colour, linewidth=1.6)
            axes.plot(one.gap.value, row, marker="o", color=colour, markersize=6,
                      markerfacecolor=colour if one.sure else "none")  # fmt: skip
        axes.set_yticks(range(len(shown)), [one.name for one in shown])
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(f"difference in {metric}; right of 0 the first letter is better")

    said = "Differences with 95% intervals; filled ones are more than chance explains."
    return picture(name, title, said, draw, height=1.0 + 0.3 * max(len(shown), 2))


def quality_against(
    name: str, title: str, said: str, labels: tuple[str, str], points: Sequence[Priced], *, log: bool
) -> Picture:
    """Quality over price, `labels` being of the price and of the quality; who is unbeaten is joined."""
    best_of = {
        one.letter
        for one in points
        if not any(
            (other.price <= one.price and other.quality.value > one.quality.value)
            or (other.price < one.price and other.quality.value >= one.quality.value)
            for other in points
        )
    }

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        front = sorted((one.price, one.quality.value) for one in points if one.letter in best_of)
        if len(front) > 1:
            axes.plot(*zip(*front, strict=True), color=MUTED, linewidth=0.9, linestyle="--", zorder=1)
        for one in points:
            best, at = one.letter in best_of, (one.price, one.quality.value)
            colour = FIRST if best else MUTED
            axes.vlines(one.price, one.quality.low, one.quality.high, color=colour, linewidth=1.4, zorder=2)
            axes.plot(*at, marker="o" if best else "s", color=colour, markersize=7, zorder=3)
            axes.annotate(one.letter, at, xytext=(7, 5), textcoords="offset points", fontsize=10)
        if log:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(_plainly)
        axes.margins(x=0.14)
        axes.set(xlabel=labels[0], ylabel=labels[1])

    return picture(name, title, said, draw, height=3.2)


_plainly: Callable[[float, Any], str] = lambda value, _: f"{value:g}"  # noqa: E731
