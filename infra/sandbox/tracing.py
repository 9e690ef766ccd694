"""A torch module as a graph of data, see `domain.vision.graph`. Runs in the walled child only: tracing
calls the generated code, and that code can change all that is here."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx
from torch.export import Dim, ExportedProgram, export
from torch.export.graph_signature import InputKind

from domain.errors import InputError
from domain.vision.graph import Graph, NetworkGraph, Node, TensorSpec
from domain.vision.graph_modules import NUMBERS

N_IMAGES = 3
"""Of the traced batch; any other number works as well afterwards (1 and 0 would be built in as constants)."""
_CHECKS = frozenset(
    {"_assert_tensor_metadata", "_assert_scalar", "_assert_async", "sym_constrain_range_for_size",
     "sym_constrain_range"}
)  # fmt: skip
_ROLES = {InputKind.PARAMETER: "parameter", InputKind.BUFFER: "buffer", InputKind.CONSTANT_TENSOR: "constant"}
_INTEGERS: dict[Any, str] = {function: name for name, function in NUMBERS.items()}
_INTEGERS |= {operator.mul: "int.mul", torch.sym_max: "int.max", torch.sym_min: "int.min"}
_INTEGERS |= {torch.sym_int: "int.int", math.trunc: "int.int", torch.sym_float: "int.float"}
_MODES = {torch.ops.higher_order.wrap_with_set_grad_enabled: 1, torch.ops.higher_order.wrap_with_autocast: 4}
"""Operators that run a graph inside under another mode, and the place of that graph among the arguments."""


@dataclass(frozen=True)
class Traced:
    """Both graphs and the tensors' values as they were before anything ran."""

    graph: NetworkGraph
    values: Mapping[str, torch.Tensor]


def trace(module: torch.nn.Module, images: torch.Tensor) -> Traced:
    """Both graphs of `module`, for any number of images. Raises InputError in words for its author."""
    materialise(module, images)
    values = {
        name: tensor.detach().clone()
        for name, tensor in (*module.named_parameters(), *module.named_buffers())
    }
    graphs = {}
    for mode in ("train", "eval"):
        module.train(mode == "train")
        exported = exported_program(module, images)
        values |= {name: tensor.detach() for name, tensor in exported.constants.items() if name not in values}
        graphs[mode] = _Encoding(exported)
    roles = graphs["train"].roles | graphs["eval"].roles
    kept = {name: _plain(name, values[name]) for name in sorted(roles)}
    specs = {
        name: TensorSpec(str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape), roles[name])
        for name, tensor in kept.items()
    }
    return Traced(NetworkGraph(specs, graphs["train"].graph(), graphs["eval"].graph()), kept)


def materialise(module: torch.nn.Module, images: torch.Tensor) -> None:
    """Gives lazy layers their sizes."""
    lazy = torch.nn.modules.lazy.LazyModuleMixin
    if any(isinstance(one, lazy) for one in module.modules()):
        module.eval()
        with torch.no_grad():
            module(images)


def exported_program(module: torch.nn.Module, images: torch.Tensor) -> ExportedProgram:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Not a declared dimension: that refuses sizes that are right, but that torch cannot prove to be so.
        # Whether other numbers of images work is tried afterwards, on the rebuilt graph.
        return export(
            module,
            (images,),
            dynamic_shapes=({0: Dim.AUTO},),
            strict=False,
            prefer_deferred_runtime_asserts_over_guards=True,
        )


def _plain(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """Dense, of one of the dtypes that graphs know."""
    if tensor.dtype in (torch.float64, torch.float16, torch.bfloat16):
        tensor = tensor.float()
    elif tensor.dtype in (torch.int32, torch.int16, torch.int8, torch.uint8):
        tensor = tensor.long()
    if tensor.dtype not in (torch.float32, torch.int64, torch.bool):
        raise InputError(f"tensor {name} is {tensor.dtype}: use float32")
    return tensor.contiguous()


class _Encoding:
    """One exported graph, written as data."""

    def __init__(self, exported: ExportedProgram) -> None:
        self._exported = exported
        self._references: dict[fx.Node, dict[str, Any]] = {}
        self._nodes: list[Node] = []
        self.roles: dict[str, Any] = {}
        self._inputs()
        self._output = self._walk(exported.graph_module, self._references)

    def graph(self) -> Graph:
        (logits, *rest) = self._output
        if rest or "node" not in logits:
            raise InputError("forward must return one tensor, the logits: leave out further results")
        return Graph(tuple(self._nodes), logits["node"])

    def _inputs(self) -> None:
        specs = {spec.arg.name: spec for spec in self._exported.graph_signature.input_specs}
        for node in self._exported.graph.nodes:
            if node.op != "placeholder":
                continue
            spec = specs[node.name]
            if spec.kind == InputKind.USER_INPUT:
                self._references[node] = {"images": 0}
            else:
                self.roles[spec.target] = _ROLES[spec.kind]
                self._references[node] = {"tensor": spec.target}

    def _walk(self, module: fx.GraphModule, known: dict[fx.Node, dict[str, Any]]) -> list[dict[str, Any]]:
        """Writes the operators of `module`; references to its results."""
        for node in module.graph.nodes:
            if node.op == "output":
                results = node.args[0]
                results = results if isinstance(results, tuple | list) else [results]
                return [known[one] if isinstance(one, fx.Node) else {"constant": one} for one in results]
            if node.op == "get_attr":
                known[node] = self._constant(module, str(node.target))
            elif node.op == "call_function" and _name(node.target) not in _CHECKS:
                known[node] = self._call(module, node, known)
        raise InputError("the network's graph has no output: forward must return the logits")

    def _constant(self, module: fx.GraphModule, name: str) -> dict[str, Any]:
        found = getattr(module, name)
        if isinstance(found, torch.Tensor):
            raise InputError(
                f"the constant {name} is made inside forward: register it as a buffer in __init__"
            )
        return {"module": found}

    def _call(
        self, module: fx.GraphModule, node: fx.Node, known: dict[fx.Node, dict[str, Any]]
    ) -> dict[str, Any]:
        if node.target in _MODES:
            at = _MODES[node.target]
            inner = getattr(module, str(node.args[at].target))
            inputs = [one for one in inner.graph.nodes if one.op == "placeholder"]
            given = {one: known[arg] for one, arg in zip(inputs, node.args[at + 1 :], strict=True)}
            return {"results": self._walk(inner, given)}
        if node.target is operator.getitem and "results" in known.get(node.args[0], {}):
            result: dict[str, Any] = known[node.args[0]]["results"][node.args[1]]
            return result
        arguments = [_argument(one, known) for one in node.args]
        named = {
            name: _argument(one, known)
            for name, one in node.kwargs.items()
            if name not in ("layout", "pin_memory") or one not in (None, False, torch.strided)
        }
        self._nodes.append(Node(_full_name(node.target), tuple(arguments), named))
        return {"node": len(self._nodes) - 1}


def _name(target: Any) -> str:
    return target._schema.name.split("::")[-1] if isinstance(target, torch._ops.OpOverload) else str(target)


def _full_name(target: Any) -> str:
    if isinstance(target, torch._ops.OpOverload):
        return f"{target.namespace}.{target._schema.name.split('::')[-1]}.{target._overloadname}"
    try:
        return _INTEGERS[target]
    except (KeyError, TypeError):
        raise InputError(f"{getattr(target, '__name__', target)} cannot be in a network's graph") from None


def _argument(value: Any, known: Mapping[fx.Node, dict[str, Any]]) -> Any:
    if isinstance(value, fx.Node):
        return known[value]
    if isinstance(value, tuple | list):
        return [_argument(one, known) for one in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return {"float": str(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, torch.dtype):
        return {"dtype": str(value).removeprefix("torch.")}
    if isinstance(value, torch.memory_format):
        return {"memory_format": str(value).removeprefix("torch.")}
    if isinstance(value, torch.device):
        return {"device": 0}
    raise InputError(f"{type(value).__name__} cannot be an argument in a network's graph")
