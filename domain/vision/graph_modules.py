"""A graph rebuilt as a torch module that trains, evaluates and exports like any other.

Only this, never generated code, meets data. torch is imported with this module: import it late.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import fx

from domain.errors import InputError
from domain.vision.graph import Graph, NetworkGraph, TensorSpec
from domain.vision.operators import EMPTY, FACTORIES


def _product(first: Any, second: Any) -> Any:
    found = first * second
    # Squared a few hundred times, an integer would fill the memory.
    if isinstance(found, int) and abs(found) > 1 << 62:
        raise OverflowError(f"a size of {first} times {second}")
    return found


NUMBERS: dict[str, Callable[..., Any]] = {
    "int.add": operator.add, "int.sub": operator.sub, "int.mul": _product,
    "int.floordiv": operator.floordiv, "int.truediv": operator.truediv, "int.mod": operator.mod,
    "int.neg": operator.neg, "int.max": max, "int.min": min, "int.getitem": operator.getitem,
    "int.eq": operator.eq, "int.ne": operator.ne, "int.lt": operator.lt, "int.le": operator.le,
    "int.gt": operator.gt, "int.ge": operator.ge, "int.int": int, "int.float": float,
    "int.floor": math.floor, "int.ceil": math.ceil, "int.round": round,
}  # fmt: skip
_ZEROS = {"aten.empty.memory_format": "aten.zeros.default"}
_ZEROS |= {name: name.replace("empty", "zeros") for name in EMPTY if name not in _ZEROS}
# Equal results, but it also takes tensors that are not contiguous, as channels_last makes them.
_INSTEAD = {**_ZEROS, "aten.view.default": "aten.reshape.default"}


class TracedNetwork(torch.nn.Module):
    """Images (n, channels, size, size) float32 to logits (n, num_classes).

    `train()` and `eval()` choose the graph; both work on the same parameters and buffers, which have the
    names that they had in the traced network, as "/" and the name with "." written as "/": a module's names
    cannot hold dots, and none may hide an attribute of the module.
    Raises InputError where weights do not fit the graph.
    """

    def __init__(self, network: NetworkGraph, weights: Mapping[str, np.ndarray]) -> None:
        super().__init__()
        self._names = tuple(network.tensors)
        for name, spec in network.tensors.items():
            values = torch.from_numpy(_fitting(name, spec, weights).copy())
            if spec.role == "parameter":
                self.register_parameter(_attribute(name), torch.nn.Parameter(values))
            else:
                self.register_buffer(_attribute(name), values)
        self.training_graph = module_of(network.train, self._names)
        self.eval_graph = module_of(network.eval, self._names)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        tensors = [getattr(self, _attribute(name)) for name in self._names]
        graph = self.training_graph if self.training else self.eval_graph
        logits: torch.Tensor = graph(images, images.device, *tensors)
        return logits

    def weights(self) -> dict[str, np.ndarray]:
        """Copies of all tensors as they are now, by their names in the graph."""
        return {name: getattr(self, _attribute(name)).detach().cpu().numpy().copy() for name in self._names}


def _attribute(name: str) -> str:
    return f"/{name.replace('.', '/')}"


def _fitting(name: str, spec: TensorSpec, weights: Mapping[str, np.ndarray]) -> np.ndarray:
    values = weights.get(name)
    if values is None or values.shape != spec.shape or values.dtype != np.dtype(spec.dtype):
        raise InputError(f"the weights do not hold {name} as {spec.dtype} {list(spec.shape)}: trace it again")
    return values


def module_of(graph: Graph, names: tuple[str, ...]) -> fx.GraphModule:
    """A module of (images, device, *tensors in the order of `names`) without tensors of its own."""
    built = fx.Graph()
    images, device = built.placeholder("images"), built.placeholder("device")
    tensors = {name: built.placeholder(f"tensor_{at}") for at, name in enumerate(names)}
    nodes: list[fx.Node] = []

    def argument(value: Any) -> Any:
        if isinstance(value, list):
            return [argument(one) for one in value]
        if not isinstance(value, dict):
            return value
        ((kind, told),) = value.items()
        if kind == "node":
            return nodes[told]
        if kind == "tensor":
            return tensors[told]
        if kind == "float":
            return float(told)
        if kind in ("dtype", "memory_format"):
            return getattr(torch, told)
        return {"images": images, "device": device}[kind]

    for node in graph.nodes:
        arguments = tuple(argument(one) for one in node.arguments)
        named = {name: argument(one) for name, one in node.named.items()}
        if node.operator in FACTORIES:
            named["device"] = device
        nodes.append(built.call_function(callable_of(node.operator), arguments, named))
    built.output(nodes[graph.output])
    return fx.GraphModule(torch.nn.Module(), built)


def callable_of(name: str) -> Callable[..., Any]:
    """What an allowed operator's name stands for. Raises InputError where this torch does not have it."""
    if name in NUMBERS:
        return NUMBERS[name]
    _, packet, overload = _INSTEAD.get(name, name).split(".")
    try:
        found: Callable[..., Any] = getattr(getattr(torch.ops.aten, packet), overload)
    except AttributeError as error:
        raise InputError(f"torch {torch.__version__} has no operator {name}") from error
    return found
