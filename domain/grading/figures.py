"""The figures of a report, as SVG text that sits inside a page.

Colours and the font are CSS variables of the page (`var(--ink, #…)`), so that a figure follows its
light or dark scheme; a figure taken out of the page falls back to the light one. Series differ in
marker and line style as well as in colour. Equal evaluations give equal bytes.
"""

from __future__ import annotations

import io
import re
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from domain.grading.evaluation import Evaluation
from domain.grading.referral import lower_bound
from domain.grading.report_input import ReportInput
from domain.grading.wording import HELD_OUT, share
from domain.kinds import Protocol

# Each stands for a CSS variable; matplotlib needs real colours.
INK, MUTED, GRID, FIRST, SECOND, WARN, SOFT = (
    "#010101", "#020202", "#030303", "#040404", "#050505", "#060606", "#070707",
)  # fmt: skip
_VARIABLES = {
    INK: "var(--ink, #1c2430)",
    MUTED: "var(--muted, #5b6675)",
    GRID: "var(--line, #dde2e8)",
    FIRST: "var(--first, #1f5fbf)",
    SECOND: "var(--second, #b4540a)",
    WARN: "var(--warn, #b3261e)",
    SOFT: "var(--soft, #cfe0f7)",
}
_STYLES = ((FIRST, "o", "-"), (SECOND, "s", "--"))
_BRIEFLY = {Protocol.UNSEEN_ANSWERS.value: "known items", Protocol.UNSEEN_ITEMS.value: "new items"}
_MOST_POINTS = 800
_MOST_ITEMS = 40
_DRAWING = threading.Lock()
"""matplotlib's settings are global."""
_SETTINGS = {
    "svg.fonttype": "none",
    "svg.hashsalt": "trainyard",
    # Items are named by strangers: "$" in a name is no formula.
    "text.parse_math": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 8,
}


@dataclass(frozen=True)
class Picture:
    """An inline `svg` element; `said` tells in words what it shows, for those who cannot see it."""

    svg: str
    title: str
    said: str


def learning_curve(report: ReportInput) -> Picture | None:
    """The objective on validation by iteration, and losses below it where the strategy reports any."""
    curve, objective = report.iterations, report.objective
    if objective not in curve or curve.empty:
        return None
    curve = curve.sort_values("iteration")
    values = pd.to_numeric(curve[objective], errors="coerce").to_numpy(dtype=float)
    if np.isnan(values).all():
        return None
    losses = [str(name) for name in curve.columns if "loss" in str(name)][:2]
    steps = curve["iteration"].to_numpy(dtype=float)
    best = int(np.nanargmax(values))

    def draw(figure: Any) -> None:
        panels = figure.subplots(2 if losses else 1, 1, sharex=True, squeeze=False)[:, 0]
        panels[0].plot(steps, values, color=FIRST, marker="o", markersize=3, linewidth=1.4)
        panels[0].plot(steps[best], values[best], marker="D", color=WARN, markersize=6, label="best", ls="")
        panels[0].set_ylabel(f"{objective} on validation")
        panels[0].legend(loc="lower right")
        for (colour, marker, line), name in zip(_STYLES, losses, strict=False):
            loss = pd.to_numeric(curve[name], errors="coerce")
            panels[1].plot(steps, loss, color=colour, ls=line, marker=marker, ms=2.5, lw=1.2, label=name)
        if losses:
            panels[1].set_ylabel("loss")
            panels[1].legend(loc="upper right")
        panels[-1].set_xlabel("iteration")
        panels[-1].xaxis.get_major_locator().set_params(integer=True)

    said = f"Best {objective} {values[best]:.3f} at iteration {steps[best]:.0f} of {steps[-1]:.0f}."
    return picture("learning", "Learning curve", said, draw, height=3.4 if losses else 2.8)


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
        _as_shares(axes, "x", "y")
        axes.set(xlabel="examiner's score, share of max_score", ylabel="model's score, share of max_score")
        _legend_above(axes)

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
            axes.add_patch(_rectangle(corner, 0.96, 0.96, facecolor=FIRST, alpha=float(0.06 + 0.5 * part)))
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
        for (colour, marker, line), protocol in zip(_STYLES, evaluation.protocols, strict=False):
            part = bins[bins["protocol"] == protocol]
            hits = (part["agreement"] * part["n"]).round()
            low = lower_bound(hits, part["n"], 0.95)
            high = 1 - lower_bound(part["n"] - hits, part["n"], 0.95)
            axes.vlines(part["confidence"], low, high, color=colour, linewidth=1, alpha=0.6)
            axes.plot(
                part["confidence"], part["agreement"], color=colour, marker=marker, ls=line, lw=1.2, ms=4.5,
                label=_BRIEFLY[protocol],
            )  # fmt: skip
        _as_shares(axes, "x", "y")
        axes.set(xlabel="confidence", ylabel="agreement with the examiner")
        _legend_above(axes)

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
        for (colour, marker, line), protocol in zip(_STYLES, evaluation.protocols, strict=False):
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
        _as_shares(axes, "x")
        axes.set_ylim(max(0.0, np.floor(lowest * 10 - 0.5) / 10), 1.02)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.set(xlabel="share graded without a human", ylabel="agreement there")
        _legend_above(axes)

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
        _as_shares(axes, "x")
        axes.set_xlabel("agreement with the examiner")
        _legend_above(axes)

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
        _as_shares(axes, "x", "y")
        axes.set(xlabel="examiner's total, share of the paper", ylabel="model's total")

    said = f"Each point is one of {len(totals)} students' papers, all answers graded by the model."
    return picture("papers", "Totals of whole papers", said, draw, height=3.4)


def _as_shares(axes: Any, *which: str) -> None:
    for name in which:
        axis = getattr(axes, f"{name}axis")
        axis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.set(**{f"{name}lim": (-0.03, 1.03), f"{name}ticks": [0, 0.25, 0.5, 0.75, 1]})


def _legend_above(axes: Any) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=3, columnspacing=1.2, handlelength=1.8)


def _short(label: str) -> str:
    label = " ".join(label.split())
    if len(label) <= 24:
        return label
    guide, dot, number = label.rpartition(" · ")
    # The number tells items of a guide apart, the beginning of the title the guides.
    room = 23 - len(dot + number)
    return f"{guide[:room].rstrip()}…{dot}{number}" if dot and room > 4 else "…" + label[-23:]


def _rectangle(corner: tuple[float, float], width: float, height: float, **style: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(corner, width, height, linewidth=0, **style)


def picture(name: str, title: str, said: str, draw: Callable[[Any], None], *, height: float = 3.0) -> Picture:
    """A figure in the reports' look. `name` is unique on its page.

    `draw` fills a matplotlib Figure of 4.6 by `height` inches; no pyplot, so no global state is left.
    """
    # Late: the command line starts without matplotlib.
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    written = io.StringIO()
    with _DRAWING, rc_context(_SETTINGS), warnings.catch_warnings():
        # The page's font draws the letters; that matplotlib's own lacks some does not matter.
        warnings.filterwarnings("ignore", message="Glyph")
        figure = Figure(figsize=(4.6, height), layout="constrained")
        draw(figure)
        FigureCanvasSVG(figure).print_svg(written, metadata={"Date": None, "Creator": None})
    return Picture(_inline(written.getvalue(), name, f"{title}. {said}"), title, said)


def _inline(svg: str, name: str, label: str) -> str:
    """The `svg` element alone, its ids made unique in the page, colours and font made the page's."""
    from markupsafe import escape

    svg = svg[svg.index("<svg") :].strip()
    # Its style element would style the whole page.
    svg = re.sub(r"\s*<metadata>.*?</metadata>|\s*<defs>\s*<style.*?</defs>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r"font: ((?:[\w.]+ )*[\d.]+px) [^;\"]*", r"font: \1 var(--font, sans-serif)", svg)
    svg = re.sub(r"#0[1-7]0[1-7]0[1-7]", lambda colour: _VARIABLES.get(colour.group(), colour.group()), svg)
    view = re.search(r'viewBox="([^"]*)"', svg)
    opened = f'<svg viewBox="{view[1] if view else ""}" role="img" aria-label="{escape(label)}">'
    return opened + svg[svg.index(">") + 1 :]
