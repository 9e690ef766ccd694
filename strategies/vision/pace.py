"""How far a training is, by steps or by time, and the step size that belongs there."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from strategies.vision.hyperparameters import LoopHyperparameters

SLICE = 0.2
"""An iteration ends with its epoch, or after this share of the budget: a user can cancel in between."""
_LEAST_STEPS_AN_EPOCH = 20
_LEAST_BATCH = 16
_USUAL_BATCH = 256
_SAFETY = 0.005
"""Share of a budget kept back for the checkpoint."""


@dataclass(frozen=True)
class Pace:
    """Of one iteration. `spent` are the budget's seconds used before it, `judging` those of a validation.

    Without a budget progress is steps over all steps, which a resumed training repeats exactly; with one
    it is time, which no two runs share.
    """

    config: LoopHyperparameters
    n_train: int
    spent: float
    judging: float
    clock: Callable[[], float]
    began: float

    @staticmethod
    def begin(config: LoopHyperparameters, n_train: int, state: Mapping[str, Any]) -> Pace:
        clock = time.process_time if config.budget_clock == "cpu" else time.monotonic
        judging = float(state.get("judging_seconds", 0.0))
        return Pace(config, n_train, float(state.get("spent_seconds", 0.0)), judging, clock, clock())

    @property
    def batch(self) -> int:
        """Images a step: the user's, or fewer where an epoch would be too few steps to learn in."""
        return max(1, min(self.config.batch, max(_LEAST_BATCH, self.n_train // _LEAST_STEPS_AN_EPOCH)))

    @property
    def steps_an_epoch(self) -> int:
        return max(1, self.n_train // self.batch)

    def seconds(self) -> float:
        """Of the budget's clock, since training began."""
        return self.spent + self.clock() - self.began

    def progress(self, step: int) -> float:
        """From 0 before the first step to 1 (or a little more) after the last."""
        if self.config.budget_seconds:
            room = self.config.budget_seconds * (1 - _SAFETY) - self.judging
            return self.seconds() / max(room, 1e-9)
        return step / (self.config.epochs * self.steps_an_epoch)

    def sliced(self) -> bool:
        """Whether the iteration has used its share of the budget."""
        budget = self.config.budget_seconds
        return bool(budget) and self.clock() - self.began > SLICE * budget

    def learning_rate(self, progress: float) -> float:
        """One rise and one fall, in proportion to the batch. Source: Smith (2018), one-cycle."""
        peak = self.config.learning_rate
        if self.config.optimiser == "sgd":
            peak *= self.batch / _USUAL_BATCH
        if progress < self.config.warmup:
            return peak * max(progress, 1e-3) / self.config.warmup
        fallen = min(1.0, (progress - self.config.warmup) / (1 - self.config.warmup))
        left = 1 - fallen if self.config.schedule == "linear" else (1 + math.cos(math.pi * fallen)) / 2
        return peak * max(left, 1e-4)
