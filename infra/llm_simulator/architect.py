"""A designer of networks with three kinds of its own and a few good habits: what its designs may be.

Every design has its numbers at the top ("WIDTH = 8"), so that a change is an edit of one line. What it may
get wrong is here too: code that breaks, that never ends, that is useless, or that wants out.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KINDS = ("good", "bad", "broken", "slow", "hostile")
HONEST: Mapping[str, float] = {"good": 0.75, "bad": 0.25}
MIXED: Mapping[str, float] = {"good": 0.4, "bad": 0.15, "broken": 0.2, "slow": 0.1, "hostile": 0.15}

Reply = dict[str, Any]
_HEAD = "import torch\nfrom torch import nn\n\nWIDTH = {width}\nDEPTH = {depth}\n\n"
_PLAIN = """
def build_model(num_classes, channels, size):
    layers, inside = [], channels
    for stage in range(DEPTH):
        outside = WIDTH * 2**stage
        layers += [nn.Conv2d(inside, outside, 3, padding=1, bias=False), nn.BatchNorm2d(outside), nn.ReLU()]
        if size // 2 ** (stage + 1) >= 2:
            layers.append(nn.MaxPool2d(2))
        inside = outside
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inside, num_classes))
"""
_RESIDUAL = """
class Block(nn.Module):
    def __init__(self, inside, outside, stride):
        super().__init__()
        self.first = nn.Conv2d(inside, outside, 3, stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outside)
        self.second = nn.Conv2d(outside, outside, 3, padding=1, bias=False)
        self.last = nn.BatchNorm2d(outside)
        self.short = nn.Conv2d(inside, outside, 1, stride, bias=False)

    def forward(self, x):
        inner = torch.relu(self.norm(self.first(x)))
        return torch.relu(self.short(x) + self.last(self.second(inner)))


class Network(nn.Module):
    def __init__(self, num_classes, channels, size):
        super().__init__()
        self.stem = nn.Conv2d(channels, WIDTH, 3, padding=1)
        self.blocks = nn.ModuleList(
            [Block(WIDTH * (stage + 1), WIDTH * (stage + 2), 2 if stage < 2 else 1) for stage in range(DEPTH)]
        )
        self.head = nn.Linear(WIDTH * (DEPTH + 1), num_classes)

    def forward(self, x):
        x = torch.relu(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean(dim=(2, 3)))


def build_model(num_classes, channels, size):
    return Network(num_classes, channels, size)
"""
_SEPARABLE = """
class Separable(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.deep = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.wide = nn.Conv2d(channels, 2 * channels, 1)
        self.narrow = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x):
        return x + self.narrow(nn.functional.gelu(self.wide(self.norm(self.deep(x)))))


def build_model(num_classes, channels, size):
    patch = 2 if size >= 8 else 1
    layers = [nn.Conv2d(channels, WIDTH, patch, patch), nn.BatchNorm2d(WIDTH)]
    layers += [Separable(WIDTH) for stage in range(DEPTH)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(WIDTH, num_classes))
"""
_BODIES: Mapping[str, tuple[str, str]] = {
    "plain": ("a plain stack of convolutions with batch normalisation", _PLAIN),
    "residual": ("residual blocks with a projection in every shortcut", _RESIDUAL),
    "separable": ("depthwise and pointwise convolutions around a shortcut", _SEPARABLE),
}
_BREAKS = (
    ("nn.Linear(", "nn.Linear(7 + "),
    ("import torch\n", "import torch, torchaudio\n"),
    ("return nn", "return undefined_layers(nn"),
    ("num_classes)\n", "num_classes\n"),
    ("\n\nWIDTH", "\n\ntry:\n    pass\nexcept Exception:\n    pass\n\nWIDTH"),
)
_SLOW = (
    "\ndef build_model(num_classes, channels, size):\n    while True:\n        WIDTH + 1\n",
    "\ndef build_model(num_classes, channels, size):\n    wide = [nn.Conv2d(channels, 4096, 3, padding=1)]\n"
    "    wide += [nn.Conv2d(4096, 4096, 3, padding=1) for stage in range(12)]\n"
    "    return nn.Sequential(*wide, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4096, num_classes))\n",
)
_ESCAPES = (
    "import os\n\nos.system('touch {marker}')\n",
    "import socket\n\nsocket.create_connection(('127.0.0.1', 9)).send(b'here')\n",
    "open('{marker}', 'w').write('here')\n",
    "[c for c in ().__class__.__base__.__subclasses__() if 'Popen' in str(c)][0](['touch', '{marker}'])\n",
    "torch.save(torch.zeros(1), '{marker}')\n",
    "nn.Module.__call__ = lambda self, x: x\n",
    "torch.ops.load_library('/tmp/none.so')\n",
    "torch.hub.load('nobody/nothing', 'model')\n",
)
MARKER = "/tmp/trainyard-simulated-escape"  # noqa: S108 - it is never made
"""What would exist if a hostile design had got out."""


@dataclass(frozen=True)
class Design:
    """A network of one family; small ones learn little in a short trial."""

    family: str
    width: int
    depth: int

    @property
    def idea(self) -> str:
        return f"{_BODIES[self.family][0]}, width {self.width}, depth {self.depth}"

    def code(self) -> str:
        return _HEAD.format(width=self.width, depth=self.depth) + _BODIES[self.family][1]


def design(kind: str, rng: random.Random) -> tuple[str, str]:
    """Idea and code of a design of that kind."""
    drawn = Design(rng.choice(sorted(_BODIES)), rng.choice((8, 12, 16, 24)), rng.choice((1, 2, 3)))
    if kind == "bad":
        poor = Design("plain", rng.choice((2, 3)), 1)
        return poor.idea, poor.code().replace("nn.ReLU()", "nn.Sigmoid()")
    code = drawn.code()
    if kind == "broken":
        usable = [pair for pair in _BREAKS if pair[0] in code]
        wrong, instead = rng.choice(usable)
        return drawn.idea, code.replace(wrong, instead, 1)
    if kind == "slow":
        return "as large as it gets", _HEAD.format(width=drawn.width, depth=1) + rng.choice(_SLOW)
    if kind == "hostile":
        escape = rng.choice(_ESCAPES).format(marker=MARKER)
        return drawn.idea, code.replace("\n\nWIDTH", f"\n{escape}\nWIDTH", 1)
    return drawn.idea, code


def drawn_kind(shares: Mapping[str, float], rng: random.Random) -> str:
    return rng.choices(list(shares), list(shares.values()))[0]


def recipe(kind: str, most_epochs: int, rng: random.Random) -> dict[str, Any]:
    """Hyperparameters as models propose them; those of a bad design are far too timid."""
    optimiser = rng.choice(("sgd", "adamw", "adam", "rmsprop"))
    rate = {"sgd": 0.4, "adamw": 3e-3, "adam": 2e-3, "rmsprop": 1e-3}[optimiser]
    rate *= rng.choice((0.25, 0.5, 1.0)) if kind != "bad" else 0.01
    return {
        "optimiser": optimiser,
        "learning_rate": round(rate, 6),
        "batch": rng.choice((32, 64, 128)),
        "weight_decay": rng.choice((0.0, 5e-4, 5e-3)),
        "dropout": rng.choice((0.0, 0.1, 0.2)),
        "label_smoothing": rng.choice((0.0, 0.1)),
        "epochs": most_epochs,
    }


def numbers_of(code: str) -> dict[str, int]:
    """The numbers at the top of a design: "WIDTH = 8"."""
    return {found[1]: int(found[2]) for found in re.finditer(r"^([A-Z]+) = (\d+)$", code, re.MULTILINE)}


def mended(code: str) -> str | None:
    """The code without what breaks it; None where it is not one of ours, or was meant."""
    for right, wrong in _BREAKS:
        if wrong in code:
            return code.replace(wrong, right, 1)
    return None
