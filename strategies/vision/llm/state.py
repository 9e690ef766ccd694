"""The state of a search from iteration to iteration, as it lies in a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from domain.vision.graph import NetworkGraph, parse_graph
from domain.vision.programs import Figures
from strategies.base import Checkpoint
from strategies.vision.llm.asking import Asking
from strategies.vision.llm.hyperparameters import LlmHyperparameters
from strategies.vision.llm.journal import Entry, own_recipe
from strategies.vision.llm.trial import Contender

_MOST_NODES, _MOST_PARAMETERS = 100_000, 1_000_000_000
"""Of a graph in our own checkpoint, which was held against the search's limits when it was made."""


@dataclass(frozen=True)
class Searched:
    """`best` is a number of the journal, -1 before the first round; `ended` says why the search is over."""

    journal: tuple[Entry, ...]
    best: int
    rounds: int
    since_best: int
    ended: str
    n_calls: int
    n_tokens: int
    cost_usd: float | None
    spent_seconds: float

    @staticmethod
    def of(state: Mapping[str, Any]) -> Searched:
        told = dict(state.get("search") or {})
        if not told:
            return Searched((), -1, 0, 0, "", 0, 0, 0.0, 0.0)
        return Searched(**{**told, "journal": tuple(Entry.from_json(one) for one in told["journal"])})

    def described(self) -> dict[str, Any]:
        return {**vars(self), "journal": [entry.described() for entry in self.journal]}

    def asking(self, config: LlmHyperparameters) -> Asking:
        return Asking(config.max_calls, config.max_usd, self.n_calls, self.n_tokens, self.cost_usd)

    @property
    def winner(self) -> Entry:
        return self.journal[self.best]


def graph_tensor(graph: NetworkGraph) -> np.ndarray:
    """The graph's JSON as bytes: in a checkpoint's JSON it would be text in text."""
    return np.frombuffer(graph.to_json().encode(), np.uint8)


def rebuilt(tensors: Mapping[str, np.ndarray], name: str, entry: Entry) -> Contender:
    """The contender whose graph is the tensor `name`. Its weights are zeros: those that were learnt are
    beside it in the checkpoint."""
    graph = graph_in(tensors, name)
    return Contender(entry.number, graph, zeros_for(graph), Figures(**entry.figures), own_recipe(entry))


def graph_in(tensors: Mapping[str, np.ndarray], name: str) -> NetworkGraph:
    """What `graph_tensor` made a tensor of. Raises InputError where it holds no graph."""
    return parse_graph(tensors[name].tobytes(), _MOST_NODES, _MOST_PARAMETERS)


def zeros_for(graph: NetworkGraph) -> dict[str, np.ndarray]:
    return {tensor: np.zeros(spec.shape, spec.dtype) for tensor, spec in graph.tensors.items()}


def part(tensors: Mapping[str, np.ndarray], name: str, called: str = "") -> dict[str, np.ndarray]:
    """The tensors "`name`.…", their first part `called` otherwise."""
    return {
        f"{called or name}.{key.removeprefix(name + '.')}": array
        for key, array in tensors.items()
        if key.startswith(f"{name}.")
    }


def metrics_of(checkpoint: Checkpoint | None, before: Mapping[str, float]) -> dict[str, float]:
    """Those of the round's best trial; of the iteration before where no candidate could be tried."""
    names: Sequence[str] = ("loss", "accuracy", "macro_f1", "log_loss")
    source = checkpoint.metrics if checkpoint is not None else before
    return {name: source[name] for name in names if name in source}
