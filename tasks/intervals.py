"""Figures with their intervals, as the terminal says them."""

from __future__ import annotations


def interval_words(values: list[float] | None, *, percent: bool = False) -> str:
    """[value, low, high] or [value] in words; None is what could not be measured."""
    if values is None:
        return "cannot be measured on so few or so equal cases"
    value, *bounds = (f"{v:.1%}" if percent else f"{v:.3f}" for v in values)
    return f"{value} (95 % interval {bounds[0]} to {bounds[1]})" if len(bounds) == 2 else value
