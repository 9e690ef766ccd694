"""The default network: a small residual one, as deep as the images are large, as wide as time allows."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

WIDTHS = (16, 24, 32, 48, 64)
_MACS_PER_SECOND = {"cpu": 5e10, "cuda": 1e13}
"""Multiply-accumulates of a small network's training in a second (of one core; of one device), roughly."""
_LEAST_EPOCHS = 10


class Block(nn.Module):
    """Two 3×3 convolutions, added to what came in."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.second(self.first(x)))


class Residual(nn.Module):
    """Stem, halving stages that double the channels, mean over the picture, logits.

    In: float (b, channels, size, size). Out: (b, n_classes).
    """

    def __init__(self, n_classes: int, channels: int, size: int, width: int) -> None:
        super().__init__()
        stride, n_stages = depth_of(size)
        layers: list[nn.Module] = [_convolution(channels, width, stride, kernel=3 if stride == 1 else 7)]
        for stage in range(n_stages):
            layers.append(_convolution(width << stage, width << stage + 1, stride=2))
            # The last stage is small and costs weights, not time; a block there brought little.
            if stage < n_stages - 1 or n_stages == 1:
                layers.append(Block(width << stage + 1))
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(width << n_stages, n_classes)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """(b, width · 2^stages): what the last stage sees, averaged over the picture."""
        return self.body(x).mean(dim=(2, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x))


def _convolution(inside: int, outside: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU(inplace=True),
    )


def depth_of(size: int) -> tuple[int, int]:
    """Stride of the stem and number of halving stages, so that about 4×4 cells are left at the end."""
    stride = 1 if size <= 40 else 2 if size <= 96 else 4
    return stride, min(4, max(1, round(math.log2(max(8, size / stride) / 4))))


def macs_of(network: nn.Module, channels: int, size: int) -> int:
    """Multiply-accumulates of one image's way through the network's convolutions and linear layers."""
    total = 0

    def count(layer: Any, _inputs: Any, out: torch.Tensor) -> None:
        nonlocal total
        total += layer.weight.numel() * (out[0, 0].numel() if out.ndim == 4 else 1)

    counted = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in counted]
    was_training = network.training
    with torch.no_grad():
        network.eval()(torch.zeros(1, channels, size, size))
    network.train(was_training)
    for hook in hooks:
        hook.remove()
    return total


def fitting_width(
    n_train: int, n_classes: int, channels: int, size: int, seconds: float, device: str, cores: int
) -> int:
    """The largest width of which the budget allows ten epochs; without a budget, one by the device.

    `seconds` are of one core, or of a CUDA device; 0 for no budget.
    """
    kind = torch.device(device).type
    if seconds <= 0:
        return WIDTHS[-1] if kind == "cuda" else WIDTHS[0]
    room = seconds * _MACS_PER_SECOND.get(kind, 5e10) * cores
    for width in reversed(WIDTHS):
        network = Residual(n_classes, channels, size, width)
        if 3 * macs_of(network, channels, size) * n_train * _LEAST_EPOCHS <= room:
            return width
    return WIDTHS[0]
