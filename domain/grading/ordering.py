"""Which item each passage of a paper answers, where the passages keep the order of the items.

A hidden Markov model that never goes back: its states are the items (and, beside each, text that answers
none), what it sees is how like each passage is to each item. The forward-backward algorithm gives every
passage's probability of every item, which is the confidence. Source: Rabiner (1989).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NO_ITEM = -1


@dataclass(frozen=True)
class Sight:
    """What is seen of a passage. `likeness` has one value an item.

    `fixed` is the item whose number it bears, NO_ITEM where it bears none. `opens`: it begins an answer,
    since a score ended the one before. `barred` are items that it cannot answer.
    """

    likeness: tuple[float, ...]
    fixed: int = NO_ITEM
    opens: bool = False
    barred: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Weights:
    """Logarithms of odds, but `sharpness`, which is the logarithm of odds that a likeness of 1 adds.

    Fitted on papers put together from real students' answers, see `benchmarks/unnumbered.py`.
    """

    sharpness: float = 20.0
    stay: float = -3.0
    """The answer goes on in the next passage, against the next item's answer."""
    skip: float = -2.0
    """An item without an answer, each."""
    aside: float = -3.0
    """Text that answers no item, each passage of it."""
    aside_likeness: float = 0.05
    """Likeness that such text has by chance."""


@dataclass(frozen=True)
class Placed:
    """The item of a passage, or NO_ITEM; `shares` are the probabilities of every item, in [0, 1]."""

    item: int
    shares: tuple[float, ...]

    @property
    def confidence(self) -> float:
        """The probability of `item`; of text that answers none, that it answers none."""
        return self.shares[self.item] if self.item != NO_ITEM else max(1.0 - sum(self.shares), 0.0)


def place(sights: Sequence[Sight], n_items: int, weights: Weights = Weights()) -> list[Placed]:  # frozen
    """The most probable item of each passage, in an order that never goes back.

    The passages that bear numbers must be in the items' order, and none may be barred from all items.
    """
    if not sights or not n_items:
        return [Placed(NO_ITEM, (0.0,) * n_items) for _ in sights]
    seen = np.array([_seen(sight, n_items, weights) for sight in sights])
    steps = [_steps(sight, n_items, weights) for sight in sights]
    ends = np.tile(weights.skip * np.arange(n_items, -1, -1.0), 2)
    chosen = _best_path(seen, steps, ends)
    probable = _probabilities(seen, steps, ends)
    return [
        Placed(state - 1 if 0 < state <= n_items else NO_ITEM, tuple(row[1 : n_items + 1].tolist()))
        for row, state in zip(probable, chosen, strict=True)
    ]


def _seen(sight: Sight, n_items: int, weights: Weights) -> np.ndarray:
    """Log odds of a passage in each state: 0 (before all items, never seen), the items, then text aside
    after 0, 1, ... items."""
    answered = np.concatenate([[-np.inf], weights.sharpness * np.asarray(sight.likeness)])
    aside = np.full(n_items + 1, weights.aside + weights.sharpness * weights.aside_likeness)
    for item in sight.barred:
        answered[item + 1] = -np.inf
    if sight.fixed != NO_ITEM:
        only = np.full(n_items + 1, -np.inf)
        only[sight.fixed + 1] = 0.0
        answered, aside = only, np.full(n_items + 1, -np.inf)
    return np.concatenate([answered, aside])


def _steps(sight: Sight, n_items: int, weights: Weights) -> np.ndarray:
    """Log odds of going from each state to each. States as in `_seen`."""
    last = np.arange(n_items + 1)
    gap = last[None, :] - last[:, None]
    onward = np.where(gap > 0, weights.skip * (gap - 1.0), -np.inf)
    answered = np.where(gap == 0, -np.inf if sight.opens else weights.stay, onward)
    aside = np.where(gap == 0, 0.0, -np.inf)
    # After text aside an answer may go on, so both halves leave alike.
    return np.tile(np.hstack([answered, aside]), (2, 1))


def _best_path(seen: np.ndarray, steps: Sequence[np.ndarray], ends: np.ndarray) -> list[int]:
    best, came = _start(seen.shape[1]), []
    for row, step in zip(seen, steps, strict=True):
        through = best[:, None] + step
        came.append(through.argmax(axis=0))
        best = through.max(axis=0) + row
    path = [int((best + ends).argmax())]
    for back in reversed(came[1:]):
        path.append(int(back[path[-1]]))
    return path[::-1]


def _probabilities(seen: np.ndarray, steps: Sequence[np.ndarray], ends: np.ndarray) -> np.ndarray:
    """Each passage's probability of each state; rows add up to 1."""
    forward, now = [], _start(seen.shape[1])
    for row, step in zip(seen, steps, strict=True):
        now = _sum_exp(now[:, None] + step, axis=0) + row
        forward.append(now)
    backward, then = [], ends
    for row, step in zip(seen[::-1], steps[::-1], strict=True):
        backward.append(then)
        then = _sum_exp(step + (row + then)[None, :], axis=1)
    joint = np.array(forward) + np.array(backward[::-1])
    joint -= joint.max(axis=1, keepdims=True)
    shares = np.exp(joint)
    return shares / shares.sum(axis=1, keepdims=True)  # type: ignore[no-any-return]


def _start(n_states: int) -> np.ndarray:
    start = np.full(n_states, -np.inf)
    start[0] = 0.0
    return start


def _sum_exp(values: np.ndarray, axis: int) -> np.ndarray:
    most = values.max(axis=axis, keepdims=True)
    most = np.where(np.isfinite(most), most, 0.0)
    with np.errstate(divide="ignore"):
        return np.log(np.exp(values - most).sum(axis=axis)) + most.squeeze(axis)  # type: ignore[no-any-return]
