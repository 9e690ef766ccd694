"""A network as data: two lists of operators, of training and of eval mode, over one set of tensors.

As JSON (`NetworkGraph.to_json`):

    {"version": 1,
     "tensors": {name: {"dtype": "float32", "shape": [64, 3, 3, 3], "role": "parameter"}},
     "train": {"nodes": [[operator, arguments, named arguments], ...], "output": reference}, "eval": ...}

An argument is a number, true, false, null, a list of arguments, a word (`domain.vision.operators.WORDS`)
or an object with one key: {"node": 3} an earlier node's result, {"tensor": name}, {"images": 0} the input,
{"dtype": "float32"}, {"memory_format": ...}, {"device": 0} wherever the images are, and
{"float": "inf" | "-inf" | "nan"}. No expression is text: sizes that depend on the batch are nodes.
`parse_graph` takes JSON from anybody; what it returns holds nothing but the above.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, cast, get_args

from domain.errors import InputError
from domain.identity import fingerprint
from domain.vision.operators import ALLOWED, DTYPES, EQUATION, MEMORY_FORMATS, WORDS

Mode = Literal["train", "eval"]
Role = Literal["parameter", "buffer", "constant"]
VERSION = 1
LONGEST_JSON = 16 << 20
"""Bytes."""
_LARGEST = 1 << 40
_LONGEST_LIST = 4096
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,299}")
_DEEPEST = 6
_MOST_DIMENSIONS = 8
_TENSOR_DTYPES = frozenset({"float32", "int64", "bool"})
DTYPE_BYTES = {"float32": 4, "int64": 8, "bool": 1}


@dataclass(frozen=True)
class TensorSpec:
    """A tensor of the network: float32, int64 or bool; parameters are float32."""

    dtype: str
    shape: tuple[int, ...]
    role: Role

    @property
    def n_values(self) -> int:
        return math.prod(self.shape)

    @property
    def n_bytes(self) -> int:
        return self.n_values * DTYPE_BYTES[self.dtype]


@dataclass(frozen=True)
class Node:
    """One operator applied; see the module's docstring for its arguments."""

    operator: str
    arguments: tuple[Any, ...]
    named: Mapping[str, Any]


@dataclass(frozen=True)
class Graph:
    nodes: tuple[Node, ...]
    output: int
    """The node whose result are the logits."""

    def to_json(self) -> dict[str, Any]:
        nodes = [[node.operator, list(node.arguments), dict(node.named)] for node in self.nodes]
        return {"nodes": nodes, "output": {"node": self.output}}


@dataclass(frozen=True)
class NetworkGraph:
    """Both modes over one set of tensors, whose values are kept beside it."""

    tensors: Mapping[str, TensorSpec]
    train: Graph
    eval: Graph

    @property
    def n_parameters(self) -> int:
        return sum(spec.n_values for spec in self.tensors.values() if spec.role == "parameter")

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the structure: equal for networks that differ in their weights only."""
        return fingerprint(json.loads(self.to_json()))

    def to_json(self) -> str:
        tensors = {
            name: {"dtype": spec.dtype, "shape": list(spec.shape), "role": spec.role}
            for name, spec in self.tensors.items()
        }
        told = {"version": VERSION, "tensors": tensors}
        told |= {"train": self.train.to_json(), "eval": self.eval.to_json()}
        return json.dumps(told, separators=(",", ":"), allow_nan=False)


def parse_graph(text: str | bytes, n_nodes: int, n_parameters: int) -> NetworkGraph:
    """The graph that `text` describes, checked against the allow-list and these limits.

    Raises InputError that names what is not allowed.
    """
    if len(text) > LONGEST_JSON:
        raise InputError(f"the graph is longer than {LONGEST_JSON >> 20} MB: use fewer layers")
    try:
        told = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the graph is not JSON ({str(error)[:200]})") from error
    told = _fields(told, {"version", "tensors", "train", "eval"}, "the graph")
    if told["version"] != VERSION:
        raise InputError(f"the graph's version is not {VERSION}")
    if not isinstance(told["tensors"], dict) or len(told["tensors"]) > 4 * n_nodes:
        raise InputError(f"tensors of the graph must be at most {4 * n_nodes}, by name")
    tensors = {_name(name): _tensor(spec, name) for name, spec in told["tensors"].items()}
    network = NetworkGraph(
        tensors, _graph(told["train"], tensors, n_nodes), _graph(told["eval"], tensors, n_nodes)
    )
    # Buffers and constants take memory as parameters do.
    if (n := sum(spec.n_values for spec in tensors.values())) > 2 * n_parameters:
        raise InputError(f"the network holds {n:,} numbers, more than {2 * n_parameters:,}: make it smaller")
    return network


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def _fields(value: object, names: set[str], what: str) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != names:
        raise InputError(f"{what} must have exactly the fields {', '.join(sorted(names))}")
    return value


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InputError(f"{name[:60]!r} cannot be the name of a tensor")
    return name


def _tensor(value: object, name: str) -> TensorSpec:
    spec = _fields(value, {"dtype", "shape", "role"}, f"tensor {name}")
    dtype, shape, role = spec["dtype"], spec["shape"], spec["role"]
    if dtype not in _TENSOR_DTYPES if isinstance(dtype, str) else True:
        raise InputError(f"tensor {name} must be of {', '.join(sorted(_TENSOR_DTYPES))}")
    if (
        not isinstance(role, str)
        or role not in get_args(Role)
        or (role == "parameter" and dtype != "float32")
    ):
        raise InputError(f"tensor {name} must be a float32 parameter, a buffer or a constant")
    if (
        not isinstance(shape, list)
        or len(shape) > _MOST_DIMENSIONS
        or not all(type(size) is int and 0 <= size < _LARGEST for size in shape)
    ):
        raise InputError(f"tensor {name} must have at most {_MOST_DIMENSIONS} sizes")
    return TensorSpec(dtype, tuple(shape), cast(Role, role))


def _graph(value: object, tensors: Mapping[str, TensorSpec], n_nodes: int) -> Graph:
    told = _fields(value, {"nodes", "output"}, "a graph")
    nodes = told["nodes"]
    if not isinstance(nodes, list) or not 0 < len(nodes) <= n_nodes:
        raise InputError(f"a graph must have 1 to {n_nodes:,} operators: use fewer layers")
    checked = tuple(_node(node, at, tensors) for at, node in enumerate(nodes))
    return Graph(checked, _earlier(_fields(told["output"], {"node"}, "the output")["node"], len(nodes)))


def _node(value: object, at: int, tensors: Mapping[str, TensorSpec]) -> Node:
    if not isinstance(value, list) or len(value) != 3:
        raise InputError(f"operator {at} must be [operator, arguments, named arguments]")
    operator, arguments, named = value
    if not isinstance(operator, str) or operator not in ALLOWED:
        raise InputError(
            f"operator {str(operator)[:80]!r} is not allowed in a network: use a usual layer instead"
        )
    if not isinstance(arguments, list) or not isinstance(named, dict) or len(arguments) + len(named) > 24:
        raise InputError(
            f"operator {at} ({operator}) must have a list of arguments and an object of named ones"
        )
    if not all(name.isidentifier() and len(name) < 40 for name in named):
        raise InputError(f"operator {at} ({operator}) has an argument without a name")
    check = _Arguments(operator, at, tensors)
    return Node(
        operator,
        tuple(check(argument) for argument in arguments),
        {name: check(argument) for name, argument in named.items()},
    )


class _Arguments:
    """Checks the arguments of one operator."""

    def __init__(self, operator: str, at: int, tensors: Mapping[str, TensorSpec]) -> None:
        self._operator, self._at, self._tensors = operator, at, tensors

    def __call__(self, value: object, depth: int = 0) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int) and abs(value) < _LARGEST:
            return value
        # Slices to the end are written as the largest number.
        if isinstance(value, int) and value == (1 << 63) - 1:
            return value
        if isinstance(value, float) and math.isfinite(value):
            return value
        if isinstance(value, str):
            return self._word(value)
        if isinstance(value, list) and len(value) <= _LONGEST_LIST and depth < _DEEPEST:
            return [self(one, depth + 1) for one in value]
        if isinstance(value, dict) and len(value) == 1:
            ((kind, told),) = value.items()
            return {kind: self._object(kind, told)}
        raise self._error(value)

    def _word(self, word: str) -> str:
        if word in WORDS or (self._operator == "aten.einsum.default" and EQUATION.fullmatch(word)):
            return word
        raise self._error(word)

    def _object(self, kind: str, told: object) -> object:
        if kind == "node":
            return _earlier(told, self._at)
        known = {
            "tensor": self._tensors,
            "dtype": DTYPES,
            "memory_format": MEMORY_FORMATS,
            "float": {"inf", "-inf", "nan"},
        }
        if kind in known and isinstance(told, str) and told in known[kind]:
            return told
        if kind in ("images", "device") and told == 0 and type(told) is int:
            return 0
        raise self._error({kind: told})

    def _error(self, value: object) -> InputError:
        return InputError(
            f"operator {self._at} ({self._operator}) has an argument that is not allowed: {str(value)[:80]}"
        )


def _earlier(value: object, at: int) -> int:
    if type(value) is not int or not 0 <= value < at:
        raise InputError(f"operator {at} refers to what does not come before it: {str(value)[:40]}")
    return value
