"""A small set of labelled images, decoded: scikit-learn's handwritten digits, 8 by 8 and grey."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.datasets import load_digits

from domain.identity import hash_bytes
from strategies.base import Surroundings, VisionData

DIGITS = load_digits()
IMAGES = (DIGITS.images * 15.9).astype(np.uint8)[..., None]
LABELS = DIGITS.target.astype(np.int64)
N_SHOWN = 1000
"""The rest of the digits is never shown to a strategy."""


def gallery(place: Path, digits: range = range(10), n: int = N_SHOWN, channels: int = 1) -> VisionData:
    """The first `n` images of these digits as a strategy sees them; a fifth of them is validation."""
    place.mkdir(parents=True, exist_ok=True)
    images = np.repeat(IMAGES[:n], channels, axis=3)
    np.save(place / "images.npy", images)
    chosen = np.flatnonzero(np.isin(LABELS[:n], list(digits)))
    rows = pd.DataFrame(
        {
            "row": chosen,
            "image_id": [hash_bytes(images[i].tobytes()) for i in chosen],
            "path": [f"{LABELS[i]}/{i}.png" for i in chosen],
            "class_name": [str(LABELS[i]) for i in chosen],
            "label": [list(digits).index(LABELS[i]) for i in chosen],
            "split": np.where(np.arange(len(chosen)) % 5 == 0, "validation", "train"),
        }
    )
    fingerprint = hash_bytes(images[chosen].tobytes())
    surroundings = Surroundings(scratch=place / "scratch")
    return VisionData(place / "images.npy", rows, tuple(map(str, digits)), fingerprint, surroundings)


def unseen(channels: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels that no strategy was shown."""
    return np.repeat(IMAGES[N_SHOWN:], channels, axis=3), LABELS[N_SHOWN:]


def plain_network(n_classes: int, channels: int, size: int) -> torch.nn.Module:
    """What a user may bring: no normalisation, so that parts of a batch are independent."""
    return torch.nn.Sequential(
        torch.nn.Conv2d(channels, 16, 3, stride=2, padding=1),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(16 * ((size + 1) // 2) ** 2, n_classes),
    )


def forgetful_network(n_classes: int, channels: int, size: int) -> torch.nn.Module:
    """A network that draws at random in training."""
    return torch.nn.Sequential(torch.nn.Dropout(0.3), plain_network(n_classes, channels, size))


def not_a_network(n_classes: int, channels: int, size: int) -> Any:
    return "a network"
