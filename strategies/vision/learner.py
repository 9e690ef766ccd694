"""A network with its optimiser and the running average of its weights; what a checkpoint keeps of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from strategies.vision.hyperparameters import LoopHyperparameters

AVERAGED_EVERY = 5
"""Steps between two updates of the average: each step would cost as much as the optimiser's."""

_ADAPTIVE: Mapping[str, Callable[..., torch.optim.Optimizer]] = {
    "adamw": torch.optim.AdamW,
    "adam": torch.optim.Adam,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "rmsprop": torch.optim.RMSprop,
}

Rate = Callable[[str], float]
"""By the name of a parameter, its step size as a share of the learning rate; 0 keeps it as it is."""


@dataclass
class Learner:
    """Changed in place by training. `average` has the names and shapes of the network's state."""

    network: nn.Module
    optimiser: torch.optim.Optimizer
    average: dict[str, torch.Tensor]
    horizon: int
    _live: dict[str, torch.Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._live = dict(self.network.state_dict())

    def set_rate(self, learning_rate: float) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate * group["share"]

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """Moves the average towards the weights, as an average over about `horizon` steps."""
        if step % AVERAGED_EVERY:
            return
        n = step // AVERAGED_EVERY
        keep = math.exp(-AVERAGED_EVERY / self.horizon) if self.horizon else 0.0
        # The first updates count for more, or the fresh weights would stay in it for long.
        self.move(min(keep, (1 + n) / (10 + n)))

    @torch.no_grad()
    def move(self, keep: float) -> None:
        """average ← keep · average + (1 − keep) · weights; counters are copied."""
        floats = [name for name, tensor in self._live.items() if tensor.is_floating_point()]
        if keep:
            ours, theirs = [self.average[n] for n in floats], [self._live[n] for n in floats]
            torch._foreach_lerp_(ours, theirs, 1 - keep)
        for name, tensor in self._live.items():
            if not keep or not tensor.is_floating_point():
                self.average[name].copy_(tensor)

    def tensors(self) -> dict[str, np.ndarray]:
        """For a checkpoint: weights., average. and optimiser. with everything that training goes on from."""
        parts: dict[str, torch.Tensor] = {}
        parts |= {f"weights.{name}": tensor for name, tensor in self._live.items()}
        parts |= {f"average.{name}": tensor for name, tensor in self.average.items()}
        for index, kept in self.optimiser.state_dict()["state"].items():
            parts |= {f"optimiser.{index}.{key}": torch.as_tensor(value) for key, value in kept.items()}
        return {name: tensor.detach().cpu().contiguous().numpy() for name, tensor in parts.items()}


def new_learner(
    network: nn.Module,
    config: LoopHyperparameters,
    tensors: Mapping[str, np.ndarray],
    device: str,
    rate: Rate = lambda _: 1.0,
) -> Learner:
    """The learner of a checkpoint's `tensors`; what they lack is as it is at the start."""
    load_weights(network, part_of(tensors, "weights"))
    network = network.to(device, memory_format=torch.channels_last)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(rate(name) > 0)
    optimiser = _optimiser(network, config, rate)
    _restore(optimiser, tensors)
    average = part_of(tensors, "average", device) or {
        name: tensor.detach().clone() for name, tensor in network.state_dict().items()
    }
    return Learner(network, optimiser, average, config.ema_steps)


def load_weights(network: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Sets what `weights` names; the rest of the network stays as it was built. Raises for unknown names."""
    network.load_state_dict({**network.state_dict(), **weights})


def part_of(tensors: Mapping[str, np.ndarray], part: str, device: str = "cpu") -> dict[str, torch.Tensor]:
    """The tensors named "`part`.…", by what follows."""
    prefix = f"{part}."
    # Copied: what a checkpoint holds may be read-only, and training changes in place.
    return {
        name.removeprefix(prefix): torch.from_numpy(np.array(array)).to(device)
        for name, array in tensors.items()
        if name.startswith(prefix)
    }


def _optimiser(network: nn.Module, config: LoopHyperparameters, rate: Rate) -> torch.optim.Optimizer:
    groups = []
    for (share, decayed), parameters in _grouped(network, rate).items():
        decay = config.weight_decay if decayed else 0.0
        groups.append({"params": parameters, "lr": 0.0, "share": share, "weight_decay": decay})
    if config.optimiser != "sgd":
        return _ADAPTIVE[config.optimiser](groups, lr=0.0)
    return torch.optim.SGD(groups, lr=0.0, momentum=config.momentum, nesterov=config.momentum > 0)


def _grouped(network: nn.Module, rate: Rate) -> dict[tuple[float, bool], Sequence[nn.Parameter]]:
    # Biases and the scales of normalisations have one axis; pulling them to zero only harms.
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if rate(name) > 0:
            groups.setdefault((rate(name), parameter.ndim > 1), []).append(parameter)
    return dict(groups)


def _restore(optimiser: torch.optim.Optimizer, tensors: Mapping[str, np.ndarray]) -> None:
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in part_of(tensors, "optimiser").items():
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = tensor
    if state:
        optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
