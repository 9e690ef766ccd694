"""What a frozen backbone says of images, computed by several processes at once."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from strategies.base import Surroundings
from strategies.spreading import Part
from strategies.vision.backbones import Transferred, transferred
from strategies.vision.features import AT_ONCE, computed
from strategies.vision.loop import Course
from strategies.vision.networks import OWN, TORCHVISION
from strategies.vision.pixels import Pixels

_MOST_BATCHES = 8
"""Of a part: a thousand images, some seconds of one core."""
_FEWEST_PARTS = 8


@dataclass(frozen=True)
class Origin:
    """What a backbone is made of, so that another process can make the same; see `transferred`."""

    name: str
    weights: Path
    n_classes: int
    channels: int
    size: int
    input_size: int

    def build(self) -> Transferred:
        return transferred(self.name, self.weights, self.n_classes, self.channels, self.size, self.input_size)

    @property
    def is_everywhere(self) -> bool:
        """Whether other machines have its code: they lack a user's own."""
        return self.name.partition(":")[0] in (TORCHVISION, OWN)


def features(
    network: Transferred, origin: Origin, course: Course, pixels: Pixels, near: Surroundings
) -> np.ndarray:
    """Features (n, d) in float32 of all `pixels`, by other processes where this place has some.

    A graphics card of one's own is faster than they are.
    """
    starts = range(0, len(pixels), AT_ONCE)
    if near.spread is None or pixels.device != "cpu" or not origin.is_everywhere or len(starts) < 2:
        return np.asarray(computed(network, course, pixels, near.heed_stop))
    # Whole batches: what is in one batch may change a last digit.
    at_once = AT_ONCE * max(1, min(_MOST_BATCHES, len(starts) // _FEWEST_PARTS))
    told = {
        "origin": [origin.name, origin.n_classes, origin.channels, origin.size, origin.input_size],
        "mean": course.mean.tolist(),
        "deviation": course.deviation.tolist(),
    }
    parts = (
        Part(told, {"images": pixels.take(torch.arange(start, min(start + at_once, len(pixels)))).numpy()})
        for start in range(0, len(pixels), at_once)
    )
    return np.concatenate(
        near.spread(
            features_of_part, {f"weights{origin.weights.suffix}": origin.weights}, parts, near.heed_stop
        )
    )


def features_of_part(files: Mapping[str, Path], part: Part) -> np.ndarray:
    """The features of a part's images; `files` are the backbone's weights."""
    name, n_classes, channels, size, input_size = part.told["origin"]
    ((called, weights),) = files.items()
    network = _built(Origin(name, weights, n_classes, channels, size, input_size), Path(called).suffix)
    images = part.arrays["images"]
    course = Course(
        seed=0,
        mean=torch.tensor(part.told["mean"]),
        deviation=torch.tensor(part.told["deviation"]),
        weights=None,
        odds=None,
        bf16=False,
    )
    rows = np.arange(len(images))
    pixels = Pixels(images, rows, torch.zeros(len(images), dtype=torch.long), None, "cpu")
    return np.asarray(computed(network, course, pixels, lambda: None))


@lru_cache(maxsize=1)
def _built(origin: Origin, suffix: str) -> Transferred:
    """The network; `suffix` is that of the weights' own name, by which their format is known."""
    with tempfile.TemporaryDirectory() as folder:
        named = Path(folder) / f"weights{suffix}"
        named.symlink_to(origin.weights.resolve())
        return replace(origin, weights=named).build()
