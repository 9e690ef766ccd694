"""Generated network code and what the sandbox makes of it: a graph and weights, or a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from domain.vision.graph import NetworkGraph

Stage = Literal[
    "walls",  # this system lacks a wall, no code was run
    "gate",  # the code says something that generated code may not say
    "build",  # the code, `build_model` or the network raised
    "trace",  # the network cannot be turned into a graph
    "graph",  # the graph has an operator or a size that is not allowed
    "shapes",  # the rebuilt graph fails at some batch size, or gives something else than logits
    "budget",  # too many parameters, operations or activations
    "mixing",  # the prediction for an image depends on the others of its batch
    "limits",  # it took too long, too much memory, or did what a wall ends processes for
]


@dataclass(frozen=True)
class Program:
    """Python source that defines `build_model(num_classes, channels, size) -> torch.nn.Module`.

    The network takes float32 images (n, channels, size, size) and gives logits (n, num_classes).
    `seed` decides its initial weights.
    """

    code: str
    num_classes: int
    channels: int
    size: int
    seed: int = 0


@dataclass(frozen=True)
class NetworkLimits:
    """What a generated network may be."""

    n_parameters: int = 30_000_000
    n_nodes: int = 6_000
    """Of one graph."""
    flops_per_image: int = 10_000_000_000
    """Of one prediction; a multiply-add counts as 2."""
    activations_per_image: int = 50_000_000
    """Numbers that all operators together give out for an image while training."""
    memory_bytes: int = 3 << 30
    """Of building and tracing, beyond what torch itself takes."""


@dataclass(frozen=True)
class Figures:
    """What a network costs: of one image, in eval mode but for the activations, which are training's."""

    n_parameters: int
    flops_per_image: int
    activations_per_image: int


@dataclass(frozen=True)
class Traced:
    """A network as data. `weights` are its initial parameters, buffers and constants by name."""

    graph: NetworkGraph
    weights: Mapping[str, np.ndarray] = field(repr=False)
    figures: Figures
    warnings: tuple[str, ...] = ()
    """What works but is rarely meant, in words for the author ("random in eval mode: ...")."""


@dataclass(frozen=True)
class Refused:
    """Why there is no graph. `reason` is a sentence for a person or a model to act on, `detail` what torch or
    Python said. Both may hold words that the program chose: show them as data only."""

    reason: str
    stage: Stage
    detail: str = ""
