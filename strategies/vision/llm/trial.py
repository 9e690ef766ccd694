"""A candidate put to the test: whether it learns one batch by heart, and how far a short training gets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from domain.kinds import Split
from domain.vision.graph import NetworkGraph
from domain.vision.graph_modules import TracedNetwork
from domain.vision.programs import Figures
from strategies.base import Checkpoint, VisionData
from strategies.vision.hyperparameters import LoopHyperparameters
from strategies.vision.llm.recipe import Recipe
from strategies.vision.loop import Position
from strategies.vision.pixels import read_pixels
from strategies.vision.training import Design, course_of, seeded, train_iteration

_STEPS, _IMAGES, _RATE = 30, 32, 3e-3
_LEARNT = 0.9
"""Of the first loss: a network that cannot get below it on 32 images in 30 steps will not learn thousands."""
_BATCH_BYTES = 2_000_000_000
"""Of what a batch leaves behind while training; more go through in parts."""
_FLOAT_BYTES = 4


@dataclass(frozen=True)
class Contender:
    """A candidate that came through the sandbox: its graph (with the proposed dropout) and first weights."""

    number: int
    graph: NetworkGraph
    weights: Mapping[str, np.ndarray]
    figures: Figures
    recipe: Recipe

    def design(self) -> Design:
        return design_of(self.graph, self.weights)

    def config(self, config: LoopHyperparameters, tune: bool, **more: Any) -> LoopHyperparameters:
        """Of its training; `tune` False keeps to the user's."""
        recipe = self.recipe if tune else Recipe.of_loop(config)
        needed = self.figures.activations_per_image * recipe.batch * _FLOAT_BYTES
        parts = min(recipe.batch, max(config.accumulate, math.ceil(needed / _BATCH_BYTES)))
        return recipe.over(config, accumulate=parts, **more)


def design_of(graph: NetworkGraph, weights: Mapping[str, np.ndarray]) -> Design:
    """The rebuilt network as the loop takes it."""
    return Design(f"generated:{graph.fingerprint[:12]}", lambda: TracedNetwork(graph, weights))


def cannot_learn(
    contender: Contender, config: LoopHyperparameters, data: VisionData, state: Mapping[str, Any]
) -> str | None:
    """Why a network that cannot learn one batch by heart will not do; None for one that can."""
    train = read_pixels(data, Split.TRAIN, data.surroundings.device)
    network = TracedNetwork(contender.graph, contender.weights).to(train.device).train()
    course = course_of(config, state, train, len(data.classes))
    chosen = torch.arange(0, len(train), max(1, len(train) // _IMAGES))[:_IMAGES]
    images, labels = course.normal(train.take(chosen)), train.labels[chosen.to(train.labels.device)]
    parameters = [p for p in network.parameters() if p.requires_grad]
    if not parameters:
        return "the network has nothing to learn: give it layers with weights"
    optimiser = torch.optim.Adam(parameters, lr=_RATE)
    losses = []
    with seeded(config.seed, 0, data.surroundings.device):
        for _ in range(_STEPS):
            optimiser.zero_grad(set_to_none=True)
            loss = functional.cross_entropy(network(images).float(), labels)
            loss.backward()
            optimiser.step()
            losses.append(float(loss.detach()))
            if not math.isfinite(losses[-1]):
                return f"its loss on one batch is {losses[-1]} after {len(losses)} steps: scale its layers"
            if losses[-1] <= _LEARNT * losses[0]:
                return None
    return (
        f"it does not learn {len(chosen)} images by heart: in {_STEPS} steps its loss falls from "
        f"{losses[0]:.3f} to {min(losses):.3f} only; give logits without softmax, and let gradients through"
    )


def trained(
    contender: Contender,
    config: LoopHyperparameters,
    tune: bool,
    data: VisionData,
    state: Mapping[str, Any],
    epochs: int,
) -> Checkpoint:
    """The checkpoint of `epochs` passes from the first weights, by the same loop as every training here."""
    ours = contender.config(config, tune, epochs=epochs, budget_seconds=0.0, target=0.0, iterations=1000)
    checkpoint = Checkpoint(0, ours.model_dump(), state=beginning(contender, state))
    while not checkpoint.done:
        checkpoint = train_iteration(checkpoint, ours, data, contender.design())
    return checkpoint


def beginning(contender: Contender, state: Mapping[str, Any]) -> dict[str, Any]:
    """What a training begins with: the search's measures of the pixels, and position 0."""
    shared = {name: state[name] for name in ("mean", "deviation", "precision")}
    return {**shared, "network": contender.design().name, "position": vars(Position())}
