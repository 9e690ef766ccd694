"""Boosted decision tables: the committee's other half, which finds steps where networks find slopes.

A table is a tree that asks the same question of all answers on a level, so it is D questions and 2^D
leaves. Each member boosts its own, on the ordinal loss of the networks, from the answers it may see.
Sources: Friedman (2002), stochastic boosting; Kohavi (1994), oblivious decision graphs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit

Floats = np.ndarray
Tensors = Mapping[str, np.ndarray]
PARTS = ("question", "edge", "leaf", "base")

_DEPTH = 4
_BINS = 32
_RATE = 0.1
_SHRINKAGE = 10.0
"""Pulls the leaves of few answers to zero."""
_ROWS_SHARE, _FEATURES_SHARE = 0.5, 0.3


@dataclass(frozen=True)
class _Bins:
    """Features cut into bins: `edges` (f, bins - 1), and each row's bin (n, f)."""

    edges: Floats
    codes: np.ndarray

    @staticmethod
    def of(features: Floats) -> _Bins:
        edges = np.stack([_edges(column) for column in features.T])
        codes = [np.searchsorted(cut, column) for cut, column in zip(edges, features.T, strict=True)]
        return _Bins(edges, np.stack(codes, axis=1))


def _edges(column: Floats) -> Floats:
    """Cuts between values, never at one: there a last bit could change an answer's side."""
    values = np.unique(column)
    if len(values) == 1:
        return np.full(_BINS - 1, values[0] + 1, np.float32)
    wanted = np.quantile(column, np.linspace(0, 1, _BINS + 1)[1:-1])
    at = np.clip(np.searchsorted(values, wanted), 1, len(values) - 1)
    return np.asarray((values[at - 1] + values[at]) / 2, np.float32)


def no_tables(targets: Floats, seen: np.ndarray) -> dict[str, np.ndarray]:
    """Before any round: `targets` (n, levels) are 0 or 1, `seen` (members, n) says who may see what."""
    shares = np.stack([targets[rows].mean(axis=0) for rows in seen])
    base = logit(np.clip(shares, 0.02, 0.98))[:, None, :]
    n_members = len(seen)
    return {
        "question": np.zeros((n_members, 0, _DEPTH), np.int32),
        "edge": np.zeros((n_members, 0, _DEPTH), np.float32),
        "leaf": np.zeros((n_members, 0, 2**_DEPTH), np.float32),
        "base": base.astype(np.float32),
    }


def more_tables(
    tables: Tensors,
    features: Floats,
    targets: Floats,
    seen: np.ndarray,
    rounds: int,
    seed: int,
    heed: Callable[[], None] = lambda: None,
) -> dict[str, np.ndarray]:
    """`tables` with `rounds` more for each member. The same input gives the same tables.

    `heed` is called before each: what it raises ends it.
    """
    bins = _Bins.of(features)
    height = heights(tables, features).astype(float)
    grown: dict[str, list[list[np.ndarray]]] = {"question": [], "edge": [], "leaf": []}
    for member, rows in enumerate(seen):
        dice = np.random.default_rng([seed, member])
        own: list[tuple[np.ndarray, ...]] = []
        for _ in range(rounds):
            heed()
            slope, bend = _slope(height[member], tables["base"][member], targets)
            table = _grown(bins, slope * rows, bend * rows, rows, dice)
            own.append(table)
            height[member] += _of_table(features, *table)
        for name, parts in zip(grown, zip(*own, strict=True), strict=True):
            grown[name].append(list(parts))
    added = {name: np.array(parts) for name, parts in grown.items()}
    joined = {name: np.concatenate([tables[name], part], axis=1) for name, part in added.items()}
    return {**{name: joined[name].astype(tables[name].dtype) for name in joined}, "base": tables["base"]}


def _slope(height: Floats, base: Floats, targets: Floats) -> tuple[Floats, Floats]:
    """First and second derivatives of the ordinal likelihood in each row's height."""
    chance = expit(height[:, None] + base)
    return (targets - chance).mean(axis=1), (chance * (1 - chance)).mean(axis=1)


def _grown(
    bins: _Bins, slope: Floats, bend: Floats, seen: np.ndarray, dice: np.random.Generator
) -> tuple[np.ndarray, Floats, Floats]:
    """The questions, edges and leaves of one table, on a part of the rows and features."""
    rows = np.flatnonzero(seen & (dice.random(len(seen)) < _ROWS_SHARE))
    n_features = bins.codes.shape[1]
    n_asked = max(1, round(n_features * _FEATURES_SHARE))
    asked = np.sort(dice.choice(n_features, n_asked, replace=False))
    codes, slope, bend = bins.codes[rows][:, asked], slope[rows], bend[rows]
    leaf = np.zeros(len(rows), np.int64)
    questions, edges = [], []
    for level in range(_DEPTH):
        cell = ((leaf[:, None] * n_asked + np.arange(n_asked)) * _BINS + codes).ravel()
        shape = (2**level, n_asked, _BINS)
        up, curve = (
            np.bincount(cell, np.repeat(v, n_asked), int(np.prod(shape))).reshape(shape).cumsum(axis=2)
            for v in (slope, bend)
        )
        rest, rest_curve = up[:, :, -1:] - up, curve[:, :, -1:] - curve
        gain = (up**2 / (curve + _SHRINKAGE) + rest**2 / (rest_curve + _SHRINKAGE)).sum(axis=0)[:, :-1]
        question, edge = np.unravel_index(int(gain.argmax()), gain.shape)
        questions.append(asked[question])
        edges.append(bins.edges[asked[question], edge])
        leaf = leaf * 2 + (codes[:, question] > edge)
    total, curve = (np.bincount(leaf, v, 2**_DEPTH) for v in (slope, bend))
    leaves = (_RATE * total / (curve + _SHRINKAGE)).astype(np.float32)
    return np.array(questions, np.int32), np.array(edges, np.float32), leaves


def _of_table(features: Floats, question: np.ndarray, edge: Floats, leaf: Floats) -> Floats:
    return np.asarray(leaf[(features[:, question] > edge) @ 2 ** np.arange(_DEPTH)[::-1]])


def heights(tables: Tensors, features: Floats) -> Floats:
    """The sum of each member's tables for each row: (members, rows)."""
    found = np.zeros((len(tables["question"]), len(features)), np.float32)
    for member, parts in enumerate(zip(*(tables[n] for n in ("question", "edge", "leaf")), strict=True)):
        for question, edge, leaf in zip(*parts, strict=True):
            found[member] += _of_table(features, question, edge, leaf)
    return found


def table_exceedances(tables: Tensors, features: Floats) -> Floats:
    """Probabilities (members, rows, levels) that the share exceeds each level."""
    return np.asarray(expit(heights(tables, features)[:, :, None] + tables["base"]))
