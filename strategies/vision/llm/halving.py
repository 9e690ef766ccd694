"""Successive halving: short trainings for all, longer ones for the better half, on the same images and seed.

Source: Jamieson and Talwalkar (2016), non-stochastic best arm identification.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from strategies.base import Checkpoint, VisionData
from strategies.vision.hyperparameters import LoopHyperparameters
from strategies.vision.llm.journal import Entry
from strategies.vision.llm.trial import Contender, cannot_learn, trained

RUNGS = (1, 2, 4)
"""Times `trial_epochs`. The last one is reached in every round, so that rounds can be compared."""
_TIME_OVER = "the search's time was over before it was tried"


@dataclass(frozen=True)
class Ground:
    """On what trials are held: the subset of the images, the loop's hyperparameters, and what was measured
    once. `over` says whether the search's time is."""

    data: VisionData
    config: LoopHyperparameters
    tune: bool
    epochs: int
    state: Mapping[str, Any]
    over: Callable[[], bool]


@dataclass
class Tried:
    """A contender with its entry in the journal, and what its longest trial left behind."""

    contender: Contender
    entry: Entry
    checkpoint: Checkpoint | None = None


def halved(ground: Ground, contenders: Sequence[Tried]) -> list[Tried]:
    """All of them, with their trials; those that fail say so and are not tried further."""
    for one in contenders:
        if not one.entry.failure:
            _overfit(ground, one)
    standing = [one for one in contenders if not one.entry.failure]
    for place, rung in enumerate(RUNGS):
        if len(standing) == 1 and rung != RUNGS[-1] and not _nothing_yet(ground, standing):
            continue
        for one in standing:
            _try(ground, one, rung * ground.epochs)
        standing = [one for one in standing if not one.entry.failure and one.entry.trials]
        standing.sort(key=lambda one: (*(-part for part in one.entry.merit), one.entry.number))
        if place + 1 < len(RUNGS):
            standing = standing[: math.ceil(len(standing) / 2)]
    return list(contenders)


def _nothing_yet(ground: Ground, standing: Sequence[Tried]) -> bool:
    """Where time is short, the shortest trial is better than none."""
    return ground.over() and not any(one.entry.trials for one in standing)


def _overfit(ground: Ground, one: Tried) -> None:
    if ground.over() and one.entry.origin != "own":
        one.entry = replace(one.entry, stage="budget", failure=_TIME_OVER)
        return
    try:
        reason = cannot_learn(one.contender, ground.config, ground.data, ground.state)
    except Exception as error:  # operators raise anything on values, and memory may run out
        reason = f"it fails while learning one batch ({str(error)[:200]})"
    if reason is not None:
        one.entry = replace(one.entry, stage="overfit", failure=reason)


def _try(ground: Ground, one: Tried, epochs: int) -> None:
    # Our own network is tried once even so: a search that ends has to have something.
    if ground.over() and not (one.entry.origin == "own" and not one.entry.trials):
        if not one.entry.trials:
            one.entry = replace(one.entry, stage="budget", failure=_TIME_OVER)
        return
    try:
        one.checkpoint = _trained(ground, one.contender, epochs)
    except Exception as error:  # as above; a candidate's failure is never the search's
        reason = f"its training of {epochs} epochs failed: {str(error)[:200]}"
        one.entry = replace(one.entry, stage="training", failure=reason)
        return
    told = ("accuracy", "log_loss", "loss")
    trial = {"epochs": float(epochs), **{name: one.checkpoint.metrics[name] for name in told}}
    one.entry = replace(one.entry, trials=(*one.entry.trials, trial))


def _trained(ground: Ground, contender: Contender, epochs: int) -> Checkpoint:
    try:
        return trained(contender, ground.config, ground.tune, ground.data, ground.state, epochs)
    except RuntimeError:
        if ground.state["precision"] == "fp32":
            raise
    # Some operators have no bf16.
    full = {**ground.state, "precision": "fp32"}
    return trained(contender, ground.config, ground.tune, ground.data, full, epochs)
