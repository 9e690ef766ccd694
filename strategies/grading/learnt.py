"""What a checkpoint says of the material that it was trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from strategies.grading.committee import exceedances, of_member
from strategies.grading.features import Floats
from strategies.grading.itemwise import Beliefs, ItemJudge, Judgement
from strategies.grading.material import Material


@dataclass(frozen=True)
class Learnt:
    """The committee's state and the beliefs' parameters, applied to the material."""

    material: Material
    state: Mapping[str, np.ndarray]
    parameters: Floats

    @cached_property
    def hidden(self) -> Floats:
        """Exceedances (n, levels) of the training answers, each by the member that was blind to it."""
        by_member = exceedances(self.state, self.material.train_vectors.features)
        return of_member(by_member, self.material.fold).astype(float)

    @cached_property
    def word(self) -> Floats:
        """The committee's expected shares of the training answers, likewise."""
        return np.asarray(self.hidden.mean(axis=1))

    @property
    def beliefs(self) -> Beliefs:
        return Beliefs.of(self.parameters, float(self.material.train.shares.mean()))

    def judge(self, item_id: str) -> ItemJudge:
        rows = self.material.rows_of[item_id]
        return ItemJudge(self.material.records[item_id], self.word[rows], self.beliefs)

    def own_judgements(self) -> Judgement:
        """Of each training answer, as if it alone had not been graded."""
        mean, variance = np.zeros(len(self.word)), np.zeros(len(self.word))
        for item_id, rows in self.material.rows_of.items():
            own = self.judge(item_id).judge_own()
            mean[rows], variance[rows] = own.mean, own.variance
        return Judgement(mean, variance)

    def validation_shares(self) -> Floats:
        """Expected shares of the validation answers, as the finished model will expect them."""
        held = self.material.validation
        fold = np.array([self.material.item_fold.get(i, -1) for i in held.item_ids], int)
        by_member = exceedances(self.state, self.material.validation_vectors.features)
        word = of_member(by_member, fold).astype(float).mean(axis=1)
        shares: Floats = word.copy()
        for item_id in self.material.records:
            at = np.flatnonzero(held.item_ids == item_id)
            if len(at):
                shares[at] = self.judge(item_id).judge(self.material.likenesses[item_id], word[at]).mean
        return np.asarray(np.clip(shares, 0, 1))
