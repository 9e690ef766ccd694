"""How well marks agree, and how sure we are of it.

Every metric is a `Metric`: called with one-dimensional arrays it gives a float; with a matrix of
`weights`, one row a resample, it gives a value for each row. A bootstrap is then a few matrix
products instead of a thousand loops. Callers pass shares of max_score, so that items of different
worth can be pooled. What cannot be computed (constant golds, fewer than two answers) is NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_EPS = 1e-9
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


def _qwk(weights: Floats, gold: Floats, predicted: Floats) -> Floats:
    total = weights.sum(axis=1)
    gold_mean, gold_var = _moments(weights, total, gold)
    mean, var = _moments(weights, total, predicted)
    observed = weights @ (gold - predicted) ** 2 / total
    expected = gold_var + var + (gold_mean - mean) ** 2
    return np.where(gold_var > _EPS, 1 - observed / expected, np.nan)


def _pearson(weights: Floats, a: Floats, b: Floats) -> Floats:
    total = weights.sum(axis=1)
    a_mean, a_var = _moments(weights, total, a)
    b_mean, b_var = _moments(weights, total, b)
    covariance = weights @ (a * b) / total - a_mean * b_mean
    defined = (a_var > _EPS) & (b_var > _EPS)
    return np.where(defined, np.clip(covariance / np.sqrt(a_var * b_var), -1, 1), np.nan)


def _moments(weights: Floats, total: Floats, values: Floats) -> tuple[Floats, Floats]:
    # Centred first: E[x²] − E[x]² of uncentred values loses digits.
    centre = values.mean()
    mean = weights @ (values - centre) / total
    variance = weights @ (values - centre) ** 2 / total - mean**2
    return mean + centre, np.maximum(variance, 0.0)


def _spearman(weights: Floats, a: Floats, b: Floats) -> Floats:
    ranks_a, ranks_b = _mid_ranks(weights, a), _mid_ranks(weights, b)
    total = weights.sum(axis=1, keepdims=True)
    # The mean mid-rank is half the number of pairs, whatever the ties.
    da, db = ranks_a - total / 2, ranks_b - total / 2
    covariance = (weights * da * db).sum(axis=1)
    spread = np.sqrt((weights * da**2).sum(axis=1) * (weights * db**2).sum(axis=1))
    return np.where(spread > _EPS, np.clip(covariance / spread, -1, 1), np.nan)


def _mid_ranks(weights: Floats, values: Floats) -> Floats:
    """Ranks of `values` in each resample, ties at their middle, counted from 0."""
    distinct, group = np.unique(values, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(len(distinct)))
    in_group = np.add.reduceat(weights[:, order], starts, axis=1)
    middle = np.cumsum(in_group, axis=1) - in_group / 2
    return np.asarray(middle[:, group], dtype=float)


def _mean(weights: Floats, values: Floats) -> Floats:
    return np.asarray(weights @ values / weights.sum(axis=1), dtype=float)


def _mae(weights: Floats, gold: Floats, predicted: Floats) -> Floats:
    return _mean(weights, np.abs(gold - predicted))


def _rmse(weights: Floats, gold: Floats, predicted: Floats) -> Floats:
    return np.sqrt(_mean(weights, (gold - predicted) ** 2))


def _exact(weights: Floats, gold: Floats, predicted: Floats) -> Floats:
    return _mean(weights, (np.abs(gold - predicted) <= 1e-6).astype(float))


def _adjacent(weights: Floats, gold: Floats, predicted: Floats, step: Floats) -> Floats:
    return _mean(weights, (np.abs(gold - predicted) <= step + 1e-6).astype(float))


def _macro_f1(weights: Floats, gold: Floats, predicted: Floats) -> Floats:
    # A label that a resample drew in neither column has no F1 there, as in scikit-learn.
    labels = np.unique(np.round(np.concatenate([gold, predicted]), 6))
    is_gold = np.abs(gold[:, None] - labels) <= 1e-6
    is_predicted = np.abs(predicted[:, None] - labels) <= 1e-6
    hits = weights @ (is_gold & is_predicted)
    named = weights @ is_gold.astype(float) + weights @ is_predicted.astype(float)
    f1 = np.where(named > 0, 2 * hits / named, 0.0)
    return np.asarray(f1.sum(axis=1) / (named > 0).sum(axis=1), dtype=float)


qwk = Metric("qwk", _qwk)
"""Quadratic weighted kappa in [-1, 1], of real-valued marks.

1 − Σ(aᵢ−bᵢ)² / (1/n · ΣΣ(aᵢ−bⱼ)²): equal to Cohen's on an integer grid, and needs no bins.
Source: Cohen (1968).
"""
pearson = Metric("pearson", _pearson)
spearman = Metric("spearman", _spearman)
mae = Metric("mae", _mae, larger_is_better=False, least=1)
rmse = Metric("rmse", _rmse, larger_is_better=False, least=1)
exact_agreement = Metric("exact", _exact, least=1)
"""Share of marks that are the gold mark."""
adjacent_agreement = Metric("adjacent", _adjacent, least=1)
"""Share of marks at most one step of the item's grid away: arrays gold, predicted, step."""
macro_f1 = Metric("macro_f1", _macro_f1, least=1)
"""Mean over the labels of F1, where marks are labels (few distinct values)."""
mean = Metric("mean", _mean, least=1)
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
