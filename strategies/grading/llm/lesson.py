"""A dataset as the training of a program uses it: what is shown, what is tried on, what is measured on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from domain.grading.marks import grid_step, round_to_grid
from domain.identity import fingerprint
from strategies.base import GradingData
from strategies.grading.finishing import LEAST_ITEMS
from strategies.grading.llm.examples import Bank
from strategies.grading.llm.points import MarkedItem, marked_items
from strategies.grading.material import scored

Floats = np.ndarray
_BATCHES_IN_POOL = 3
_MOST_UNSEEN = 60


@dataclass(frozen=True)
class Rows:
    """Scored answers. `gold` and `step` (of the item's grid) are shares of max_score."""

    answer_ids: tuple[str, ...]
    item_ids: tuple[str, ...]
    texts: tuple[str, ...]
    students: np.ndarray
    gold: Floats
    step: Floats

    @staticmethod
    def of(frame: pd.DataFrame, steps: Mapping[str, float]) -> Rows:
        top = frame["max_score"].to_numpy(float)
        item_ids = tuple(str(i) for i in frame["item_id"])
        return Rows(
            tuple(str(i) for i in frame["answer_id"]),
            item_ids,
            tuple(str(t) for t in frame["text"]),
            frame["student"].astype(str).to_numpy(),
            np.clip(frame["gold"].to_numpy(float) / top, 0, 1),
            np.array([steps[i] for i in item_ids], float) / top,
        )

    @staticmethod
    def joined(first: Rows, second: Rows) -> Rows:
        return Rows(
            first.answer_ids + second.answer_ids,
            first.item_ids + second.item_ids,
            first.texts + second.texts,
            np.concatenate([first.students, second.students]),
            np.concatenate([first.gold, second.gold]),
            np.concatenate([first.step, second.step]),
        )

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, places: np.ndarray) -> Rows:
        return Rows(
            tuple(self.answer_ids[i] for i in places),
            tuple(self.item_ids[i] for i in places),
            tuple(self.texts[i] for i in places),
            self.students[places],
            self.gold[places],
            self.step[places],
        )

    def marks(self, shares: Floats) -> Floats:
        """Shares of max_score as marks on the items' grids, again as shares; NaN stays."""
        return np.where(np.isnan(shares), np.nan, round_to_grid(np.nan_to_num(shares), self.step, 1.0))


@dataclass(frozen=True)
class Lesson:
    """`pool` are the training answers that candidates are tried on; `rest` the others, from which
    disagreements are shown to whoever writes candidates. `unseen` are validation answers to be marked as
    if nobody had graded an answer to their item; none where there are too few items to promise anything.
    """

    items: Mapping[str, MarkedItem]
    steps: Mapping[str, float]
    bank: Bank
    pool: Rows
    rest: Rows
    validation: Rows
    unseen: Rows
    n_train: int

    @staticmethod
    def of(data: GradingData, minibatch: int, n_validation: int, seed: int) -> Lesson:
        train, held = scored(data, "train"), scored(data, "validation")
        both = pd.concat([train, held])
        steps = {
            str(i): grid_step(own["gold"].to_numpy(), float(own["max_score"].iloc[0]))
            for i, own in both.groupby("item_id")
        }
        mixed = Rows.of(_mixed(train, seed), steps)
        n_pool = min(_BATCHES_IN_POOL * minibatch, len(mixed) // 2)
        places = np.arange(len(mixed))
        validation = Rows.of(_mixed(held, seed).head(n_validation), steps)
        n_unseen = _MOST_UNSEEN if train["item_id"].nunique() >= LEAST_ITEMS else 0
        return Lesson(
            items=marked_items(data.items, steps),
            steps=steps,
            bank=Bank.of(train),
            pool=mixed.take(places[:n_pool]),
            rest=mixed.take(places[n_pool:]),
            validation=validation,
            unseen=validation.take(np.arange(min(n_unseen, len(validation)))),
            n_train=len(train),
        )

    def batch(self, number: int, size: int) -> Rows:
        """The `number`-th minibatch of `rest`, round and round."""
        size = min(size, len(self.rest))
        return self.rest.take((number * size + np.arange(size)) % len(self.rest))


def _mixed(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """In an order drawn by `seed` and what the answers say, item by item in turn.

    So any beginning of it has of each item about as many; ids do not count, they are new in every catalog.
    """
    words = zip(frame["text"], frame["gold"], frame["student"].astype(str), strict=True)
    drawn = frame.assign(draw=[fingerprint([seed, str(t), float(g), s]) for t, g, s in words])
    drawn = drawn.sort_values(["draw", "item_id"], kind="stable")
    turn = drawn.groupby("item_id").cumcount()
    order = drawn.assign(turn=turn).sort_values(["turn", "draw"], kind="stable")
    return order.drop(columns=["turn", "draw"]).reset_index(drop=True)
