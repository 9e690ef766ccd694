"""Classifiers on the same pictures: which labels more of them rightly, and whether by chance.

Only pictures that every one of them labelled count, and none that one of them learnt from. Differences come
from a paired bootstrap in which near copies are drawn together and every model is measured on that same
draw, so that what is hard about the pictures cancels out (Efron and Tibshirani, An Introduction to the
Bootstrap, 1993, ch. 8, 13 and 15). Where more than two are compared, p-values are corrected by Holm (1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd

from domain.bootstrap import Floats, Interval, bootstrap_interval, holm, mean, p_value, percentiles, resamples
from domain.comparing import (
    N_RESAMPLES,
    all_learnt,
    check_contenders,
    learnt_by_any,
    less,
    nothing_shared,
    unbeaten,
)
from domain.promotion import Gap
from domain.vision.metrics import resampled_macro_f1, surprise_of


def accuracy_gap(
    labels: npt.ArrayLike, champion: npt.ArrayLike, challenger: npt.ArrayLike, groups: npt.ArrayLike
) -> Gap:
    """The challenger's accuracy minus the champion's, of their predicted labels, all (n,).

    The interval is a paired bootstrap over `groups` (near copies are drawn together); p is McNemar's exact
    two-sided test on the pictures that only one of them labels rightly. Source: McNemar (1947).
    """
    truth = np.asarray(labels)
    before, now = np.asarray(champion) == truth, np.asarray(challenger) == truth
    gained, lost = int((now & ~before).sum()), int((before & ~now).sum())
    interval = bootstrap_interval(mean, now.astype(float) - before.astype(float), groups=np.asarray(groups))
    return Gap(
        "accuracy", "test", interval.value, interval.low, interval.high, mcnemar(gained, lost), len(truth)
    )


def mcnemar(gained: int, lost: int) -> float:
    """The exact two-sided p of so many examples that only the one, or only the other, has right."""
    from scipy.stats import binomtest

    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0


@dataclass(frozen=True)
class Costs:
    """What a job took. `training_usd` is for its language model: 0 where it asked none, None if unknown."""

    training_seconds: float
    n_iterations: int
    training_usd: float | None = 0.0
    seconds_per_picture: float | None = None
    model_mb: float | None = None


@dataclass(frozen=True, eq=False)
class Contender:
    """One job's model and the test pictures that it labelled.

    `labelled` has the columns image_id, group (near copies share one), class_name, predicted, own (the
    probability of the true class) and refer.
    """

    job_id: str
    strategy: str
    model: str
    dataset: str
    created: str
    labelled: pd.DataFrame
    promised: float
    costs: Costs
    learnt_from: frozenset[str] = frozenset()
    """Ids of pictures that it was trained or validated on, where they may be among `labelled`."""

    @property
    def label(self) -> str:
        return f"{self.strategy} {self.job_id[:8]}"


@dataclass(frozen=True)
class Standing:
    """One contender's figures on the common pictures."""

    accuracy: Interval
    macro_f1: Interval
    log_loss: Interval
    automatic_share: Interval
    automatic_accuracy: Interval


@dataclass(frozen=True)
class Pair:
    """The second contender's figure minus the first's; `first` and `second` are places in the list."""

    first: int
    second: int
    accuracy: Interval
    macro_f1: Interval
    log_loss: Interval
    n_only_first: int
    """Pictures that only the first labels rightly."""
    n_only_second: int
    p: float
    """Two-sided, of the difference in accuracy: the larger of McNemar's exact test's, which knows how few
    pictures may decide, and the bootstrap's, which knows near copies."""
    p_corrected: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """`best` are those that no other beats in accuracy, price of training and time of a picture."""

    contenders: tuple[Contender, ...]
    n: int
    standings: tuple[Standing, ...]
    pairs: tuple[Pair, ...]
    best: tuple[int, ...]
    n_left_out: tuple[int, ...]
    """For each contender, its labelled pictures that are not common to all."""
    n_learnt_from: int
    """Common pictures that are left out because one of them was trained on them."""
    seed: int


def compare(contenders: Sequence[Contender], *, seed: int = 0, n: int = N_RESAMPLES) -> Comparison:
    """The comparison of two contenders or more, in the order given.

    Raises InputError for fewer than two, for one named twice, and where they share no pictures.
    """
    check_contenders(contenders)
    common, n_learnt = _common(contenders)
    labelled = [one.labelled.set_index("image_id").loc[common].reset_index() for one in contenders]
    groups = labelled[0]["group"].to_numpy()
    drawn = np.concatenate(
        [
            np.array([_figures(frame, weights) for frame in labelled])
            for weights in resamples(len(common), groups, n, seed)
        ],
        axis=2,
    )
    whole = np.ones((1, len(common)))
    values = np.array([_figures(frame, whole)[:, 0] for frame in labelled])
    standings = tuple(
        Standing(*(_interval(v, d, len(common)) for v, d in zip(values[k], drawn[k], strict=True)))
        for k in range(len(contenders))
    )
    pairs = [_pair(a, b, labelled, values, drawn) for a, b in combinations(range(len(contenders)), 2)]
    corrected = holm([pair.p for pair in pairs])
    return Comparison(
        contenders=tuple(contenders),
        n=len(common),
        standings=standings,
        pairs=tuple(
            Pair(**{**vars(pair), "p_corrected": p}) for pair, p in zip(pairs, corrected, strict=True)
        ),
        best=unbeaten(
            [
                (s.accuracy.value, less(c.costs.training_usd), less(c.costs.seconds_per_picture))
                for s, c in zip(standings, contenders, strict=True)
            ]
        ),
        n_left_out=tuple(len(one.labelled) - len(common) for one in contenders),
        n_learnt_from=n_learnt,
        seed=seed,
    )


def _common(contenders: Sequence[Contender]) -> tuple[list[str], int]:
    """image_id of what all labelled, held to the same class, in order; and how many one learnt from."""
    first = contenders[0]
    shared = dict(zip(first.labelled["image_id"], first.labelled["class_name"], strict=True))
    for other in contenders[1:]:
        theirs = dict(zip(other.labelled["image_id"], other.labelled["class_name"], strict=True))
        shared = {name: said for name, said in shared.items() if theirs.get(name) == said}
        if not shared:
            raise nothing_shared(first, other, "pictures")
    kept = sorted(set(shared) - learnt_by_any(contenders))
    if not kept:
        raise all_learnt(len(shared), "pictures")
    return kept, len(shared) - len(kept)


def _figures(labelled: pd.DataFrame, weights: Floats) -> Floats:
    """(figures, resamples) of one contender, in the order of the fields of `Standing`."""
    right = _right(labelled).astype(float)
    automatic = ~labelled["refer"].to_numpy(bool)
    total = weights.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        sure = (weights @ (automatic * right)) / (weights @ automatic.astype(float))
    names = pd.factorize(pd.concat([labelled["class_name"], labelled["predicted"]]), sort=True)[0]
    labels, said = names[: len(labelled)], names[len(labelled) :]
    return np.array(
        [
            weights @ right / total,
            resampled_macro_f1(weights, labels, said),
            weights @ surprise_of(labelled["own"]) / total,
            weights @ automatic.astype(float) / total,
            sure,
        ]
    )


def _right(labelled: pd.DataFrame) -> npt.NDArray[np.bool_]:
    return np.asarray(labelled["class_name"] == labelled["predicted"], dtype=bool)


def _interval(value: float, drawn: Floats, n: int) -> Interval:
    return Interval(float(value), *percentiles(drawn), n)


def _pair(a: int, b: int, labelled: Sequence[pd.DataFrame], values: Floats, drawn: Floats) -> Pair:
    gaps, n = drawn[b] - drawn[a], len(labelled[a])
    accuracy, f1, surprise = (_interval(values[b][k] - values[a][k], gaps[k], n) for k in range(3))
    first, second = _right(labelled[a]), _right(labelled[b])
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    p = max(p_value(gaps[0]), mcnemar(only_second, only_first))
    return Pair(a, b, accuracy, f1, surprise, only_first, only_second, p, p)
