"""One iteration of an image classifier's training: an epoch, or a slice of the budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from domain.errors import StrategyError
from domain.kinds import Split
from domain.vision.metrics import accuracy, macro_f1
from strategies.base import Checkpoint, VisionData
from strategies.vision.denormals import denormals_flushed
from strategies.vision.hyperparameters import LoopHyperparameters
from strategies.vision.learner import Learner, Rate, new_learner
from strategies.vision.loop import Course, Position, logits_of, train_pass
from strategies.vision.pace import Pace
from strategies.vision.pixels import Pixels, channel_moments, mapped_images, read_pixels
from strategies.vision.precision import faster_precision

LEAST_TRAIN, LEAST_VALIDATION = 20, 10
_LEAST_BATCH = 4
_UNEVEN = 3
"""The largest class over the smallest, from which on `imbalance: auto` weighs the loss."""


@dataclass(frozen=True)
class Design:
    """The network of a training. `build` gives it with fresh weights, the same ones every time."""

    name: str
    build: Callable[[], nn.Module]
    rate: Rate = lambda _: 1.0


def too_little(data: VisionData) -> str | None:
    """What is missing for any classifier to learn, in words; None if nothing is."""
    train = data.rows[data.rows["split"] == Split.TRAIN.value]
    n_held = int((data.rows["split"] == Split.VALIDATION.value).sum())
    if len(data.classes) < 2:
        return f"only {len(data.classes)} class: give at least two folders of images"
    if len(train) < LEAST_TRAIN:
        return f"only {len(train)} images to train on, at least {LEAST_TRAIN} needed: add labelled images"
    if n_held < LEAST_VALIDATION:
        return (
            f"only {n_held} images in the validation split, at least {LEAST_VALIDATION} needed: "
            "add labelled images, or raise the validation share"
        )
    unseen = sorted(set(range(len(data.classes))) - set(train["label"]))
    if unseen:
        return f"class {data.classes[unseen[0]]!r} has no image to train on: add some, or remove the class"
    return None


def first_checkpoint(config: LoopHyperparameters, data: VisionData, design: Design) -> Checkpoint:
    """Before the first iteration: fresh weights, and what is measured once for the whole training."""
    channels, size = channels_and_size(data)
    network = design.build()
    # Copied before anything runs through the network, which would move its running statistics.
    weights = {f"weights.{name}": t.detach().numpy().copy() for name, t in network.state_dict().items()}
    mean, deviation = channel_moments(data)
    precision: str = config.precision
    if precision == "auto":
        precision = faster_precision(network, design.name, channels, size, data.surroundings)
    state = {
        "network": design.name,
        "precision": precision,
        "mean": mean,
        "deviation": deviation,
        "position": asdict(Position()),
    }
    return Checkpoint(0, config.model_dump(), state=state, tensors=weights)


def train_iteration(
    checkpoint: Checkpoint, config: LoopHyperparameters, data: VisionData, design: Design
) -> Checkpoint:
    """The next checkpoint. Raises StrategyError when the training diverges."""
    device = data.surroundings.device
    train = read_pixels(data, Split.TRAIN, device)
    pace = Pace.begin(config, len(train), checkpoint.state)
    position = Position(**checkpoint.state["position"])
    with denormals_flushed(), seeded(config.seed, position.step, device):
        learner = new_learner(design.build(), config, checkpoint.tensors, device, design.rate)
        course = course_of(config, checkpoint.state, train, len(data.classes))
        position, loss = train_pass(learner, train, course, pace, position, heed=data.surroundings.heed_stop)
    return judged_checkpoint(checkpoint, config, data, learner, course, pace, position, loss)


def judged_checkpoint(
    checkpoint: Checkpoint,
    config: LoopHyperparameters,
    data: VisionData,
    learner: Learner,
    course: Course,
    pace: Pace,
    position: Position,
    loss: float,
) -> Checkpoint:
    """The checkpoint after a pass that ended at `position`, with its metrics on validation."""
    began = pace.clock()
    metrics = {"loss": loss, **validation_metrics(learner, data, course)}
    state = {**checkpoint.state, "position": asdict(position)}
    if config.budget_seconds:
        state |= {"spent_seconds": pace.seconds(), "judging_seconds": pace.clock() - began}
    number, value = checkpoint.iteration + 1, metrics["accuracy"]
    reached = 0 < config.target <= value
    ended = pace.progress(position.step) >= 1
    better = checkpoint.best is None or value > checkpoint.best
    return Checkpoint(
        iteration=number,
        config=checkpoint.config,
        metrics=metrics,
        best=value if better else checkpoint.best,
        done=reached or ended or number >= config.iterations,
        state=state,
        tensors=learner.tensors(),
    )


def validation_metrics(learner: Learner, data: VisionData, course: Course) -> dict[str, float]:
    """Of the averaged weights, as they are trained (the finished model is judged by its own runtime)."""
    held = read_pixels(data, Split.VALIDATION, data.surroundings.device)
    logits = logits_of(learner.network, learner.average, held, course, data.surroundings.heed_stop)
    labels, predicted = held.labels.cpu(), logits.argmax(1)
    return {
        "accuracy": accuracy(labels.numpy(), predicted.numpy()),
        "macro_f1": macro_f1(labels.numpy(), predicted.numpy(), len(data.classes)),
        "log_loss": float(functional.cross_entropy(logits, labels)),
    }


def course_of(config: LoopHyperparameters, state: Mapping[str, Any], train: Pixels, n_classes: int) -> Course:
    counts = torch.bincount(train.labels.cpu(), minlength=n_classes).double()
    way = config.imbalance
    if way == "auto":
        way = "weight" if float(counts.max() / counts.min().clamp(min=1)) > _UNEVEN else "ignore"
    # Between equal images and equal classes: the inverse root. Source: Mahajan et al. (2018).
    fair = counts.clamp(min=1).rsqrt()
    fair = fair * counts.sum() / (fair * counts).sum()
    on = train.device
    return Course(
        seed=config.seed,
        mean=torch.tensor(state["mean"], device=on),
        deviation=torch.tensor(state["deviation"], device=on),
        weights=fair.float().to(on) if way == "weight" else None,
        odds=fair[train.labels.cpu()] if way == "oversample" else None,
        bf16=state["precision"] == "bf16",
    )


@contextmanager
def seeded(seed: int, step: int, device: str) -> Iterator[None]:
    """In it, layers that draw (dropout) draw the same whenever training is at this step."""
    devices = [torch.device(device)] if torch.device(device).type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed((seed * 1_000_003 + step) % 2**63)
        yield


def gentler(checkpoint: Checkpoint, failure: Exception) -> Checkpoint | None:
    """The checkpoint with half the step (or a batch in twice as many parts when memory ran out)."""
    config = dict(checkpoint.config)
    if isinstance(failure, MemoryError) or "out of memory" in str(failure).lower():
        if int(config["batch"]) // int(config["accumulate"]) < 2 * _LEAST_BATCH:
            return None
        config["accumulate"] = int(config["accumulate"]) * 2
    elif isinstance(failure, StrategyError | ArithmeticError):
        config["learning_rate"] = float(config["learning_rate"]) / 2
    if config == dict(checkpoint.config) or config["learning_rate"] < 1e-6:
        return None
    return replace(checkpoint, config=config)


def channels_and_size(data: VisionData) -> tuple[int, int]:
    shape = mapped_images(data).shape
    return int(shape[3]), int(shape[1])
