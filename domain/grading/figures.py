"""The figures of a grading report (see `domain.reports.drawing`). Equal evaluations give equal bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from domain.grading.evaluation import Evaluation
from domain.grading.wording import HELD_OUT
from domain.kinds import Protocol
from domain.referral import lower_bound
from domain.reports.drawing import (
    FIRST,
    MUTED,
    SECOND,
    STYLES,
    WARN,
    Picture,
    as_shares,
    legend_above,
    picture,
    rectangle,
)
from domain.reports.wording import share

_BRIEFLY = {Protocol.UNSEEN_ANSWERS.value: "known items", Protocol.UNSEEN_ITEMS.value: "new items"}
_MOST_POINTS = 800
_MOST_ITEMS = 40


def marks_against_golds(evaluation: Evaluation, protocol: str) -> Picture:
    """A confusion matrix where marks are labels, else scores against golds as shares of max_score."""
    cells = evaluation.confusion[evaluation.confusion["protocol"] == protocol]
    if len(cells):
        return _confusion(cells, protocol)
    graded = evaluation.graded[evaluation.graded["protocol"] == protocol]
    rng = np.random.default_rng(0)
    if len(graded) > _MOST_POINTS:
        graded = graded.iloc[np.sort(rng.choice(len(graded), _MOST_POINTS, replace=False))]
    gold = (graded["gold"] / graded["max_score"]).to_numpy(dtype=float)
    score = (graded["score"] / graded["max_score"]).to_numpy(dtype=float)
    shown = np.round(np.clip(gold + rng.uniform(-0.012, 0.012, len(gold)), 0, 1), 4)

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle="--", label="equal")
        axes.scatter(shown, score, s=9, color=FIRST, alpha=0.45, linewidths=0, label="answer")
        as_shares(axes, "x", "y")
        axes.set(xlabel="examiner's score, share of max_score", ylabel="model's score, share of max_score")
        legend_above(axes)

    said = f"Each point is one of {len(graded)} {HELD_OUT[protocol]}; a grader that agrees lies on the line."
    return picture(f"scatter-{protocol}", f"Scores, {HELD_OUT[protocol]}", said, draw, height=3.6)


def _confusion(cells: pd.DataFrame, protocol: str) -> Picture:
    labels = np.unique(np.concatenate([cells["gold"], cells["mark"]]))
    counts = np.zeros((len(labels), len(labels)))
    rows, columns = (np.searchsorted(labels, cells[name]) for name in ("gold", "mark"))
    counts[rows, columns] = cells["n"]
    parts = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    one_worth = str(cells["unit"].iloc[0]) == "marks"
    names = [f"{label:g}" if one_worth else share(float(label)) for label in labels]

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.grid(visible=False)
        for (row, column), n in np.ndenumerate(counts):
            part = parts[row, column]
            corner = (column - 0.48, row - 0.48)
            axes.add_patch(rectangle(corner, 0.96, 0.96, facecolor=FIRST, alpha=float(0.06 + 0.5 * part)))
            axes.text(column, row + 0.02, f"{n:.0f}", ha="center", va="center", fontsize=10)
        axes.set(xlim=(-0.5, len(labels) - 0.5), ylim=(len(labels) - 0.5, -0.5), aspect="equal")
        axes.set_xticks(range(len(labels)), names)
        axes.set_yticks(range(len(labels)), names)
        unit = "" if one_worth else ", share of max_score"
        axes.set(xlabel=f"model's mark{unit}", ylabel=f"examiner's mark{unit}")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)

    right = share(float(np.trace(counts) / counts.sum()))
    said = f"Counts of answers; {right} are on the diagonal. Deeper cells hold more of their row."
    return picture(f"confusion-{protocol}", f"Marks, {HELD_OUT[protocol]}", said, draw, height=3.6)


def calibration(evaluation: Evaluation) -> Picture:
    """Agreement by bin of confidence, with 90 % ranges by Clopper and Pearson."""
    bins = evaluation.calibration

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle="--")
        for (colour, marker, line), protocol in zip(STYLES, evaluation.protocols, strict=False):
            part = bins[bins["protocol"] == protocol]
            hits = (part["agreement"] * part["n"]).round()
            low = lower_bound(hits, part["n"], 0.95)
            high = 1 - lower_bound(part["n"] - hits, part["n"], 0.95)
            axes.vlines(part["confidence"], low, high, color=colour, linewidth=1, alpha=0.6)
            axes.plot(
                part["confidence"], part["agreement"], color=colour, marker=marker, ls=line, lw=1.2, ms=4.5,
                label=_BRIEFLY[protocol],
            )  # fmt: skip
        as_shares(axes, "x", "y")
        axes.set(xlabel="confidence", ylabel="agreement with the examiner")
        legend_above(axes)

    errors = [
        f"{evaluation.figure(p, 'ece').value * 100:.0f} points on {HELD_OUT[p]}" for p in evaluation.protocols
    ]
    said = f"On the dashed line confidence is agreement; the mean gap is {' and '.join(errors)}."
    return picture("calibration", "Calibration", said, draw)


def referral(evaluation: Evaluation) -> Picture:
    """Agreement against the share graded without a human, with the promise and what was chosen."""
    curves = evaluation.referral

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        lowest = evaluation.promised
        for (colour, marker, line), protocol in zip(STYLES, evaluation.protocols, strict=False):
            curve = curves[curves["protocol"] == protocol]
            # The first few answers say nothing but noise.
            curve = curve[(curve["n"] >= 10) | (curve["n"] == curve["n"].max())]
            axes.plot(
                curve["share"], curve["agreement"], color=colour, ls=line, lw=1.5, label=_BRIEFLY[protocol]
            )
            lowest = min(lowest, float(curve["agreement"].min()))
            chosen = evaluation.figure(protocol, "automatic.agreement")
            if chosen.n:
                part = evaluation.figure(protocol, "automatic.share").value
                axes.vlines(part, chosen.low, chosen.high, color=colour, linewidth=1)
                axes.plot(part, chosen.value, marker=marker, color=colour, markersize=7)
        axes.axhline(evaluation.promised, color=WARN, linewidth=1, linestyle=":", label="promised")
        as_shares(axes, "x")
        axes.set_ylim(max(0.0, np.floor(lowest * 10 - 0.5) / 10), 1.02)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.set(xlabel="share graded without a human", ylabel="agreement there")
        legend_above(axes)

    said = (
        "The most confident answers first. The large marks show where the threshold lies, which was "
        "chosen outside the test, with 95% intervals."
        if evaluation.threshold <= 1
        else "The most confident answers first. No threshold was found that keeps the promise."
    )
    return picture("referral", "Referral curve", said, draw)


def agreement_by_item(evaluation: Evaluation, protocol: str) -> Picture:
    """A bar an item, the weakest up to forty, with the second examiner's agreement where there is one."""
    items = evaluation.items[evaluation.items["protocol"] == protocol].reset_index(drop=True)
    many = len(items) > _MOST_ITEMS
    if many:
        items = items.loc[sorted(items["agreement"].nsmallest(_MOST_ITEMS).index)]
    overall = evaluation.figure(protocol, "agreement").value
    places = np.arange(len(items))

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.barh(places, items["agreement"], color=FIRST, alpha=0.55, height=0.66, label="model")
        if items["human_agreement"].notna().any():
            axes.plot(
                items["human_agreement"], places, ls="", marker="D", color=SECOND, ms=4.5,
                label="second examiner",
            )  # fmt: skip
        axes.axvline(overall, color=MUTED, linewidth=1, linestyle="--", label="all items")
        axes.set_yticks(places, [_short(str(label)) for label in items["label"]])
        axes.set_ylim(len(items) - 0.4, -0.6)
        axes.grid(visible=False, axis="y")
        axes.tick_params(axis="y", length=0)
        as_shares(axes, "x")
        axes.set_xlabel("agreement with the examiner")
        legend_above(axes)

    which = f"The {_MOST_ITEMS} weakest items" if many else f"All {len(items)} items"
    said = f"{which}; {share(overall)} agree on all items together."
    height = 1.0 + 0.19 * max(len(items), 4)
    return picture(f"items-{protocol}", f"Agreement by item, {HELD_OUT[protocol]}", said, draw, height=height)


def papers(evaluation: Evaluation) -> Picture | None:
    """Totals of whole papers as shares of what they are worth."""
    totals = evaluation.papers[evaluation.papers["n"] > 1]
    if len(totals) < 2:
        return None
    totals = totals.head(_MOST_POINTS)

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle="--")
        gold, mark = (totals[name] / totals["max_score"] for name in ("gold", "mark"))
        axes.scatter(gold, mark, s=14, color=FIRST, alpha=0.6, linewidths=0)
        as_shares(axes, "x", "y")
        axes.set(xlabel="examiner's total, share of the paper", ylabel="model's total")

    said = f"Each point is one of {len(totals)} students' papers, all answers graded by the model."
    return picture("papers", "Totals of whole papers", said, draw, height=3.4)


def _short(label: str) -> str:
    label = " ".join(label.split())
    if len(label) <= 24:
        return label
    guide, dot, number = label.rpartition(" · ")
    # The number tells items of a guide apart, the beginning of the title the guides.
    room = 23 - len(dot + number)
    return f"{guide[:room].rstrip()}…{dot}{number}" if dot and room > 4 else "…" + label[-23:]
