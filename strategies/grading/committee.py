"""A committee of small networks that grade from features alone, so items never seen too.

Each member is blind to one fold of the items. A known item is graded by the member that was blind to
it, so what the committee says of the item's graded answers is as honest as what it will say of new
ones; an unseen item is graded by all members together.

The networks give the probabilities that the share of max_score exceeds each of `LEVELS` (a
proportional-odds ordinal model); their mean is the expected share. Source: McCullagh (1980).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from domain.errors import StrategyError

N_LEVELS = 8
LEVELS = (np.arange(N_LEVELS) + 0.5) / N_LEVELS
WIDEST = 4.0
"""Standardised features are clipped to ± this."""
_AVERAGING = 0.9
_PARAMETERS = ("inner", "inner_bias", "outer", "direct", "thresholds")

Floats = np.ndarray
Tensors = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Lesson:
    """What a block of training needs. `fold[i]` is the member that may not learn from row i."""

    features: Floats
    shares: Floats
    fold: np.ndarray
    learning_rate: float
    weight_decay: float
    dropout: float
    batch: int
    steps: int
    seed: int
    device: str = "cpu"


def folds_of_items(item_ids: np.ndarray, n_members: int, seed: int) -> np.ndarray:
    """A fold a row: whole items where there are several, single rows where there is one item only."""
    items = np.unique(item_ids)
    rng = np.random.default_rng(seed)
    if len(items) == 1:
        return rng.permutation(len(item_ids)) % min(n_members, len(item_ids))
    place = np.empty(len(items), int)
    place[rng.permutation(len(items))] = np.arange(len(items)) % min(n_members, len(items))
    return place[np.searchsorted(items, item_ids)]


def new_committee(n_members: int, n_features: int, hidden: int, seed: int) -> dict[str, np.ndarray]:
    """Parameters before any training, with the optimiser's memory and the running average."""
    rng = np.random.default_rng(seed)
    first = {
        "inner": rng.normal(0, n_features**-0.5, (n_members, n_features, hidden)),
        "inner_bias": np.zeros((n_members, 1, hidden)),
        "outer": rng.normal(0, 0.5 * hidden**-0.5, (n_members, hidden, 1)),
        "direct": np.zeros((n_members, n_features, 1)),
        "thresholds": np.zeros((n_members, 1, N_LEVELS)),
    }
    state = {name: value.astype(np.float32) for name, value in first.items()}
    state |= {f"{part}.{name}": np.zeros_like(state[name]) for name in first for part in ("first", "second")}
    state |= {f"average.{name}": state[name].copy() for name in first}
    return {**state, "steps": np.zeros(1, np.int64)}


def train_block(state: Tensors, lesson: Lesson) -> dict[str, np.ndarray]:
    """`lesson.steps` batches further. The same state and lesson give the same bytes.

    Raises StrategyError when the loss is no longer a number.
    """
    import torch

    with one_thread():
        return _train_block(state, lesson, torch.device(lesson.device))


def _train_block(state: Tensors, lesson: Lesson, device: Any) -> dict[str, np.ndarray]:
    import torch

    weights = {name: torch.tensor(state[name], device=device, requires_grad=True) for name in _PARAMETERS}
    averages = {name: torch.tensor(state[f"average.{name}"], device=device) for name in _PARAMETERS}
    optimiser = _optimiser(weights, state, lesson)
    features = torch.as_tensor(lesson.features, dtype=torch.float32, device=device)
    targets = torch.as_tensor(lesson.shares[:, None] > LEVELS, device=device).float()
    members = np.arange(state["inner"].shape[0])[:, None]
    seen = torch.as_tensor((lesson.fold != members) | (len(members) == 1), device=device).float()
    dice = torch.Generator().manual_seed(lesson.seed)
    for rows in _batches(len(features), lesson, dice):
        logits = _forward(weights, features[rows], lesson.dropout, dice)
        losses = torch.nn.functional.binary_cross_entropy_with_logits(
            logits, targets[rows].expand_as(logits), reduction="none"
        )
        loss = (losses.mean(2) * seen[:, rows]).sum() / len(rows)
        if not torch.isfinite(loss):
            raise StrategyError(f"the loss became {loss.item()}: lower learning_rate")
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        for name, average in averages.items():
            average.lerp_(weights[name].detach(), 1 - _AVERAGING)
    return _state_of(weights, averages, optimiser)


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread: as fast for small networks, and the same bytes on any number of cores."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _batches(n_rows: int, lesson: Lesson, dice: Any) -> Iterator[Any]:
    """`lesson.steps` batches of row numbers; every row comes once before any comes again."""
    import torch

    n_batches = max(1, round(n_rows / lesson.batch))
    for step in range(lesson.steps):
        if step % n_batches == 0:
            queue = torch.randperm(n_rows, generator=dice).tensor_split(n_batches)
        yield queue[step % n_batches].to(lesson.device)


def _forward(weights: Mapping[str, Any], features: Any, dropout: float, dice: Any) -> Any:
    import torch

    inner = torch.nn.functional.silu(features @ weights["inner"] + weights["inner_bias"])
    if dropout > 0:
        kept = torch.rand(inner.shape, generator=dice).to(inner.device) >= dropout
        inner = inner * kept / (1 - dropout)
    return inner @ weights["outer"] + features @ weights["direct"] + weights["thresholds"]


def _optimiser(weights: Mapping[str, Any], state: Tensors, lesson: Lesson) -> Any:
    """AdamW that remembers what it knew at the end of the last block."""
    import torch

    decayed = [weights[name] for name in ("inner", "outer", "direct")]
    free = [weights[name] for name in ("inner_bias", "thresholds")]
    groups = [
        {"params": decayed, "weight_decay": lesson.weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=lesson.learning_rate)
    for name, weight in weights.items():
        optimiser.state[weight] = {
            "step": torch.tensor(float(state["steps"][0])),
            "exp_avg": torch.tensor(state[f"first.{name}"], device=weight.device),
            "exp_avg_sq": torch.tensor(state[f"second.{name}"], device=weight.device),
        }
    return optimiser


def _state_of(
    weights: Mapping[str, Any], averages: Mapping[str, Any], optimiser: Any
) -> dict[str, np.ndarray]:
    memory = {name: optimiser.state[weight] for name, weight in weights.items()}
    state = {name: weight.detach().cpu().numpy() for name, weight in weights.items()}
    state |= {f"first.{name}": kept["exp_avg"].cpu().numpy() for name, kept in memory.items()}
    state |= {f"second.{name}": kept["exp_avg_sq"].cpu().numpy() for name, kept in memory.items()}
    state |= {f"average.{name}": average.cpu().numpy() for name, average in averages.items()}
    steps = int(memory["inner"]["step"].item())
    return {**state, "steps": np.array([steps], np.int64)}


def exceedances(state: Tensors, features: Floats) -> Floats:
    """Probabilities (members, rows, levels) that the share exceeds each level, by the running average."""
    at = {name: state[f"average.{name}"] for name in _PARAMETERS}
    raw = np.asarray(features, np.float32) @ at["inner"] + at["inner_bias"]
    inner = raw * _sigmoid(raw)
    return _sigmoid(inner @ at["outer"] + features @ at["direct"] + at["thresholds"])


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -60, 60))))


def of_member(by_member: Floats, fold: np.ndarray) -> Floats:
    """For each row the values of the member named by `fold`, or of all members' mean where it is -1."""
    rows = np.arange(by_member.shape[1])
    chosen: Floats = np.where(
        (fold < 0).reshape(-1, *[1] * (by_member.ndim - 2)),
        by_member.mean(axis=0),
        by_member[np.maximum(fold, 0), rows],
    )
    return chosen


def to_onnx(state: Tensors, centre: Floats, scale: Floats) -> bytes:
    """The committee as an ONNX graph: raw `features` (n, f) → `exceedances` (members, n, levels)."""
    from onnx import TensorProto, checker, helper, numpy_helper

    constants = {name: state[f"average.{name}"] for name in _PARAMETERS}
    limits = {"lowest": np.array(-WIDEST), "highest": np.array(WIDEST)}
    constants |= {"centre": centre, "scale": scale, **limits}
    nodes = [
        helper.make_node("Sub", ["features", "centre"], ["centred"]),
        helper.make_node("Div", ["centred", "scale"], ["scaled"]),
        helper.make_node("Clip", ["scaled", "lowest", "highest"], ["clipped"]),
        helper.make_node("MatMul", ["clipped", "inner"], ["inner_product"]),
        helper.make_node("Add", ["inner_product", "inner_bias"], ["raw"]),
        helper.make_node("Sigmoid", ["raw"], ["gate"]),
        helper.make_node("Mul", ["raw", "gate"], ["hidden"]),
        helper.make_node("MatMul", ["hidden", "outer"], ["outer_product"]),
        helper.make_node("MatMul", ["clipped", "direct"], ["direct_product"]),
        helper.make_node("Add", ["outer_product", "direct_product"], ["both"]),
        helper.make_node("Add", ["both", "thresholds"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["exceedances"]),
    ]
    members = int(constants["inner"].shape[0])
    graph = helper.make_graph(
        nodes,
        "committee",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", len(centre)])],
        [helper.make_tensor_value_info("exceedances", TensorProto.FLOAT, [members, "n", N_LEVELS])],
        [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="trainyard")
    model.ir_version = 9
    checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))
