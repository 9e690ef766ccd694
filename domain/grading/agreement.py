"""The figures of a set of marked answers: every metric with its interval, as rows of contract Metrics."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from domain.bootstrap import Floats, Interval, Metric, bootstrap_interval, mean, paired_bootstrap
from domain.grading.metrics import (
    adjacent_agreement,
    exact_agreement,
    macro_f1,
    mae,
    pearson,
    qwk,
    rmse,
    spearman,
)
from domain.referral import agrees, lower_bound

MOST_LABELS = 6
"""Up to this many distinct golds, as shares of max_score, marks are labels."""
MAIN = ("qwk", "pearson", "mae", "rmse", "exact", "agreement", "bias")
"""The metrics of parts and of other markers."""
_SHARES = ("exact", "adjacent", "agreement", "share")
LEAST_STUDENTS = 5
"""With fewer students, resampling whole students says nothing; answers are resampled instead."""


@dataclass(frozen=True)
class Terms:
    """What an evaluation is held to. `tolerance` is a share of max_score, `promised` of the answers."""

    tolerance: float
    promised: float
    threshold: float
    seed: int


@dataclass(frozen=True)
class Figure:
    """One row of contract Metrics without its protocol."""

    metric: str
    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Marking:
    """Two columns of marks of the same answers: a reference and what is held against it.

    All (n,) and in marks. `score` is continuous and `mark` on the grid; a human's two are the same.
    """

    gold: Floats
    score: Floats
    mark: Floats
    max_score: Floats
    step: Floats
    student: np.ndarray[Any, Any]

    def __len__(self) -> int:
        return len(self.gold)

    @property
    def shares(self) -> tuple[Floats, Floats, Floats]:
        """gold, score and mark as shares of max_score."""
        return self.gold / self.max_score, self.score / self.max_score, self.mark / self.max_score

    @property
    def groups(self) -> np.ndarray[Any, Any] | None:
        return self.student if len(np.unique(self.student)) >= LEAST_STUDENTS else None


def marking_of(
    graded: pd.DataFrame, *, gold: str = "gold", score: str = "score", mark: str = "mark"
) -> Marking:
    """The marking that three columns of a graded frame hold."""

    def column(name: str) -> Floats:
        return np.asarray(graded[name], dtype=float)

    student = graded["student"].astype(str).to_numpy()
    return Marking(column(gold), column(score), column(mark), column("max_score"), column("step"), student)


def figures_of(
    marking: Marking, terms: Terms, prefix: str = "", names: Collection[str] = MAIN
) -> list[Figure]:
    """Every metric of a marking. With a `prefix`, such as "human.", only `names`, each with it."""
    gold, score, mark = marking.shares
    agreed = agrees(marking.mark, marking.gold, marking.max_score, terms.tolerance).astype(float)
    asked: list[tuple[str, Metric, tuple[Floats, ...]]] = [
        ("qwk", qwk, (gold, mark)),
        ("pearson", pearson, (gold, score)),
        ("spearman", spearman, (gold, score)),
        ("mae", mae, (gold, score)),
        ("rmse", rmse, (gold, score)),
        ("mae_marks", mae, (marking.gold, marking.score)),
        ("rmse_marks", rmse, (marking.gold, marking.score)),
        ("exact", exact_agreement, (gold, mark)),
        ("adjacent", adjacent_agreement, (gold, mark, marking.step / marking.max_score)),
        ("agreement", mean, (agreed,)),
        ("bias", mean, (mark - gold,)),
    ]
    if marks_are_labels(gold):
        asked.append(("macro_f1", macro_f1, (gold, mark)))
    return [
        _figure(prefix + name, metric, marking, arrays, terms.seed)
        for name, metric, arrays in asked
        if not prefix or name in names
    ]


def marks_are_labels(shares: Floats) -> bool:
    return 2 <= len(np.unique(np.round(shares, 6))) <= MOST_LABELS


def figure_of_mean(name: str, values: Floats, marking: Marking, seed: int) -> Figure:
    """The mean of one value an answer, e.g. of hits, with its interval."""
    return _figure(name, mean, marking, (values,), seed)


def advantage(name: str, metric: Metric, ours: Marking, theirs: Marking, seed: int) -> Figure:
    """How much higher `metric` is for `ours` than for `theirs`, two markings of the same answers."""
    # Correlations and errors are of the continuous score; kappa and hits of the mark.
    column = 2 if metric in (qwk, exact_agreement, macro_f1) else 1
    interval = paired_bootstrap(
        metric, ours.shares[0], ours.shares[column], theirs.shares[column], groups=ours.groups, seed=seed
    )
    return _as_figure(name, interval)


def _figure(name: str, metric: Metric, marking: Marking, arrays: tuple[Floats, ...], seed: int) -> Figure:
    interval = bootstrap_interval(metric, *arrays, groups=marking.groups, seed=seed)
    return _as_figure(name, _at_the_ends(interval) if name.rpartition(".")[2] in _SHARES else interval)


def _at_the_ends(interval: Interval) -> Interval:
    """Resamples of nothing but hits are all hits: there the exact bound replaces the bootstrap's."""
    reach = float(lower_bound(interval.n, interval.n, 0.975)) if interval.n else float("nan")
    if interval.value == 1:
        return replace(interval, low=reach, high=1.0)
    if interval.value == 0:
        return replace(interval, low=0.0, high=1 - reach)
    return interval


def _as_figure(name: str, interval: Interval) -> Figure:
    return Figure(name, interval.value, interval.low, interval.high, interval.n)
