"""How sure a figure is: intervals and differences by the bootstrap, for any metric of paired arrays.

A `Metric`, called with one-dimensional arrays, gives a float; with a matrix of `weights`, one row a resample,
it gives a value for each row. A bootstrap is then a few matrix products instead of a thousand loops. What
cannot be computed is NaN. Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), ch. 8, 13.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_CELLS_AT_ONCE = 2_000_000
"""Weights held in memory at a time: 16 MB."""


@dataclass(frozen=True)
class Metric:
    """A figure of paired arrays. `compute(weights, *arrays)`: (resamples, n), each (n,) → (resamples,)."""

    name: str
    compute: Callable[..., Floats]
    larger_is_better: bool = True
    least: int = 2
    """Fewer pairs than this give NaN."""

    def __call__(self, *arrays: npt.ArrayLike) -> float:
        values = [np.asarray(a, dtype=float) for a in arrays]
        return float(self.resampled(np.ones((1, len(values[0]))), *values)[0])

    def resampled(self, weights: Floats, *arrays: Floats) -> Floats:
        """One value a row of `weights`, which say how often each pair was drawn."""
        if weights.shape[1] < self.least:
            return np.full(weights.shape[0], np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.compute(weights, *arrays)


@dataclass(frozen=True)
class Interval:
    """A value with its percentile interval; `low` and `high` are NaN where none could be computed."""

    value: float
    low: float
    high: float
    n: int


def mean_of(weights: Floats, values: Floats) -> Floats:
    return np.asarray(weights @ values / weights.sum(axis=1), dtype=float)


mean = Metric("mean", mean_of, least=1)
"""The mean of one array, e.g. of hits."""


def bootstrap_interval(
    fn: Metric | Callable[..., float],
    *arrays: npt.ArrayLike,
    groups: npt.ArrayLike | None = None,
    n: int = 1000,
    seed: int = 0,
) -> Interval:
    """`fn(*arrays)` with its 95 % percentile interval over `n` resamples of the pairs.

    With `groups` (one name a pair, e.g. the student) whole groups are drawn: answers of one student
    are not independent. A `Metric` is computed for all resamples at once; any other function once each.
    """
    values = [np.asarray(a, dtype=float) for a in arrays]
    drawn = np.concatenate([_resample(fn, w, values) for w in resamples(len(values[0]), groups, n, seed)])
    return Interval(fn(*values), *percentiles(drawn), len(values[0]))


def paired_bootstrap(
    fn: Metric | Callable[..., float],
    gold: npt.ArrayLike,
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    *,
    groups: npt.ArrayLike | None = None,
    n: int = 1000,
    seed: int = 0,
) -> Interval:
    """`fn(gold, a) − fn(gold, b)` with its 95 % interval, both computed on the same resamples."""
    g, x, y = (np.asarray(v, dtype=float) for v in (gold, a, b))
    drawn = np.concatenate(
        [_resample(fn, w, [g, x]) - _resample(fn, w, [g, y]) for w in resamples(len(g), groups, n, seed)]
    )
    return Interval(fn(g, x) - fn(g, y), *percentiles(drawn), len(g))


def _resample(fn: Metric | Callable[..., float], weights: Floats, arrays: list[Floats]) -> Floats:
    if isinstance(fn, Metric):
        return fn.resampled(weights, *arrays)
    counts = weights.astype(int)
    return np.array([fn(*(np.repeat(a, count) for a in arrays)) for count in counts], dtype=float)


def resamples(size: int, groups: npt.ArrayLike | None, n: int, seed: int) -> Iterator[Floats]:
    """`n` resamples in blocks of (rows, size): how often each pair was drawn, whole `groups` at a time."""
    if size == 0:
        yield np.empty((n, 0))
        return
    member = np.arange(size) if groups is None else np.unique(np.asarray(groups, str), return_inverse=True)[1]
    n_groups = int(member.max()) + 1
    rng = np.random.default_rng(seed)
    rows_at_once = max(1, _CELLS_AT_ONCE // size)
    for start in range(0, n, rows_at_once):
        rows = min(rows_at_once, n - start)
        drawn = rng.integers(0, n_groups, size=(rows, n_groups)) + np.arange(rows)[:, None] * n_groups
        counts = np.bincount(drawn.ravel(), minlength=rows * n_groups).reshape(rows, n_groups)
        yield counts[:, member].astype(float)


def percentiles(drawn: Floats) -> tuple[float, float]:
    """The 2.5th and 97.5th percentile of the resamples that could be computed; NaN if most could not."""
    defined = drawn[np.isfinite(drawn)]
    # Where most resamples are degenerate, percentiles of the rest would look surer than we are.
    if len(defined) < len(drawn) / 2 or len(defined) < 2:
        return float("nan"), float("nan")
    low, high = np.percentile(defined, [2.5, 97.5])
    return float(low), float(high)


def p_value(gaps: Floats) -> float:
    """Two-sided: twice the share of resamples on the other side of 0, each end counted once more.

    In agreement with the percentile interval: below 0.05 where that leaves out 0. Never 0, since more
    resamples might find one. NaN where most resamples are degenerate.
    """
    defined = gaps[np.isfinite(gaps)]
    if len(defined) < len(gaps) / 2 or not len(defined):
        return float("nan")
    tail = min(int((defined <= 0).sum()), int((defined >= 0).sum()))
    return float(min(1.0, 2 * (tail + 1) / (len(defined) + 1)))


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for their number, in their order; NaN stays NaN and counts for nothing.

    Source: Holm (1979), A simple sequentially rejective multiple test procedure.
    """
    order = sorted((k for k, p in enumerate(p_values) if p == p), key=lambda k: p_values[k])
    corrected = [float("nan")] * len(p_values)
    least = 0.0
    for rank, k in enumerate(order):
        least = max(least, min(1.0, (len(order) - rank) * p_values[k]))
        corrected[k] = least
    return corrected
