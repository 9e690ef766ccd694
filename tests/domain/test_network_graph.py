"""Networks as data: what is taken, what is refused, and what is rebuilt."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from domain.errors import InputError
from domain.vision.examination import examine
from domain.vision.graph import parse_graph
from domain.vision.graph_modules import TracedNetwork, callable_of
from domain.vision.operators import ALLOWED
from domain.vision.programs import Figures, NetworkLimits, Program, Refused

PROGRAM = Program("", 3, 1, 4)
WEIGHTS = {
    "fc.weight": np.arange(48, dtype=np.float32).reshape(3, 16) / 48,
    "fc.bias": np.zeros(3, np.float32),
}


def linear() -> dict[str, Any]:
    nodes = [
        ["aten.flatten.using_ints", [{"images": 0}, 1], {}],
        ["aten.linear.default", [{"node": 0}, {"tensor": "fc.weight"}, {"tensor": "fc.bias"}], {}],
    ]
    graph = {"nodes": nodes, "output": {"node": 1}}
    tensors = {
        "fc.weight": {"dtype": "float32", "shape": [3, 16], "role": "parameter"},
        "fc.bias": {"dtype": "float32", "shape": [3], "role": "parameter"},
    }
    return json.loads(json.dumps({"version": 1, "tensors": tensors, "train": graph, "eval": graph}))  # type: ignore[no-any-return]


def parsed(told: dict[str, Any]) -> Any:
    return parse_graph(json.dumps(told), n_nodes=100, n_parameters=1000)


def test_a_graph_survives_being_written_and_read() -> None:
    graph = parsed(linear())
    assert parse_graph(graph.to_json(), 100, 1000) == graph
    assert graph.n_parameters == 51


def test_a_rebuilt_network_computes_what_its_graph_says_and_learns() -> None:
    network = TracedNetwork(parsed(linear()), WEIGHTS)
    images = torch.rand(5, 1, 4, 4)
    expected = images.flatten(1) @ torch.from_numpy(WEIGHTS["fc.weight"]).T
    assert torch.allclose(network.eval()(images), expected)
    network.train()(images).sum().backward()
    torch.optim.SGD(network.parameters(), 0.1).step()
    assert not np.array_equal(network.weights()["fc.weight"], WEIGHTS["fc.weight"])


def test_every_allowed_operator_is_one_of_this_torch() -> None:
    assert all(callable(callable_of(name)) for name in ALLOWED)


def node(at: int, value: Any) -> Callable[[dict[str, Any]], None]:
    def edit(told: dict[str, Any]) -> None:
        told["eval"]["nodes"][0][at] = value

    return edit


def tensor(field: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def edit(told: dict[str, Any]) -> None:
        told["tensors"]["fc.bias"][field] = value

    return edit


HOSTILE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "operator that is not listed": node(0, "aten.from_file.default"),
    "operator that is no text": node(0, ["aten.relu.default"]),
    "arguments that are no list": node(1, {"node": 0}),
    "text as an argument": node(1, ["__import__('os')"]),
    "expression as a size": node(1, [{"images": 0}, {"sym": "s0"}]),
    "dtype that is none": node(1, [{"dtype": "object"}]),
    "reference to itself": node(1, [{"node": 0}]),
    "reference before the first": node(1, [{"node": -1}]),
    "reference by a truth": node(1, [{"node": True}]),
    "tensor that is not there": node(1, [{"tensor": "weight"}]),
    "number without end": node(1, [10**30]),
    "lists in lists in lists": node(1, [[[[[[[[1]]]]]]]]),
    "another device": node(2, {"device": "cuda:1"}),
    "named argument that is code": node(2, {"a b": 1}),
    "size below zero": tensor("shape", [-3]),
    "size that is a truth": tensor("shape", [True]),
    "too many numbers": tensor("shape", [1 << 39]),
    "dtype of objects": tensor("dtype", "object"),
    "dtype that is a list": tensor("dtype", ["float32"]),
    "parameter of whole numbers": tensor("dtype", "int64"),
    "role that is none": tensor("role", "code"),
    "name that is a path": lambda told: told["tensors"].update({"../x": told["tensors"].pop("fc.bias")}),
    "no operators": lambda told: told["train"].update(nodes=[]),
    "too many operators": lambda told: told["train"].update(nodes=told["train"]["nodes"] * 60),
    "output that is not there": lambda told: told["train"].update(output={"node": 2}),
    "further fields": lambda told: told.update(code="print()"),
    "another version": lambda told: told.update(version=2),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_graph_is_refused_for(what: str) -> None:
    told = linear()
    HOSTILE[what](told)
    with pytest.raises(InputError):
        parsed(told)


@pytest.mark.parametrize("text", ["", "[" * 100_000, "NaN", '{"version": 1e999}', "null", '"' + "9" * 10_000])
def test_what_is_no_graph_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_graph(text, 100, 1000)


def test_an_examination_tells_cost_per_image() -> None:
    found = examine(PROGRAM, parsed(linear()), WEIGHTS, NetworkLimits())
    assert found == (
        Figures(n_parameters=51, flops_per_image=96, activations_per_image=found[0].activations_per_image),
        (),
    )  # type: ignore[index]


def added(*nodes: list[Any]) -> dict[str, Any]:
    """The linear network with further operators behind it, of which the last gives the logits."""
    told = linear()
    for mode in ("train", "eval"):
        told[mode]["nodes"] += list(nodes)
        told[mode]["output"] = {"node": len(told[mode]["nodes"]) - 1}
    return told


@pytest.mark.parametrize(
    ("operators", "stage"),
    [
        ([["aten.flip.default", [{"node": 1}, [0]], {}]], "mixing"),
        (
            [
                ["aten.mean.dim", [{"node": 1}, [0], True], {}],
                ["aten.add.Tensor", [{"node": 1}, {"node": 2}], {}],
            ],
            "mixing",
        ),
        ([["aten.reshape.default", [{"node": 1}, [3, -1]], {}]], "shapes"),
        ([["aten.select.int", [{"node": 1}, 1, 9], {}]], "shapes"),
        ([["aten.div.Scalar", [{"node": 1}, 0], {}]], "shapes"),
        (
            [["aten.zeros.default", [[1 << 30, 1 << 9]], {}], ["aten.alias.default", [{"node": 1}], {}]],
            "budget",
        ),
    ],
)
def test_a_network_that_does_not_keep_to_its_task_is_refused(operators: list[Any], stage: str) -> None:
    found = examine(PROGRAM, parsed(added(*operators)), WEIGHTS, NetworkLimits())
    assert isinstance(found, Refused) and found.stage == stage, found


def test_memory_that_was_never_written_is_never_shown() -> None:
    told = added(
        ["aten.empty.memory_format", [[3]], {"device": {"device": 0}}],
        ["aten.add.Tensor", [{"node": 1}, {"node": 2}], {}],
    )
    network, images = TracedNetwork(parsed(told), WEIGHTS).eval(), torch.rand(2, 1, 4, 4)
    assert torch.equal(network(images), TracedNetwork(parsed(linear()), WEIGHTS).eval()(images))


def test_randomness_in_eval_mode_is_told() -> None:
    told = added(["aten.dropout.default", [{"node": 1}, 0.5, True], {}])
    found = examine(PROGRAM, parsed(told), WEIGHTS, NetworkLimits())
    assert not isinstance(found, Refused)
    assert found[1] == ("random in eval mode (aten.dropout.default): pass training=self.training",)
