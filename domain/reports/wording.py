"""Figures put into words: the finding, and how shares, kappas and counts are said."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.bootstrap import Interval

UNKNOWN = "unknown"


class Severity(StrEnum):
    GOOD = "good"
    NOTE = "note"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One thing that the figures say. `recommendation` is empty where nothing needs doing."""

    severity: Severity
    title: str
    text: str
    recommendation: str = ""


def share(value: float) -> str:
    """A share as a percentage, with a decimal only where it would wrongly read 0% or 100%."""
    rounded = f"{value:.0%}"
    return f"{value:.1%}" if rounded in ("0%", "100%") and value not in (0.0, 1.0) else rounded


def kappa(interval: Interval) -> str:
    """0.83 (95% interval 0.79 to 0.87)."""
    return plain(interval.value) + (f" ({between(interval)})" if has_interval(interval) else "")


def between(interval: Interval) -> str:
    """95% interval 0.79 to 0.87."""
    return f"95% interval {plain(interval.low)} to {plain(interval.high)}"


def plain(value: float) -> str:
    """Two decimals with a true minus."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def signed(value: float) -> str:
    """Two decimals with their sign."""
    return f"{round(value, 2) + 0.0:+.2f}".replace("-", "−")


def has_interval(interval: Interval) -> bool:
    return interval.low == interval.low  # NaN is not


def counted(n: int, noun: str) -> str:
    """1 file, 2 files."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def money(usd: float | None) -> str:
    """In US dollars, two digits at least; unknown is never 0."""
    if usd is None:
        return UNKNOWN
    if usd == 0:
        return "$0"
    if usd >= 0.095:
        return f"${usd:,.2f}"
    return f"${usd:.2g}" if usd >= 0.0001 else "under $0.0001"
