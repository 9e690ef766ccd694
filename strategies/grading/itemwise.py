"""What an item's own graded answers add to what the committee says of a new answer to it.

The examiner's marks of one item are taken as a Gaussian process around the committee's expectation,
with a kernel that adds up several likenesses of two answers. Where many like answers were graded the
process follows them; where none was, it returns the committee's word; its variance says which. The
weights of the likenesses, the noise and the trust in the committee are shared by all items and learnt
by leave-one-out likelihood. Source: Rasmussen and Williams (2006), section 5.4.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from domain.errors import StrategyError
from strategies.grading.networks import one_thread
from strategies.grading.text import Sparse

Floats = np.ndarray
SPARSE_VIEWS = ("stems", "pairs", "letters")
TEXT_KERNELS = (*SPARSE_VIEWS, "features", "item")
MEANING_KERNELS = (*TEXT_KERNELS, "meaning", "near meaning")
_NEAR = 0.5
_LEAST_NOISE = 1e-3
_SHRINKAGE = 1e-3
_MOST_SHOWN = 200
"""Answers of an item that the beliefs are learnt from: they are few, and the cost grows with the cube."""


@dataclass(frozen=True)
class Vectors:
    """Answers as vectors: rows of unit length in each sparse view, standardised features, embeddings."""

    views: Mapping[str, Sparse]
    features: Floats
    embeddings: Floats | None = None

    def take(self, rows: np.ndarray) -> Vectors:
        embeddings = None if self.embeddings is None else self.embeddings[rows]
        return Vectors({name: m[rows] for name, m in self.views.items()}, self.features[rows], embeddings)

    @property
    def kernels(self) -> tuple[str, ...]:
        return TEXT_KERNELS if self.embeddings is None else MEANING_KERNELS


def likenesses(some: Vectors, others: Vectors, centre: Floats | None) -> Floats:
    """(kernels, len(some), len(others)): how alike two answers to one item are, in each respect.

    `centre` is the mean embedding of the item's graded answers: all answers to one question mean
    nearly the same, and only what sets them apart is of use.
    """
    found = [np.asarray((some.views[v] @ others.views[v].T).todense(), float) for v in SPARSE_VIEWS]
    found.append(np.exp(-_mean_squares_apart(some.features, others.features) / 2))
    found.append(np.ones_like(found[0]))
    if some.embeddings is not None and others.embeddings is not None and centre is not None:
        found.append(_unit(some.embeddings - centre) @ _unit(others.embeddings - centre).T)
        found.append(np.exp(-(2 - 2 * some.embeddings @ others.embeddings.T) / _NEAR))
    return np.stack(found)


def _mean_squares_apart(some: Floats, others: Floats) -> Floats:
    a, b = some.astype(float), others.astype(float)
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None, :] - 2 * a @ b.T
    return np.asarray(np.maximum(squares, 0) / a.shape[1])


def _unit(rows: Floats) -> Floats:
    return np.asarray(rows / (np.linalg.norm(rows, axis=1, keepdims=True) + 1e-9))


@dataclass(frozen=True)
class Beliefs:
    """What all items share: the kernels' weights, the noise of a mark, the trust in the committee.

    `mean` is the mean share over the training answers, believed where the committee is not.
    """

    weights: Floats
    noise: float
    trust: float
    mean: float

    def expectation(self, committee: Floats) -> Floats:
        return self.mean + self.trust * (committee - self.mean)

    @staticmethod
    def of(parameters: Floats, mean: float) -> Beliefs:
        """From the unbounded numbers that `learn_beliefs` steps on."""
        weights, noise = np.exp(parameters[:-2]), _LEAST_NOISE + float(np.exp(parameters[-2]))
        return Beliefs(weights, noise, float(1 / (1 + np.exp(-parameters[-1]))), mean)


def first_parameters(n_kernels: int) -> Floats:
    return np.array([np.log(0.08)] * n_kernels + [np.log(0.06), 1.0])


@dataclass(frozen=True)
class ItemRecord:
    """An item's graded answers: their vectors and the shares of max_score that they got."""

    vectors: Vectors
    shares: Floats

    @cached_property
    def centre(self) -> Floats | None:
        return None if self.vectors.embeddings is None else self.vectors.embeddings.mean(axis=0)

    @cached_property
    def alike(self) -> Floats:
        return likenesses(self.vectors, self.vectors, self.centre)

    def likenesses_of(self, answers: Vectors) -> Floats:
        return likenesses(answers, self.vectors, self.centre)


@dataclass(frozen=True)
class Judgement:
    """Expected shares, and the variance of an examiner's mark around each."""

    mean: Floats
    variance: Floats


@dataclass(frozen=True)
class ItemJudge:
    """Beliefs applied to one item: `committee` is the committee's word on its graded answers."""

    record: ItemRecord
    committee: Floats
    beliefs: Beliefs

    @cached_property
    def _precision(self) -> Floats:
        covariance = np.tensordot(self.beliefs.weights, self.record.alike, 1)
        return np.asarray(np.linalg.inv(covariance + self.beliefs.noise * np.eye(len(covariance))))

    @cached_property
    def _surprise(self) -> Floats:
        return np.asarray(self._precision @ (self.record.shares - self.beliefs.expectation(self.committee)))

    def judge(self, alike: Floats, committee: Floats) -> Judgement:
        """New answers, by their likenesses to the graded ones and the committee's word on them."""
        between = np.tensordot(self.beliefs.weights, alike, 1)
        mean = self.beliefs.expectation(committee) + between @ self._surprise
        # An answer's likeness to itself is 1 in every respect, except where its vector is empty.
        spread = self.beliefs.weights.sum() - np.einsum("ij,jk,ik->i", between, self._precision, between)
        return Judgement(mean, np.maximum(spread, 0) + self.beliefs.noise)

    def judge_own(self) -> Judgement:
        """Each of the item's own graded answers, as if it alone had not been graded."""
        variance = 1 / np.diagonal(self._precision)
        return Judgement(self.record.shares - self._surprise * variance, variance)


def learn_beliefs(
    judged: Sequence[tuple[ItemRecord, Floats]],
    parameters: Floats,
    mean: float,
    steps: int,
    rate: float = 0.1,
) -> Floats:
    """Parameters after `steps` of Adam on the leave-one-out likelihood of the records' marks.

    `judged` are records beside the committee's word on their answers. The same input gives the same
    result. Raises StrategyError if it is not a number.
    """
    with one_thread():
        return _learn_beliefs(judged, parameters, mean, steps, rate)


def _shown(record: ItemRecord, committee: Floats, mean: float) -> tuple[Any, Any, Any]:
    """Likenesses, shares and the committee's word of at most `_MOST_SHOWN` answers, as tensors."""
    import torch

    n = len(record.shares)
    rows = np.unique(np.linspace(0, n - 1, min(n, _MOST_SHOWN)).astype(int))
    alike = np.ascontiguousarray(record.alike[:, rows[:, None], rows])
    parts = alike, record.shares[rows] - mean, committee[rows] - mean
    return torch.from_numpy(parts[0]), torch.from_numpy(parts[1]), torch.from_numpy(parts[2])


def _learn_beliefs(
    judged: Sequence[tuple[ItemRecord, Floats]], parameters: Floats, mean: float, steps: int, rate: float
) -> Floats:
    import torch

    theta = torch.tensor(parameters, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([theta], lr=rate)
    shown = [_shown(record, committee, mean) for record, committee in judged if len(record.shares) > 1]
    n_answers = sum(len(shares) for _, shares, _ in shown)
    for _ in range(steps if shown else 0):
        optimiser.zero_grad()
        weights, noise, trust = theta[:-2].exp(), _LEAST_NOISE + theta[-2].exp(), theta[-1].sigmoid()
        total = torch.zeros((), dtype=torch.float64)
        for alike, shares, committee in shown:
            covariance = torch.tensordot(weights, alike, 1) + noise * torch.eye(
                len(shares), dtype=torch.float64
            )
            precision = torch.linalg.inv(covariance)
            variance = 1 / precision.diagonal()
            error = (precision @ (shares - trust * committee)) * variance
            total = total + 0.5 * (variance.log() + error**2 / variance).sum()
        # A weak pull to small weights keeps those that nothing speaks for from wandering.
        (total / n_answers + _SHRINKAGE * theta[:-2].exp().sum()).backward()
        optimiser.step()
    if not torch.isfinite(theta).all():
        raise StrategyError("the weights of the likenesses are no longer numbers: use another seed")
    return np.array(theta.detach().numpy())
