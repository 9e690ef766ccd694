"""The fast loop: one epoch of a network over decoded images, resumable at any step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import islice

import torch
from torch import nn
from torch.nn import functional

from domain.errors import StrategyError
from strategies.vision.augmentation import Augmentation, sides
from strategies.vision.hyperparameters import LoopHyperparameters
from strategies.vision.learner import Learner
from strategies.vision.pace import Pace
from strategies.vision.pixels import Pixels
from strategies.vision.replicas import LEAST_PART, Replicas, replicas_of

Batch = tuple[torch.Tensor, torch.Tensor]
"""Images uint8 (b, size, size, channels) and labels (b,)."""

_CHECKED_EVERY = 50
_AT_ONCE = 512


@dataclass(frozen=True)
class Share:
    """Which part of every batch this process takes, of how many."""

    rank: int = 0
    of: int = 1


@dataclass(frozen=True)
class Position:
    """Where in the training: steps done in all, the epoch, and the steps done of it."""

    step: int = 0
    epoch: int = 0
    offset: int = 0


@dataclass(frozen=True)
class Course:
    """What a pass needs besides learner and images.

    `mean` and `deviation` are of pixels in [0, 255], a number a channel; `weights` of the loss (n_classes,).
    """

    seed: int
    mean: torch.Tensor
    deviation: torch.Tensor
    weights: torch.Tensor | None
    odds: torch.Tensor | None
    """Where classes are oversampled: for each training image, how likely it is drawn."""
    bf16: bool
    share: Share = Share()

    def normal(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 (b, size, size, channels) → float (b, channels, size, size), its memory channels-last."""
        return ((images.float() - self.mean) / self.deviation).permute(0, 3, 1, 2)


def train_pass(
    learner: Learner,
    pixels: Pixels,
    course: Course,
    pace: Pace,
    at: Position,
    wrapped: nn.Module | None = None,
    agreed_end: Callable[[bool], bool] = lambda ends: ends,
    heed: Callable[[], None] = lambda: None,
) -> tuple[Position, float]:
    """Trains to the end of the epoch, the slice or the budget: the new position, and the mean loss.

    `wrapped` is the network in what spreads it over processes; they settle by `agreed_end` when to stop.
    `heed` is called at every step: what it raises ends the pass. Raises StrategyError when the loss is no
    longer a number.
    """
    config, forward = pace.config, wrapped or learner.network
    learner.network.train()
    losses = torch.zeros((), device=pixels.device)
    steps, progress = 0, pace.progress(at.step)
    # Processes share the cores already, and exchange gradients by what wraps the network.
    at_once = 1 if wrapped else pace.batch // config.accumulate
    example = course.normal(pixels.take(torch.arange(min(len(pixels), LEAST_PART))))
    with replicas_of(forward, example, at_once) as replicas:
        for images, labels in _batches(pixels, course, pace, at):
            heed()
            learner.set_rate(pace.learning_rate(progress))
            loss = _step(learner, replicas, forward, course, config, images, labels)
            losses, steps = losses + loss, steps + 1
            learner.follow(at.step + steps)
            if steps % _CHECKED_EVERY == 0:
                _refuse_nan(losses, config.learning_rate)
            progress = pace.progress(at.step + steps)
            if agreed_end(progress >= 1 or pace.sliced()):
                break
    _refuse_nan(losses, config.learning_rate)
    ended = at.offset + steps >= pace.steps_an_epoch
    epoch, offset = (at.epoch + 1, 0) if ended else (at.epoch, at.offset + steps)
    return Position(at.step + steps, epoch, offset), float(losses) / max(steps, 1)


def _refuse_nan(losses: torch.Tensor, learning_rate: float) -> None:
    if not torch.isfinite(losses):
        raise StrategyError(f"the loss is no number: lower learning_rate, now {learning_rate:g}")


def _step(
    learner: Learner,
    replicas: Replicas,
    forward: nn.Module,
    course: Course,
    config: LoopHyperparameters,
    images: torch.Tensor,
    labels: torch.Tensor,
) -> torch.Tensor:
    """One step of the optimiser on a batch, which goes through the network in `accumulate` parts."""
    learner.optimiser.zero_grad(set_to_none=True)
    total = torch.zeros((), device=images.device)

    def learn(network: nn.Module, part: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        with torch.autocast(part.device.type, torch.bfloat16, enabled=course.bf16):
            out = network(course.normal(part))
        logits = out if isinstance(out, torch.Tensor) else out[0]  # some give auxiliary outputs
        each = functional.cross_entropy(
            logits.float(), truth, course.weights, reduction="none", label_smoothing=config.label_smoothing
        )
        loss = each.sum() / len(labels)
        loss.backward()
        return loss.detach()

    parts = list(zip(images.chunk(config.accumulate), labels.chunk(config.accumulate), strict=True))
    for n, (part, truth) in enumerate(parts):
        with _unsynchronised(forward, n < len(parts) - 1):
            total = total + replicas.learn(learn, part, truth)
    learner.optimiser.step()
    return total


def _unsynchronised(forward: nn.Module, partial: bool) -> AbstractContextManager[None]:
    """Between processes only the last part's gradients are exchanged, which hold those of all."""
    exchange = getattr(forward, "no_sync", None)
    return exchange() if partial and exchange is not None else nullcontext()


def _batches(pixels: Pixels, course: Course, pace: Pace, at: Position) -> Iterator[Batch]:
    """The rest of an epoch's batches, augmented; what is drawn depends on seed, epoch and step alone."""
    config = pace.config
    augment = Augmentation(config.flip, config.shift, config.cutout)
    order = _order(len(pixels), course, at.epoch)
    mirrored = sides(len(pixels), course.seed) ^ bool(at.epoch % 2)

    def prepared() -> Iterator[Batch]:
        for n in range(at.offset, pace.steps_an_epoch):
            chosen = order[n * pace.batch : (n + 1) * pace.batch][course.share.rank :: course.share.of]
            draw = torch.Generator().manual_seed(_seed(course.seed, at.epoch, n, course.share.rank))
            images = augment(pixels.take(chosen), mirrored[chosen], draw)
            yield images, pixels.labels[chosen.to(pixels.labels.device)]

    # In memory a batch takes less time than handing it between threads.
    return prepared() if pixels.resident is not None else ahead(prepared())


def ahead(
    batches: Iterator[tuple[torch.Tensor, torch.Tensor]],
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The same batches, each made by a thread while the one before is learnt from."""
    with ThreadPoolExecutor(1, "batches") as thread:
        coming = thread.submit(lambda: list(islice(batches, 1)))
        while batch := coming.result():
            coming = thread.submit(lambda: list(islice(batches, 1)))
            yield batch[0]


def _order(n: int, course: Course, epoch: int) -> torch.Tensor:
    draw = torch.Generator().manual_seed(_seed(course.seed, epoch))
    if course.odds is not None:
        return torch.multinomial(course.odds, n, replacement=True, generator=draw)
    return torch.randperm(n, generator=draw)


def _seed(*numbers: int) -> int:
    mixed = 0
    for number in numbers:
        # A linear congruence; neighbouring steps must not start from neighbouring states.
        mixed = (mixed * 6_364_136_223_846_793_005 + number * 1_442_695_040_888_963_407 + 1) % 2**63
    return mixed


@torch.no_grad()
def logits_of(
    network: nn.Module,
    state: dict[str, torch.Tensor] | None,
    pixels: Pixels,
    course: Course,
    heed: Callable[[], None] = lambda: None,
) -> torch.Tensor:
    """Logits (n, n_classes) of all images, unchanged, by the network with the weights `state`, on the CPU.

    `heed` is called in between, as in `train_pass`.
    """
    network.eval()
    found = []
    for start in range(0, len(pixels), _AT_ONCE):
        heed()
        images = course.normal(pixels.take(torch.arange(start, min(start + _AT_ONCE, len(pixels)))))
        with torch.autocast(images.device.type, torch.bfloat16, enabled=course.bf16):
            out = torch.func.functional_call(network, state, (images,)) if state else network(images)
        found.append(out.float().cpu())
    return torch.cat(found)
