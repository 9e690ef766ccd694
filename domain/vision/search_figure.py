"""The picture of a search: which network came from which, how good each was, and which failed."""

from __future__ import annotations

from collections import Counter
from typing import Any

from domain.reports.drawing import FIRST, MUTED, SECOND, WARN, Picture, legend_above, picture
from domain.vision.report_input import Candidate, Search

_MOST_NUMBERED = 60
_SPREAD = 0.7
"""Of the width of a round, over which its candidates are spread."""


def search_tree(search: Search) -> Picture | None:
    """Accuracy on validation by round, each network joined to the one that it changes; None without any."""
    trained = [one for one in search.candidates if one.accuracy is not None]
    if not trained:
        return None
    longest = max(one.epochs or 0 for one in trained)
    across = _places(search)
    best = best_of(search)
    values = [float(one.accuracy or 0) for one in trained]
    lowest, room = min(values), max(max(values) - min(values), 0.01)
    floor = lowest - 0.22 * room

    def height(one: Candidate) -> float:
        return floor if one.accuracy is None else one.accuracy

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        known = {one.number: one for one in search.candidates}
        for one in search.candidates:
            parent = known.get(one.parent) if one.parent is not None else None
            if parent is not None:
                ends = [parent, one]
                axes.plot([across[e.number] for e in ends], list(map(height, ends)), color=MUTED, lw=0.8,
                          ls="-" if one.accuracy is not None else ":", zorder=1)  # fmt: skip
        for label, colour, marker, filled, some in (
            ("tried to the end", FIRST, "o", True, [e for e in trained if (e.epochs or 0) >= longest]),
            ("given up earlier", FIRST, "o", False, [e for e in trained if (e.epochs or 0) < longest]),
            ("failed", WARN, "x", True, [e for e in search.candidates if e.accuracy is None]),
        ):
            if some:
                axes.plot([across[e.number] for e in some], list(map(height, some)), ls="", color=colour,
                          marker=marker, ms=6, markerfacecolor=colour if filled else "none", label=label,
                          zorder=3)  # fmt: skip
        if best is not None:
            axes.plot(across[best.number], height(best), ls="", marker="o", ms=12, color=SECOND,
                      markerfacecolor="none", markeredgewidth=1.6, label="winner", zorder=4)  # fmt: skip
        if len(search.candidates) <= _MOST_NUMBERED:
            for one in search.candidates:
                axes.annotate(str(one.number), (across[one.number], height(one)), xytext=(4, 6),
                              textcoords="offset points", fontsize=6.5, color=MUTED)  # fmt: skip
        rounds = sorted({one.iteration for one in search.candidates})
        axes.set_xticks(rounds)
        axes.set_xlim(rounds[0] - 0.6, rounds[-1] + 0.6)
        axes.set_ylim(floor - 0.1 * room, max(values) + 0.15 * room)
        axes.yaxis.set_major_formatter(
            lambda value, _: f"{value:.1%}" if value >= lowest - 0.1 * room else ""
        )
        axes.set(xlabel="round", ylabel="share right on validation")
        legend_above(axes)

    said = (
        "Each mark is a network by its number in the table, joined to the one that it changes; crosses below "
        "could not be trained."
    )
    return picture("search-tree", "What was tried", said, draw, height=3.6)


def best_of(search: Search) -> Candidate | None:
    """The winner, or the best of those with the longest trial; None where none was trained."""
    named = next((one for one in search.candidates if one.number == search.winner), None)
    if named is not None:
        return named
    trained = [one for one in search.candidates if one.accuracy is not None]
    return max(trained, key=lambda one: (one.epochs or 0, one.accuracy or 0), default=None)


def _places(search: Search) -> dict[int, float]:
    """Each candidate's place across, the candidates of a round beside each other."""
    sizes = Counter(one.iteration for one in search.candidates)
    seen: Counter[int] = Counter()
    found = {}
    for one in search.candidates:
        n = sizes[one.iteration]
        found[one.number] = one.iteration + _SPREAD * ((seen[one.iteration] + 0.5) / n - 0.5)
        seen[one.iteration] += 1
    return found
