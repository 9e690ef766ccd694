"""The committee's networks: one hidden layer a member, all trained side by side as one batch of matrices.

The networks are proportional-odds models: a height plus one threshold a level. Source: McCullagh (1980).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from domain.errors import StrategyError

PARAMETERS = ("inner", "inner_bias", "outer", "direct", "thresholds")
_AVERAGING = 0.9
"""What is used is a running average of the weights, which is steadier than the weights."""

Floats = np.ndarray
Tensors = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Pace:
    """How the networks learn in one block."""

    learning_rate: float
    weight_decay: float
    dropout: float
    batch: int
    steps: int
    device: str = "cpu"
    heed: Callable[[], None] = lambda: None
    """Called at every step: what it raises ends the block."""


def new_networks(
    n_members: int, n_features: int, hidden: int, n_levels: int, seed: int
) -> dict[str, np.ndarray]:
    """Parameters before any training, with the optimiser's memory and the running average."""
    rng = np.random.default_rng(seed)
    first = {
        "inner": rng.normal(0, n_features**-0.5, (n_members, n_features, hidden)),
        "inner_bias": np.zeros((n_members, 1, hidden)),
        "outer": rng.normal(0, 0.5 * hidden**-0.5, (n_members, hidden, 1)),
        "direct": np.zeros((n_members, n_features, 1)),
        "thresholds": np.zeros((n_members, 1, n_levels)),
    }
    state = {name: value.astype(np.float32) for name, value in first.items()}
    state |= {f"{part}.{name}": np.zeros_like(state[name]) for name in first for part in ("first", "second")}
    state |= {f"average.{name}": state[name].copy() for name in first}
    return {**state, "steps": np.zeros(1, np.int64)}


def more_steps(
    state: Tensors, features: Floats, targets: Floats, seen: np.ndarray, pace: Pace, seed: int
) -> dict[str, np.ndarray]:
    """`pace.steps` batches further. The same input gives the same bytes.

    `targets` (n, levels) are 0 or 1, `seen` (members, n) says which member may learn from which row.
    Raises StrategyError when the loss is no longer a number.
    """
    with one_thread():
        return _more_steps(state, features, targets, seen, pace, seed)


def _more_steps(
    state: Tensors, features: Floats, targets: Floats, seen: np.ndarray, pace: Pace, seed: int
) -> dict[str, np.ndarray]:
    import torch

    device = torch.device(pace.device)
    weights = {name: torch.tensor(state[name], device=device, requires_grad=True) for name in PARAMETERS}
    averages = {name: torch.tensor(state[f"average.{name}"], device=device) for name in PARAMETERS}
    optimiser = _optimiser(weights, state, pace)
    shown, wanted, seeing = (
        torch.as_tensor(array, dtype=torch.float32, device=device) for array in (features, targets, seen)
    )
    dice = torch.Generator().manual_seed(seed)
    for rows in _batches(len(features), pace, dice):
        pace.heed()
        logits = _forward(weights, shown[rows], pace.dropout, dice)
        losses = torch.nn.functional.binary_cross_entropy_with_logits(
            logits, wanted[rows].expand_as(logits), reduction="none"
        )
        loss = (losses.mean(2) * seeing[:, rows]).sum() / len(rows)
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


def _batches(n_rows: int, pace: Pace, dice: Any) -> Iterator[Any]:
    """`pace.steps` batches of row numbers; every row comes once before any comes again."""
    import torch

    n_batches = max(1, round(n_rows / pace.batch))
    for step in range(pace.steps):
        if step % n_batches == 0:
            queue = torch.randperm(n_rows, generator=dice).tensor_split(n_batches)
        yield queue[step % n_batches].to(pace.device)


def _forward(weights: Mapping[str, Any], features: Any, dropout: float, dice: Any) -> Any:
    import torch

    inner = torch.nn.functional.silu(features @ weights["inner"] + weights["inner_bias"])
    if dropout > 0:
        kept = torch.rand(inner.shape, generator=dice).to(inner.device) >= dropout
        inner = inner * kept / (1 - dropout)
    return inner @ weights["outer"] + features @ weights["direct"] + weights["thresholds"]


def _optimiser(weights: Mapping[str, Any], state: Tensors, pace: Pace) -> Any:
    """AdamW that remembers what it knew at the end of the last block."""
    import torch

    decayed = [weights[name] for name in ("inner", "outer", "direct")]
    free = [weights[name] for name in ("inner_bias", "thresholds")]
    groups = [
        {"params": decayed, "weight_decay": pace.weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, lr=pace.learning_rate)
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


def network_exceedances(state: Tensors, features: Floats) -> Floats:
    """Probabilities (members, rows, levels) that the share exceeds each level, by the running average."""
    at = {name: state[f"average.{name}"] for name in PARAMETERS}
    raw = np.asarray(features, np.float32) @ at["inner"] + at["inner_bias"]
    inner = raw * _sigmoid(raw)
    return _sigmoid(inner @ at["outer"] + features @ at["direct"] + at["thresholds"])


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -60, 60))))
