"""A committee that grades from features alone, so items never seen too.

A member is a small network and a set of boosted tables, whose probabilities are averaged: one finds
slopes, the other steps. Each member is blind to one fold of the items. A known item is graded by the
member that was blind to it, so what the committee says of the item's graded answers is as honest as
what it will say of new ones; an unseen item is graded by all members together.

A member's word are the probabilities that the share of max_score exceeds each of `LEVELS`; their mean
is the expected share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from strategies.grading.networks import Pace, more_steps, network_exceedances, new_networks
from strategies.grading.tables import more_tables, no_tables, table_exceedances

N_LEVELS = 8
LEVELS = (np.arange(N_LEVELS) + 0.5) / N_LEVELS
WIDEST = 4.0
"""Standardised features are clipped to ± this."""

Floats = np.ndarray
Tensors = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Lesson:
    """What the committee learns from. `fold[i]` is the member that may not see row i."""

    features: Floats
    shares: Floats
    fold: np.ndarray

    @property
    def targets(self) -> Floats:
        return (self.shares[:, None] > LEVELS).astype(np.float32)

    @property
    def seen(self) -> np.ndarray:
        return np.asarray(self.fold != np.arange(self.fold.max() + 1)[:, None])


def folds_of_items(item_ids: np.ndarray, n_members: int, seed: int) -> np.ndarray:
    """A fold a row: whole items where there are several, single rows where there is one item only."""
    items = np.unique(item_ids)
    rng = np.random.default_rng(seed)
    if len(items) == 1:
        return rng.permutation(len(item_ids)) % min(n_members, len(item_ids))
    place = np.empty(len(items), int)
    place[rng.permutation(len(items))] = np.arange(len(items)) % min(n_members, len(items))
    return place[np.searchsorted(items, item_ids)]


def new_committee(lesson: Lesson, hidden: int, seed: int) -> dict[str, np.ndarray]:
    """A committee before any training, as named tensors."""
    n_members, n_features = len(lesson.seen), lesson.features.shape[1]
    networks = new_networks(n_members, n_features, hidden, N_LEVELS, seed)
    return _joined(networks, no_tables(lesson.targets, lesson.seen))


def train_block(state: Tensors, lesson: Lesson, pace: Pace, rounds: int, seed: int) -> dict[str, np.ndarray]:
    """A block of steps of the networks and `rounds` more tables. The same input gives the same bytes.

    Raises StrategyError when the loss is no longer a number.
    """
    at = lesson.features, lesson.targets, lesson.seen
    networks = more_steps(part_of(state, "network"), *at, pace, seed)
    return _joined(networks, more_tables(part_of(state, "table"), *at, rounds, seed, pace.heed))


def _joined(networks: Tensors, tables: Tensors) -> dict[str, np.ndarray]:
    named = {f"network.{name}": array for name, array in networks.items()}
    return {**named, **{f"table.{name}": array for name, array in tables.items()}}


def part_of(tensors: Tensors, part: str) -> dict[str, np.ndarray]:
    """The tensors whose names begin with `part` and a dot, without that."""
    prefix = f"{part}."
    return {name.removeprefix(prefix): a for name, a in tensors.items() if name.startswith(prefix)}


def exceedances(state: Tensors, features: Floats) -> Floats:
    """Each member's word (members, rows, levels)."""
    networks = network_exceedances(part_of(state, "network"), features)
    return np.asarray((networks + table_exceedances(part_of(state, "table"), features)) / 2)


def of_member(by_member: Floats, fold: np.ndarray) -> Floats:
    """For each row the values of the member named by `fold`, or of all members' mean where it is -1."""
    rows = np.arange(by_member.shape[1])
    chosen: Floats = np.where(
        (fold < 0).reshape(-1, *[1] * (by_member.ndim - 2)),
        by_member.mean(axis=0),
        by_member[np.maximum(fold, 0), rows],
    )
    return chosen
