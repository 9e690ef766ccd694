"""The strategy `native`: an image classifier from scratch, by a fast plain loop."""

from __future__ import annotations

from collections.abc import Generator

import torch

from domain.errors import SettingError
from domain.kinds import Kind, Split
from strategies.base import Checkpoint, Effect, Outcome, Surroundings, TrainedModel, VisionData
from strategies.vision.distributed import next_checkpoint
from strategies.vision.hyperparameters import NativeHyperparameters
from strategies.vision.networks import build_network, lacking
from strategies.vision.residual import fitting_width
from strategies.vision.training import (
    Design,
    channels_and_size,
    first_checkpoint,
    gentler,
    too_little,
)


class Native:
    """See the module's docstring. Needs no weights, no key and no network."""

    name = "native"
    kind = Kind.VISION
    objective = "accuracy"
    Hyperparameters = NativeHyperparameters

    def needs(self, config: NativeHyperparameters, surroundings: Surroundings) -> str | None:
        return lacking(config.network)

    def objection(self, config: NativeHyperparameters, data: VisionData) -> str | None:
        missing = self.needs(config, data.surroundings) or too_little(data)
        if missing is not None or config.network == "auto":
            return missing
        try:
            _design(config.network, config.seed, data).build()
        except SettingError as error:
            return str(error)
        return None

    def start(self, config: NativeHyperparameters, data: VisionData) -> Checkpoint:
        return first_checkpoint(config, data, _design(_network_name(config, data), config.seed, data))

    def iterate(self, checkpoint: Checkpoint, data: VisionData) -> Generator[Effect, Outcome, Checkpoint]:
        yield from ()
        config = self.Hyperparameters(**checkpoint.config)
        design = self.design(checkpoint, config, data)
        return next_checkpoint(checkpoint, config, data, design, self.name)

    def remedy(self, checkpoint: Checkpoint, failure: Exception) -> Checkpoint | None:
        return gentler(checkpoint, failure)

    def finish(self, checkpoint: Checkpoint, data: VisionData) -> TrainedModel:
        from strategies.vision.finishing import finished_model

        config = self.Hyperparameters(**checkpoint.config)
        return finished_model(self.name, checkpoint, config, data, self.design(checkpoint, config, data))

    def design(self, checkpoint: Checkpoint, config: NativeHyperparameters, data: VisionData) -> Design:
        """What trains at this checkpoint; processes that share an iteration ask for it, too."""
        return _design(str(checkpoint.state["network"]), config.seed, data)


def _design(name: str, seed: int, data: VisionData) -> Design:
    channels, size = channels_and_size(data)
    return Design(name, lambda: build_network(name, len(data.classes), channels, size, seed))


def _network_name(config: NativeHyperparameters, data: VisionData) -> str:
    if config.network != "auto":
        return config.network
    channels, size = channels_and_size(data)
    n_train = int((data.rows["split"] == Split.TRAIN.value).sum())
    device = data.surroundings.device
    wall = config.budget_clock == "wall" and torch.device(device).type == "cpu"
    cores = torch.get_num_threads() if wall else 1
    width = fitting_width(n_train, len(data.classes), channels, size, config.budget_seconds, device, cores)
    return f"residual:{width}"
