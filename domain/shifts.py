"""How far a figure's values moved since a model was measured.

Distributions are held against each other by the population stability index over bins of the old one:
PSI = sum((new - old) * ln(new / old)). Below 0.1 is steady and above 0.25 shifted by the rule of thumb
of credit scoring (Siddiqi, Credit Risk Scorecards, 2006). Without any shift PSI is spread as
chi-squared with bins - 1 degrees of freedom times (1/n + 1/m) (Yurdakul, 2018), so that in small samples
0.25 comes by chance: a shift must exceed the 95 % point of that as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from domain.bootstrap import Floats

WATCHED, SHIFTED = 0.1, 0.25
LEAST = 30
"""Values, old or new, below which nothing is said: five bins would hold six each."""
_BINS = 5


class Standing(StrEnum):
    STEADY = "steady"
    WATCH = "watch"
    DRIFTED = "drifted"
    UNKNOWN = "too few to say"


@dataclass(frozen=True)
class Shift:
    """A feature then and now. `chance` is the PSI that 5 % of equal samples of these sizes exceed."""

    feature: str
    meaning: str
    standing: Standing
    psi: float
    chance: float
    before: float
    """The mean when the model was measured."""
    now: float


def shift_of(name: str, meaning: str, old: Floats, new: Floats) -> Shift:
    """How a feature's values moved from `old` to `new`."""
    psi, n_bins = _psi(old, new)
    chance = _chance(n_bins, len(old), len(new))
    standing = Standing.STEADY
    if min(len(old), len(new)) < LEAST:
        standing = Standing.UNKNOWN
    elif psi > max(SHIFTED, chance):
        standing = Standing.DRIFTED
    elif psi > max(WATCHED, chance):
        standing = Standing.WATCH
    means = (float(np.mean(values)) if len(values) else float("nan") for values in (old, new))
    return Shift(name, meaning, standing, psi, chance, *means)


def _psi(old: Floats, new: Floats) -> tuple[float, int]:
    """The index over quantiles of the old values, and the number of bins; 0 and 1 where none can be drawn."""
    if not len(old):
        return 0.0, 1
    inner = np.unique(np.quantile(old, np.linspace(0, 1, _BINS + 1)[1:-1]))
    # Beyond what was ever seen is a bin too, where ties leave fewer: all old values may be the same.
    edges = np.concatenate([[-np.inf], inner, [np.nextafter(old.max(), np.inf), np.inf]])
    edges = np.unique(edges)
    counts = [np.histogram(values, edges)[0] for values in (old, new)]
    used = (counts[0] + counts[1]) > 0
    n_bins = int(used.sum())
    # Half an answer more in each bin: an empty one would make the logarithm infinite.
    then, later = ((one[used] + 0.5) / (one.sum() + 0.5 * n_bins) for one in counts)
    return float(((later - then) * np.log(later / then)).sum()), n_bins


def _chance(n_bins: int, n_old: int, n_new: int) -> float:
    if n_bins < 2 or not n_old or not n_new:
        return 0.0
    from scipy.stats import chi2

    return float(chi2.ppf(0.95, n_bins - 1) * (1 / n_old + 1 / n_new))
