"""The picture of a training: what validation said, iteration by iteration."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from domain.reports.drawing import FIRST, STYLES, WARN, Picture, picture


def learning_curve(curve: pd.DataFrame, objective: str) -> Picture | None:
    """The objective on validation by iteration, and losses below it where the strategy reports any."""
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
        for (colour, marker, line), name in zip(STYLES, losses, strict=False):
            loss = pd.to_numeric(curve[name], errors="coerce")
            panels[1].plot(steps, loss, color=colour, ls=line, marker=marker, ms=2.5, lw=1.2, label=name)
        if losses:
            panels[1].set_ylabel("loss")
            panels[1].legend(loc="upper right")
        panels[-1].set_xlabel("iteration")
        panels[-1].xaxis.get_major_locator().set_params(integer=True)

    said = f"Best {objective} {values[best]:.3f} at iteration {steps[best]:.0f} of {steps[-1]:.0f}."
    return picture("learning", "Learning curve", said, draw, height=3.4 if losses else 2.8)
