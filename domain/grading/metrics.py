"""How well marks agree: metrics whose intervals `domain.bootstrap` finds.

Callers pass shares of max_score, so that items of different worth can be pooled. What cannot be computed
(constant golds, fewer than two answers) is NaN.
"""

from __future__ import annotations

import numpy as np

from domain.bootstrap import Floats, Metric, mean_of

_EPS = 1e-9


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


def _mae(weights: Floats, gold: Floats, predicted: Floats) -> Floats:
    return mean_of(weights, np.abs(gold - predicted))


def _rmse(weights: Floats, gold: Floats, predicted: Floats) -> Floats:
    return np.sqrt(mean_of(weights, (gold - predicted) ** 2))


def _exact(weights: Floats, gold: Floats, predicted: Floats) -> Floats:
    return mean_of(weights, (np.abs(gold - predicted) <= 1e-6).astype(float))


def _adjacent(weights: Floats, gold: Floats, predicted: Floats, step: Floats) -> Floats:
    return mean_of(weights, (np.abs(gold - predicted) <= step + 1e-6).astype(float))


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
