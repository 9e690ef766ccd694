"""A proposed dropout put into a network's training graph: for a hyperparameter no code is written anew."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domain.vision.graph import Graph, NetworkGraph, Node

_DROPOUTS = frozenset(
    {
        "aten.dropout.default",
        "aten.dropout_.default",
        "aten.feature_dropout.default",
        "aten.feature_dropout_.default",
    }
)
_LINEAR = "aten.linear.default"


def with_dropout(graph: NetworkGraph, share: float) -> NetworkGraph:
    """The network with `share` in all its dropouts, or before its last linear layer where it has none.

    Only the training graph changes; 0 leaves it as it is, and so does a network without either.
    """
    if share <= 0:
        return graph
    nodes = graph.train.nodes
    places = [i for i, node in enumerate(nodes) if node.operator in _DROPOUTS]
    if places:
        changed = [_of_share(node, share) if i in places else node for i, node in enumerate(nodes)]
        return replace(graph, train=replace(graph.train, nodes=tuple(changed)))
    linear = [i for i, node in enumerate(nodes) if node.operator == _LINEAR]
    return replace(graph, train=_inserted(graph.train, linear[-1], share)) if linear else graph


def _of_share(node: Node, share: float) -> Node:
    """dropout(input, p, train) with another p."""
    before, _, after = node.arguments
    return replace(node, arguments=(before, share, after))


def _inserted(graph: Graph, at: int, share: float) -> Graph:
    """A dropout of what comes into the linear layer at node `at`; what follows moves by one."""

    def moved(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return type(value)(moved(one) for one in value)
        if isinstance(value, dict) and "node" in value:
            return {"node": value["node"] + (value["node"] >= at)}
        return value

    linear = graph.nodes[at]
    drop = Node("aten.dropout.default", (linear.arguments[0], share, True), {})
    after = replace(linear, arguments=({"node": at}, *linear.arguments[1:]))
    rest = [
        replace(node, arguments=moved(node.arguments), named={n: moved(v) for n, v in node.named.items()})
        for node in graph.nodes[at + 1 :]
    ]
    return Graph((*graph.nodes[:at], drop, after, *rest), graph.output + (graph.output >= at))
