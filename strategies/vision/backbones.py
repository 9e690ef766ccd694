"""Trained networks without their last layer, and a new last layer for other classes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from domain.errors import SettingError
from strategies.vision.learner import Rate
from strategies.vision.networks import TORCHVISION, build_network
from strategies.vision.weights import read_weights

_IMAGENET = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
"""Mean and deviation of pixels in [0, 255] with which torchvision's weights were trained."""


class Transferred(nn.Module):
    """A backbone and a head. In: float (b, channels, size, size). Out: logits (b, n_classes)."""

    def __init__(
        self, backbone: nn.Module, n_features: int, n_classes: int, channels: int, input_size: int
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = nn.Linear(n_features, n_classes)
        self.channels, self.input_size = channels, input_size
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """(b, n_features) of the backbone, which sees images in its own size and number of channels."""
        if x.shape[2] != self.input_size:
            side = (self.input_size, self.input_size)
            x = functional.interpolate(x, side, mode="bilinear", align_corners=False)
        if x.shape[1] != self.channels:
            x = x.expand(-1, self.channels, -1, -1)
        return torch.flatten(self.backbone(x), 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x))


def transferred(
    name: str, weights: Path, n_classes: int, channels: int, size: int, input_size: int
) -> Transferred:
    """The backbone `name` with the weights of a file, and a head of zeros.

    Raises SettingError where they do not fit each other or the images.
    """
    tensors = read_weights(weights)
    seen = next((int(t.shape[1]) for t in tensors.values() if t.ndim == 4), 3)
    if name.startswith(f"{TORCHVISION}:"):
        seen = 3
    if seen != channels and channels != 1:
        raise SettingError(
            f"the weights {weights} are for images of {seen} channel, but the dataset's have {channels}: "
            "choose others, or prepare the dataset in grey"
        )
    side = input_size or default_size(name, size)
    network = build_network(name, 2, seen, side, seed=0)
    last = last_layer(name, network)
    n_features = int(network.get_submodule(last).in_features)
    _load(network, tensors, last, name, weights)
    parent, _, leaf = last.rpartition(".")
    setattr(network.get_submodule(parent), leaf, nn.Identity())
    return Transferred(network, n_features, n_classes, seen, side)


def default_size(name: str, size: int) -> int:
    """Pixels a side that the backbone sees: hub networks see little in less than 96."""
    return max(96, size) if name.startswith(f"{TORCHVISION}:") else size


def last_layer(name: str, network: nn.Module) -> str:
    """The name of the layer that gives logits."""
    layers = [place for place, module in network.named_modules() if isinstance(module, nn.Linear)]
    if not layers:
        raise SettingError(f"backbone {name!r} does not end in a linear layer: choose another")
    return str(layers[-1])


def _load(network: nn.Module, tensors: Mapping[str, torch.Tensor], last: str, name: str, path: Path) -> None:
    kept = {n: t for n, t in tensors.items() if not n.startswith(f"{last}.")}
    own = {n: t for n, t in network.state_dict().items() if n.startswith(f"{last}.")}
    try:
        network.load_state_dict({**kept, **own})
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise SettingError(
            f"the weights {path} are not of backbone {name!r} ({first}): set the other"
        ) from error


def trained_moments(name: str, channels: int) -> tuple[list[float], list[float]] | None:
    """Mean and deviation that a hub's backbone expects; None for others, which take the dataset's."""
    if not name.startswith(f"{TORCHVISION}:"):
        return None
    mean, deviation = _IMAGENET
    if channels == 1:
        return [round(sum(mean) / 3, 4)], [round(sum(deviation) / 3, 4)]
    return list(mean), list(deviation)


def falling_rates(network: nn.Module, first: float) -> Rate:
    """Step sizes that fall geometrically from 1 at the head to `first` at the first layer."""
    names = [name for name, _ in network.named_parameters()]
    n_last = max(len(names) - 2, 1)
    # Rounded, or each parameter would be a group of its own.
    rates = {
        name: 1.0 if name.startswith("head.") else round(math.pow(first, 1 - at / n_last), 3)
        for at, name in enumerate(names)
    }
    return lambda name: max(rates[name], 1e-3)
