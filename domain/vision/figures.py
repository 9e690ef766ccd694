"""The figures of a classifier's report (see `domain.reports.drawing`). Equal evaluations give equal bytes."""

from __future__ import annotations

from typing import Any

import numpy as np

from domain.referral import lower_bound
from domain.reports.drawing import (
    FIRST,
    INK,
    MUTED,
    SECOND,
    WARN,
    Picture,
    as_shares,
    legend_above,
    picture,
    rectangle,
)
from domain.reports.wording import share
from domain.vision.evaluation import Evaluation

_MOST_CLASSES = 24
"""More do not fit a picture: those that are mistaken most are shown."""
_STYLES = ((FIRST, "o", "-"), (SECOND, "s", "--"), (INK, "^", ":"), (MUTED, "D", "-."))


def confusion(evaluation: Evaluation) -> Picture:
    """Counts by true and said class, deeper where they are more of their row."""
    n = len(evaluation.classes)
    matrix = np.zeros((n, n), np.int64)
    cells = evaluation.confusion
    matrix[cells["label"], cells["predicted"]] = cells["n"]
    shown = np.arange(n)
    if n > _MOST_CLASSES:
        wrong = matrix - np.diag(np.diag(matrix))
        shown = np.sort(np.argsort(-(wrong.sum(axis=0) + wrong.sum(axis=1)), kind="stable")[:_MOST_CLASSES])
    part = matrix[np.ix_(shown, shown)]
    shares = part / np.maximum(matrix[shown].sum(axis=1, keepdims=True), 1)
    names = [_short(evaluation.classes[at]) for at in shown]
    size = float(np.clip(90 / max(len(shown), 1), 4.0, 9.0))
    longest = max(map(len, names), default=1)

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.grid(visible=False)
        for (row, column), count in np.ndenumerate(part):
            if count:
                colour = FIRST if row == column else WARN
                depth = float(0.06 + (0.42 if row == column else 0.74) * shares[row, column])
                axes.add_patch(
                    rectangle((column - 0.48, row - 0.48), 0.96, 0.96, facecolor=colour, alpha=depth)
                )
                axes.text(column, row + 0.02, f"{count}", ha="center", va="center", fontsize=size)
        axes.set(xlim=(-0.5, len(shown) - 0.5), ylim=(len(shown) - 0.5, -0.5), aspect="equal")
        turned = 90 if longest * len(shown) > 45 else 0
        axes.set_xticks(range(len(shown)), names, rotation=turned, fontsize=max(size, 5.5))
        axes.set_yticks(range(len(shown)), names, fontsize=max(size, 5.5))
        axes.set(xlabel="the model says", ylabel="it is")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)

    right = share(float(np.trace(matrix) / max(matrix.sum(), 1)))
    which = f"the {len(shown)} of {n} classes with most mistakes" if len(shown) < n else f"all {n} classes"
    said = f"Counts of pictures, {which}; {right} of all are on the diagonal. Deeper: more of the row."
    return picture("confusion", "Confusion matrix", said, draw, height=4.4)


def calibration(evaluation: Evaluation) -> Picture:
    """Accuracy by bin of confidence, with 90 % ranges by Clopper and Pearson."""
    bins = evaluation.calibration

    def draw(figure: Any) -> None:
        axes, counts = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle="--")
        hits = (bins["accuracy"] * bins["n"]).round()
        low = lower_bound(hits, bins["n"], 0.95)
        high = 1 - lower_bound(bins["n"] - hits, bins["n"], 0.95)
        axes.vlines(bins["confidence"], low, high, color=FIRST, linewidth=1, alpha=0.6)
        axes.plot(bins["confidence"], bins["accuracy"], color=FIRST, marker="o", lw=1.2, ms=4.5)
        as_shares(axes, "x", "y")
        axes.set_ylabel("share right")
        counts.bar(
            bins["low"], bins["n"], width=bins["high"] - bins["low"], align="edge", color=FIRST, alpha=0.5
        )
        counts.set(xlabel="confidence", ylabel="pictures")
        counts.set_yscale("symlog")
        counts.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")

    ece = evaluation.figure("ece").value
    said = f"On the dashed line confidence is accuracy; the mean gap is {ece * 100:.1f} points."
    return picture("calibration", "Calibration", said, draw, height=3.6)


def referral(evaluation: Evaluation) -> Picture:
    """Accuracy against the share labelled without a human, with the promise and what was chosen."""
    curve = evaluation.referral
    curve = curve[(curve["n"] >= 10) | (curve["n"] == curve["n"].max())]

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.plot(curve["share"], curve["agreement"], color=FIRST, lw=1.5, label="test pictures")
        chosen = evaluation.figure("automatic.accuracy")
        if chosen.n:
            part = evaluation.figure("automatic.share").value
            if chosen.low == chosen.low:
                axes.vlines(part, chosen.low, chosen.high, color=FIRST, linewidth=1)
            axes.plot(part, chosen.value, marker="o", ls="", color=FIRST, markersize=7, label="threshold")
        axes.axhline(evaluation.promised, color=WARN, linewidth=1, linestyle=":", label="promised")
        as_shares(axes, "x")
        lowest = min(evaluation.promised, float(curve["agreement"].min())) if len(curve) else 0.0
        axes.set_ylim(max(0.0, np.floor(lowest * 20 - 0.5) / 20), 1.01)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.set(xlabel="share labelled without a human", ylabel="share right there")
        legend_above(axes)

    said = (
        "The most confident pictures first. The threshold was chosen on validation pictures."
        if evaluation.threshold <= 1
        else "The most confident pictures first. No threshold was found that keeps the promise."
    )
    return picture("referral", "Referral curve", said, draw, height=3.6)


def corruptions(evaluation: Evaluation) -> Picture | None:
    """Accuracy by severity, a line a corruption."""
    table = evaluation.corruptions
    if table.empty:
        return None

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for (colour, marker, line), (name, part) in zip(
            _STYLES, table.groupby("corruption", sort=False), strict=False
        ):
            axes.plot(
                part["severity"],
                part["accuracy"],
                color=colour,
                marker=marker,
                ls=line,
                lw=1.3,
                ms=4,
                label=name,
            )
        as_shares(axes, "y")
        axes.set_xticks(range(6))
        axes.set(xlabel="severity (0: as it is)", ylabel="share right")
        legend_above(axes)

    n = int(table["n"].iloc[0])
    said = f"Accuracy on {n:,} test pictures that were spoilt on purpose, in five severities."
    return picture("corruptions", "Spoilt pictures", said, draw)


def _short(name: str) -> str:
    return name if len(name) <= 16 else name[:15].rstrip() + "…"
