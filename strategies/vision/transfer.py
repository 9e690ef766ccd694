"""The strategy `transfer`: a network that was trained on other images, with a new last layer.

First the last layer alone, on features that are computed once; then, if asked for, the whole network with
smaller steps the further a layer is from the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from domain.errors import SettingError, StrategyError
from domain.kinds import Kind, Split
from domain.vision.metrics import accuracy, log_loss, macro_f1
from strategies.base import Checkpoint, Effect, Outcome, Surroundings, TrainedModel, VisionData
from strategies.vision.backbones import falling_rates, trained_moments
from strategies.vision.calibration import probabilities
from strategies.vision.distributed import next_checkpoint
from strategies.vision.features import Head, features_of, learn_head
from strategies.vision.hyperparameters import LoopHyperparameters
from strategies.vision.networks import lacking
from strategies.vision.pixels import Pixels, read_pixels
from strategies.vision.spread_features import Origin
from strategies.vision.spread_features import features as frozen_features
from strategies.vision.training import (
    Design,
    channels_and_size,
    course_of,
    first_checkpoint,
    gentler,
    too_little,
)
from strategies.vision.weights import HUB, check_hash, download, weights_file

STRENGTHS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
"""Of the pull of the last layer's weights to zero; one an iteration."""


class TransferHyperparameters(LoopHyperparameters):
    """As of the loop, where the network comes from, and how far it is trained."""

    epochs: int = Field(
        0, ge=0, le=1000, description="passes that train the whole network after its last layer; 0 for none"
    )
    learning_rate: float = Field(0.02, gt=0, le=10, description="highest step size, for a batch of 256")
    weight_decay: float = Field(1e-4, ge=0, le=1, description="pull to zero of weights with two or more axes")
    backbone: str = Field(
        "torchvision:resnet18",
        min_length=1,
        description="torchvision:NAME, residual:WIDTH, or MODULE:FUNCTION called with "
        "(n_classes, channels, size)",
    )
    weights: str = Field(
        "cached",
        min_length=1,
        description="cached (torchvision's, if they are on this machine), hub (downloads them), or a file: "
        ".safetensors, .pth, or a checkpoint of the strategy native",
    )
    weights_sha256: str = Field(
        "", pattern="^([0-9a-fA-F]{64})?$", description="what the file's SHA-256 has to be; empty for any"
    )
    input_size: int = Field(
        0, ge=0, le=1024, description="side in pixels that the network sees; 0 for its own default"
    )
    first_layer_rate: float = Field(
        0.05, gt=0, le=1, description="step size of the first layer as a share of the last layer's"
    )


class Transfer:
    """See the module's docstring."""

    name = "transfer"
    kind = Kind.VISION
    objective = "accuracy"
    Hyperparameters = TransferHyperparameters

    def needs(self, config: TransferHyperparameters, surroundings: Surroundings) -> str | None:
        missing = lacking(config.backbone)
        if missing is not None:
            return missing
        if config.backbone == "auto":
            return "backbone auto is unknown: use torchvision:NAME, residual:WIDTH or MODULE:FUNCTION"
        try:
            if config.weights != HUB:
                check_hash(weights_file(config.weights, config.backbone), config.weights_sha256)
        except SettingError as error:
            return f"{error}, or use --strategy native"
        return None

    def objection(self, config: TransferHyperparameters, data: VisionData) -> str | None:
        missing = self.needs(config, data.surroundings) or too_little(data)
        if missing is not None or config.weights == HUB:
            return missing
        try:
            _design(config, data, weights_file(config.weights, config.backbone)).build()
        except SettingError as error:
            return str(error)
        return None

    def start(self, config: TransferHyperparameters, data: VisionData) -> Checkpoint:
        path = download(config.backbone) if config.weights == HUB else None
        path = path or weights_file(config.weights, config.backbone)
        checkpoint = first_checkpoint(config, data, _design(config, data, path))
        expected = trained_moments(config.backbone, channels_and_size(data)[0])
        mean, deviation = expected or (checkpoint.state["mean"], checkpoint.state["deviation"])
        state = {
            **checkpoint.state,
            "mean": mean,
            "deviation": deviation,
            "weights": str(path),
            "weights_sha256": check_hash(path, config.weights_sha256),
        }
        # The backbone's weights stay in their file until they change.
        return replace(checkpoint, state=state, tensors={})

    def iterate(self, checkpoint: Checkpoint, data: VisionData) -> Generator[Effect, Outcome, Checkpoint]:
        yield from ()
        config = self.Hyperparameters(**checkpoint.config)
        design = self.design(checkpoint, config, data)
        if checkpoint.iteration < len(STRENGTHS):
            return _head_iteration(checkpoint, config, data, design)
        if "best.weight" in checkpoint.tensors:
            head = {f"weights.head.{n}": checkpoint.tensors[f"best.{n}"] for n in ("weight", "bias")}
            checkpoint = replace(checkpoint, tensors=head)
        return next_checkpoint(checkpoint, config, data, design, self.name)

    def remedy(self, checkpoint: Checkpoint, failure: Exception) -> Checkpoint | None:
        return gentler(checkpoint, failure)

    def finish(self, checkpoint: Checkpoint, data: VisionData) -> TrainedModel:
        from strategies.vision.finishing import finished_model

        config = self.Hyperparameters(**checkpoint.config)
        design = self.design(checkpoint, config, data)
        model = finished_model(self.name, checkpoint, config, data, design)
        origin = {"backbone": config.backbone, "weights_sha256": checkpoint.state["weights_sha256"]}
        return replace(model, card={**model.card, **origin})

    def design(self, checkpoint: Checkpoint, config: TransferHyperparameters, data: VisionData) -> Design:
        """The design with rates by layer. Raises StrategyError where the file changed since the start."""
        path, sha256 = Path(checkpoint.state["weights"]), str(checkpoint.state["weights_sha256"])
        try:
            check_hash(path, sha256)
        except (OSError, SettingError) as error:
            raise StrategyError(f"the weights of the training's start are gone: {error}") from error
        design = _design(config, data, path)
        if checkpoint.iteration < len(STRENGTHS):
            return design
        return replace(design, rate=falling_rates(design.build(), config.first_layer_rate))


def _design(config: TransferHyperparameters, data: VisionData, path: Path) -> Design:
    origin = _origin(config, data, path)
    build: Callable[[], Any] = origin.build
    return Design(f"{config.backbone} {config.input_size}", build)


def _origin(config: TransferHyperparameters, data: VisionData, path: Path) -> Origin:
    channels, size = channels_and_size(data)
    return Origin(config.backbone, path, len(data.classes), channels, size, config.input_size)


def _head_iteration(
    checkpoint: Checkpoint, config: TransferHyperparameters, data: VisionData, design: Design
) -> Checkpoint:
    """The last layer with the next strength of its pull to zero; `best.` keeps the best so far."""
    began = time.process_time() if config.budget_clock == "cpu" else time.monotonic()
    network = design.build()
    train = read_pixels(data, Split.TRAIN, data.surroundings.device)
    course = course_of(config, checkpoint.state, train, len(data.classes))
    identity = f"{design.name} {checkpoint.state['weights_sha256']}"
    near = data.surroundings
    if config.budget_seconds and config.budget_clock == "cpu":
        # Other processes' seconds would not be counted.
        near = replace(near, spread=None)
    origin = _origin(config, data, Path(checkpoint.state["weights"]))

    def compute(pixels: Pixels) -> np.ndarray:
        return frozen_features(network, origin, course, pixels, near)

    features, labels = features_of(compute, course, data, Split.TRAIN, identity)
    held, held_labels = features_of(compute, course, data, Split.VALIDATION, identity)
    weights = None if course.weights is None else course.weights.cpu()
    head = learn_head(features, labels, weights, len(data.classes), STRENGTHS[checkpoint.iteration])
    metrics = _judged(head, held, held_labels, features, labels, len(data.classes))
    value, number = metrics["accuracy"], checkpoint.iteration + 1
    better = checkpoint.best is None or value > checkpoint.best
    best = head if better else Head(checkpoint.tensors["best.weight"], checkpoint.tensors["best.bias"])
    state = dict(checkpoint.state)
    if config.budget_seconds:
        ended = time.process_time() if config.budget_clock == "cpu" else time.monotonic()
        state["spent_seconds"] = float(state.get("spent_seconds", 0.0)) + ended - began
    over = bool(config.budget_seconds) and state["spent_seconds"] >= config.budget_seconds
    complete = number == len(STRENGTHS) and config.epochs == 0
    return Checkpoint(
        iteration=number,
        config=checkpoint.config,
        metrics=metrics,
        best=value if better else checkpoint.best,
        done=complete or over or 0 < config.target <= value or number >= config.iterations,
        state=state,
        tensors={
            "average.head.weight": head.weight.astype(np.float32),
            "average.head.bias": head.bias.astype(np.float32),
            "best.weight": best.weight.astype(np.float32),
            "best.bias": best.bias.astype(np.float32),
        },
    )


def _judged(
    head: Head, held: np.ndarray, held_labels: np.ndarray, features: np.ndarray, labels: np.ndarray, n: int
) -> dict[str, float]:
    likely = probabilities(head.logits(held))
    return {
        "loss": log_loss(labels, probabilities(head.logits(features))),
        "accuracy": accuracy(held_labels, likely.argmax(axis=1)),
        "macro_f1": macro_f1(held_labels, likely.argmax(axis=1), n),
        "log_loss": log_loss(held_labels, likely),
    }
