"""Our own default network as a program: candidate 0 of every search, and what a patch may begin from.

It is `strategies.vision.residual.Residual`, written out: the same layers in the same order.
"""

from __future__ import annotations

_CODE = """\
import math

import torch
from torch import nn

WIDTH = {width}


def convolution(inside, outside, stride=1, kernel=3):
    return nn.Sequential(
        nn.Conv2d(inside, outside, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU(inplace=True),
    )


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.first = convolution(channels, channels)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x):
        return torch.relu(x + self.second(self.first(x)))


class Network(nn.Module):
    def __init__(self, num_classes, channels, size):
        super().__init__()
        stride = 1 if size <= 40 else 2 if size <= 96 else 4
        n_stages = min(4, max(1, round(math.log2(max(8, size / stride) / 4))))
        layers = [convolution(channels, WIDTH, stride, kernel=3 if stride == 1 else 7)]
        for stage in range(n_stages):
            layers.append(convolution(WIDTH * 2**stage, WIDTH * 2 ** (stage + 1), stride=2))
            if stage < n_stages - 1 or n_stages == 1:
                layers.append(Block(WIDTH * 2 ** (stage + 1)))
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(WIDTH * 2**n_stages, num_classes)

    def forward(self, x):
        return self.head(self.body(x).mean(dim=(2, 3)))


def build_model(num_classes, channels, size):
    return Network(num_classes, channels, size)
"""


def own_code(width: int) -> str:
    """Python source that defines `build_model`, for a stem of `width` channels."""
    return _CODE.format(width=width)
