"""What a rebuilt network costs and whether it keeps to its task: shapes, operations, images kept apart.

Nothing here believes the author: the graph alone is looked at. torch is imported with this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from domain.vision.graph import NetworkGraph
from domain.vision.graph_modules import TracedNetwork
from domain.vision.operators import DROPOUTS, RANDOM
from domain.vision.programs import Figures, NetworkLimits, Program, Refused

_BATCHES = (2, 257)
"""Two sizes that no network has as a constant of its own; the larger one shows what grows with a power."""
_TOLERANCE = 1e-3
"""Of logits, relative to their spread: libraries choose other ways of adding for other batches."""


class _Activations(TorchDispatchMode):
    """Counts the numbers that operators give out, and stops at `most`."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self.n = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for one in result if isinstance(result, tuple | list) else (result,):
            if isinstance(one, torch.Tensor):
                self.n += one.numel()
        if self.n > self._most:
            raise _TooManyError
        return result


class _TooManyError(Exception):
    pass


def examine(
    program: Program, graph: NetworkGraph, weights: Mapping[str, np.ndarray], limits: NetworkLimits
) -> tuple[Figures, tuple[str, ...]] | Refused:
    """The network's cost and warnings for its author, or why it cannot serve."""
    if graph.n_parameters > limits.n_parameters:
        return Refused(
            f"the network has {graph.n_parameters:,} parameters, more than {limits.n_parameters:,}: "
            "make it narrower or shallower",
            "budget",
        )
    network = TracedNetwork(graph, weights)
    try:
        with torch.no_grad():
            activations = _shapes(program, network, limits)
            flops = _flops(program, network)
    except _TooManyError:
        return Refused(
            f"training gives out more than {limits.activations_per_image:,} numbers for an image: "
            "reduce the resolution earlier or make it narrower",
            "budget",
        )
    except _ShapeError as error:
        return Refused(str(error), "shapes")
    except Exception as error:  # operators raise anything on sizes that do not fit
        return Refused(
            "the network works for the number of images that it was tried with, but not for another: "
            "take sizes from x.shape",
            "shapes",
            _said(error),
        )
    if flops > limits.flops_per_image:
        return Refused(
            f"a prediction takes {flops:,} operations, more than {limits.flops_per_image:,}: "
            "reduce the resolution earlier or make it narrower",
            "budget",
        )
    try:
        refused = _mixing(program, network)
    except Exception as error:  # so do they on values, such as indices
        return Refused("the network fails on images of noise", "shapes", _said(error))
    return refused or (Figures(graph.n_parameters, flops, activations), _warnings(graph))


class _ShapeError(Exception):
    pass


def _shapes(program: Program, network: TracedNetwork, limits: NetworkLimits) -> int:
    """Numbers that training gives out for an image. Raises _ShapeError, _TooManyError."""
    per_image = 0
    on_meta = _on_meta(network)
    for n_images in _BATCHES:
        images = torch.empty(n_images, program.channels, program.size, program.size, device="meta")
        for training in (True, False):
            # What does not depend on the batch, such as normalised weights, is allowed for twice.
            most = (n_images + 1) * limits.activations_per_image
            with _Activations(most) as counted:
                logits = on_meta.train(training)(images)
            if not isinstance(logits, torch.Tensor) or tuple(logits.shape) != (n_images, program.num_classes):
                shape = list(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
                raise _ShapeError(
                    f"for {n_images} images of {program.num_classes} classes forward gives {shape}: "
                    f"it must give [{n_images}, {program.num_classes}]"
                )
            if not logits.is_floating_point():
                raise _ShapeError(f"forward gives {logits.dtype}: it must give float32 logits")
            if training:
                per_image = counted.n // n_images
    return per_image


def _on_meta(network: TracedNetwork) -> TracedNetwork:
    made = TracedNetwork.__new__(TracedNetwork)
    torch.nn.Module.__init__(made)
    made.__dict__.update(
        {name: value for name, value in network.__dict__.items() if name not in made.__dict__}
    )
    for name, tensor in network.named_parameters(recurse=False):
        made.register_parameter(name, torch.nn.Parameter(tensor.detach().to("meta")))
    for name, tensor in network.named_buffers(recurse=False):
        made.register_buffer(name, tensor.to("meta"))
    made.training_graph, made.eval_graph = network.training_graph, network.eval_graph
    return made


def _flops(program: Program, network: TracedNetwork) -> int:
    images = torch.empty(1, program.channels, program.size, program.size, device="meta")
    with FlopCounterMode(display=False) as counted:
        _on_meta(network).eval()(images)
    return int(counted.get_total_flops())


def _mixing(program: Program, network: TracedNetwork) -> Refused | None:
    """Whether logits are finite, and an image's the same whatever else is in its batch."""
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(4, program.channels, program.size, program.size, generator=generator)
    others = torch.rand(images.shape, generator=generator) * 3 - 1
    others[0] = images[0]
    network.eval()
    with torch.no_grad():
        torch.manual_seed(0)
        logits = network(images)
        torch.manual_seed(0)
        among_others = network(others)
    if not bool(torch.isfinite(logits).all()):
        return Refused(
            "the untrained network gives infinite or undefined logits: scale its initial weights", "shapes"
        )
    spread = max(float((logits - logits.mean()).abs().max()), 1e-3)
    if float((logits[0] - among_others[0]).abs().max()) > _TOLERANCE * spread:
        return Refused(
            "in eval mode the logits of an image depend on the other images of its batch: "
            "mix nothing along the first dimension",
            "mixing",
        )
    return None


def _warnings(graph: NetworkGraph) -> tuple[str, ...]:
    random = [
        node.operator
        for node in graph.eval.nodes
        if node.operator in RANDOM and not (node.operator in DROPOUTS and node.arguments[-1] is False)
    ]
    if not random:
        return ()
    return (f"random in eval mode ({random[0]}): pass training=self.training",)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:2000]
