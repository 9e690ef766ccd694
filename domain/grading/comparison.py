"""Several jobs' models held against each other on the same held-out answers.

Only answers that every one of them graded count, and none that one of them learnt from. Differences come
from a paired bootstrap: in each resample whole students are drawn, and every model is measured on that same
draw, so that what is hard about the answers cancels out (Efron and Tibshirani, An Introduction to the
Bootstrap, 1993, ch. 8, 13 and 15). Where more than two are compared, p-values are corrected by Holm (1979).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd

from domain.bootstrap import Floats, Interval, Metric, holm, mean, p_value, percentiles, resamples
from domain.comparing import (
    N_RESAMPLES,
    all_learnt,
    check_contenders,
    learnt_by_any,
    less,
    nothing_shared,
    unbeaten,
)
from domain.grading.agreement import Marking, marking_of
from domain.grading.metrics import qwk, rmse
from domain.kinds import Protocol
from domain.referral import agrees

_WITHIN = Metric("within", lambda w, part, hit: (w @ (part * hit)) / (w @ part), least=1)
_KEYS = ["protocol", "answer_id"]


@dataclass(frozen=True)
class Costs:
    """What a job took. None is unknown; money is 0 for a job that asked no language model."""

    training_seconds: float
    n_iterations: int
    training_usd: float | None = 0.0
    usd_per_1000_answers: float | None = 0.0
    seconds_per_answer: float | None = None
    tokens_per_answer: float | None = None


@dataclass(frozen=True, eq=False)
class Contender:
    """One job's model and its graded test answers (columns as in `domain.grading.graded`)."""

    job_id: str
    strategy: str
    model: str
    dataset: str
    created: str
    graded: pd.DataFrame
    tolerance: float
    promised: float
    costs: Costs
    learnt_from: frozenset[str] = frozenset()
    """Ids of answers that it was trained or validated on, where they may be among `graded`."""

    @property
    def label(self) -> str:
        return f"{self.strategy} {self.job_id[:8]}"


@dataclass(frozen=True)
class Standing:
    """One contender's figures on the common answers of a protocol."""

    qwk: Interval
    agreement: Interval
    rmse: Interval
    automatic_share: Interval
    automatic_agreement: Interval


@dataclass(frozen=True)
class Pair:
    """The second contender's figure minus the first's; `first` and `second` are places in the list."""

    first: int
    second: int
    qwk: Interval
    agreement: Interval
    rmse: Interval
    p: float
    """Two-sided, of the difference in QWK; NaN where that could not be computed."""
    p_corrected: float
    same_marks: bool
    """Whether the two gave every answer the same mark."""


@dataclass(frozen=True)
class Part:
    """The comparison on one protocol. `best` are those that no other beats in quality, cost and time."""

    protocol: str
    n: int
    n_students: int
    standings: tuple[Standing, ...]
    pairs: tuple[Pair, ...]
    best: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Comparison:
    contenders: tuple[Contender, ...]
    parts: tuple[Part, ...]
    tolerance: float
    n_left_out: tuple[int, ...]
    """For each contender, its graded test answers that are not common to all."""
    n_learnt_from: int
    """Common answers that are left out because one of them was trained on them."""
    seed: int


def compare(contenders: Sequence[Contender], *, seed: int = 0, n: int = N_RESAMPLES) -> Comparison:
    """The comparison of two contenders or more, in the order given.

    Raises InputError for fewer than two, for one named twice, and where they share no answers.
    """
    check_contenders(contenders)
    common, n_learnt = _common(contenders)
    tolerance = contenders[0].tolerance
    parts = tuple(
        _part(protocol.value, contenders, ids, tolerance, seed, n)
        for protocol in Protocol
        if len(ids := common[common["protocol"] == protocol.value])
    )
    left_out = tuple(len(one.graded) - len(common) for one in contenders)
    return Comparison(tuple(contenders), parts, tolerance, left_out, n_learnt, seed)


def _common(contenders: Sequence[Contender]) -> tuple[pd.DataFrame, int]:
    """protocol and answer_id of what all graded, held to the same gold; and how many one learnt from."""
    first = contenders[0]
    common = first.graded[[*_KEYS, "gold"]]
    for other in contenders[1:]:
        common = common.merge(other.graded[[*_KEYS, "gold"]], on=_KEYS, suffixes=("", "_other"))
        # A score that was corrected between two evaluations would count for one of them alone.
        common = common[np.isclose(common["gold"], common["gold_other"])].drop(columns="gold_other")
        if common.empty:
            raise nothing_shared(first, other, "answers")
    seen = common["answer_id"].isin(learnt_by_any(contenders))
    if seen.all():
        raise all_learnt(len(common), "answers")
    kept = common[~seen].sort_values(_KEYS, ignore_index=True)
    return kept[_KEYS], int(seen.sum())


@dataclass(frozen=True)
class _Measured:
    """A contender's values on the common answers, each (n,)."""

    marking: Marking
    agreed: Floats
    automatic: Floats

    def figures(self) -> Iterator[tuple[Metric, tuple[Floats, ...]]]:
        """In the order of the fields of `Standing`."""
        gold, score, mark = self.marking.shares
        yield qwk, (gold, mark)
        yield mean, (self.agreed,)
        yield rmse, (gold, score)
        yield mean, (self.automatic,)
        yield _WITHIN, (self.automatic, self.agreed)


def _measured(one: Contender, ids: pd.DataFrame, tolerance: float) -> _Measured:
    graded = ids.merge(one.graded, on=_KEYS, how="left", validate="one_to_one")
    agreed = agrees(graded["mark"], graded["gold"], graded["max_score"], tolerance)
    return _Measured(
        marking_of(graded), np.asarray(agreed, dtype=float), graded["automatic"].to_numpy(dtype=float)
    )


def _part(
    protocol: str, contenders: Sequence[Contender], ids: pd.DataFrame, tolerance: float, seed: int, n: int
) -> Part:
    measured = [_measured(one, ids, tolerance) for one in contenders]
    values = np.array([[metric(*arrays) for metric, arrays in one.figures()] for one in measured])
    drawn = _drawn(measured, seed, n)
    standings = tuple(
        Standing(*(_interval(v, d, len(ids)) for v, d in zip(values[k], drawn[k], strict=True)))
        for k in range(len(contenders))
    )
    pairs = _corrected(
        [_pair(a, b, measured, values, drawn) for a, b in combinations(range(len(contenders)), 2)]
    )
    costs = [one.costs for one in contenders]
    best = unbeaten(
        [
            (s.qwk.value, less(c.usd_per_1000_answers), less(c.seconds_per_answer))
            for s, c in zip(standings, costs, strict=True)
        ]
    )
    students = len(np.unique(measured[0].marking.student))
    return Part(protocol, len(ids), students, standings, tuple(pairs), best)


def _drawn(measured: Sequence[_Measured], seed: int, n: int) -> Floats:
    """(contenders, figures, resamples): all of them on the same draws."""
    groups = measured[0].marking.groups
    blocks = [
        [[metric.resampled(weights, *arrays) for metric, arrays in one.figures()] for one in measured]
        for weights in resamples(len(measured[0].marking), groups, n, seed)
    ]
    return np.concatenate([np.array(block) for block in blocks], axis=2)


def _interval(value: float, drawn: Floats, n: int) -> Interval:
    return Interval(float(value), *percentiles(drawn), n)


def _pair(a: int, b: int, measured: Sequence[_Measured], values: Floats, drawn: Floats) -> Pair:
    gaps = drawn[b] - drawn[a]
    n = len(measured[a].marking)
    of_qwk, agreement, of_rmse = (_interval(values[b][k] - values[a][k], gaps[k], n) for k in range(3))
    p = p_value(gaps[0])
    same = bool(np.allclose(measured[a].marking.mark, measured[b].marking.mark))
    return Pair(a, b, of_qwk, agreement, of_rmse, p, p, same)


def _corrected(pairs: list[Pair]) -> list[Pair]:
    corrected = holm([pair.p for pair in pairs])
    return [replace(pair, p_corrected=p) for pair, p in zip(pairs, corrected, strict=True)]
