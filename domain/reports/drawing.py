"""Figures as SVG text that sits inside a page.

Colours and the font are CSS variables of the page (`var(--ink, #…)`), so that a figure follows its
light or dark scheme; a figure taken out of the page falls back to the light one. Series differ in
marker and line style as well as in colour. Equal figures give equal bytes.
"""

from __future__ import annotations

import io
import re
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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


STYLES = ((FIRST, "o", "-"), (SECOND, "s", "--"))


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


def as_shares(axes: Any, *which: str) -> None:
    for name in which:
        axis = getattr(axes, f"{name}axis")
        axis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.set(**{f"{name}lim": (-0.03, 1.03), f"{name}ticks": [0, 0.25, 0.5, 0.75, 1]})


def legend_above(axes: Any) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=3, columnspacing=1.2, handlelength=1.8)


def rectangle(corner: tuple[float, float], width: float, height: float, **style: Any) -> Any:
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
