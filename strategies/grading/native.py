"""The strategy `native`: a grader from scratch, on what the texts themselves say."""

from __future__ import annotations

from collections.abc import Generator

from domain.kinds import Kind
from strategies.base import Checkpoint, Effect, GradingData, Outcome, Surroundings, TrainedModel
from strategies.grading.finishing import finished_model
from strategies.grading.material import Material, read_material
from strategies.grading.memo import remembered
from strategies.grading.training import (
    GraderHyperparameters,
    gentler,
    too_little,
    train_iteration,
)


class Native:
    """See the module's docstring. Needs no encoder, no key and no network."""

    name = "native"
    kind = Kind.GRADING
    objective = "r_both"
    Hyperparameters = GraderHyperparameters

    def needs(self, config: GraderHyperparameters, surroundings: Surroundings) -> str | None:
        return None

    def objection(self, config: GraderHyperparameters, data: GradingData) -> str | None:
        return too_little(data)

    def start(self, config: GraderHyperparameters, data: GradingData) -> Checkpoint:
        return Checkpoint(0, config.model_dump())

    def iterate(self, checkpoint: Checkpoint, data: GradingData) -> Generator[Effect, Outcome, Checkpoint]:
        yield from ()
        config = self.Hyperparameters(**checkpoint.config)
        return train_iteration(checkpoint, config, self._material(config, data), data.surroundings)

    def remedy(self, checkpoint: Checkpoint, failure: Exception) -> Checkpoint | None:
        return gentler(checkpoint, failure)

    def finish(self, checkpoint: Checkpoint, data: GradingData) -> TrainedModel:
        config = self.Hyperparameters(**checkpoint.config)
        return finished_model(self.name, checkpoint, self._material(config, data), data, None, {}, None)

    def _material(self, config: GraderHyperparameters, data: GradingData) -> Material:
        key = (self.name, config.members, config.seed)
        return remembered(data, key, lambda: read_material(data, config.members, config.seed, None))
