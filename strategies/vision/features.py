"""What a frozen backbone says of each image, computed once; and a linear layer learnt on it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from domain.identity import fingerprint
from domain.kinds import Split
from strategies.base import VisionData
from strategies.vision.backbones import Transferred
from strategies.vision.loop import Course
from strategies.vision.pixels import Pixels, read_pixels

Floats = np.ndarray
AT_ONCE = 128
_MOST_STEPS = 60


@dataclass(frozen=True)
class Head:
    """A linear layer: logits = features · weightᵀ + bias. `weight` is (n_classes, n_features)."""

    weight: Floats
    bias: Floats

    def logits(self, features: Floats) -> Floats:
        return np.asarray(features @ self.weight.T + self.bias)


def features_of(
    compute: Callable[[Pixels], Floats], course: Course, data: VisionData, split: Split, identity: str
) -> tuple[Floats, np.ndarray]:
    """Features (n, d) in float32 and labels (n,) of a split; `scratch` keeps the features.

    `compute` gives those of pixels; `identity` says by which backbone with which weights.
    """
    pixels = read_pixels(data, split, data.surroundings.device)
    rows = data.rows[data.rows["split"] == split.value]
    # The images and not the dataset's fingerprint alone: a wrong hit would train on another's.
    seen = [identity, data.fingerprint, course.mean.tolist(), course.deviation.tolist()]
    name = fingerprint([*seen, rows["image_id"].astype(str).tolist(), rows["row"].astype(int).tolist()])
    place = data.surroundings.scratch / "features" / f"{name}.npy"
    if not place.is_file():
        _keep(place, compute(pixels))
    return np.load(place, allow_pickle=False), pixels.labels.cpu().numpy()


@torch.no_grad()
def computed(network: Transferred, course: Course, pixels: Pixels, heed: Callable[[], None]) -> Floats:
    """The features of all `pixels`; `heed` is called before each batch, what it raises ends it."""
    network = network.eval().to(pixels.device)

    def part(start: int) -> torch.Tensor:
        heed()
        chosen = torch.arange(start, min(start + AT_ONCE, len(pixels)))
        return network.features(course.normal(pixels.take(chosen))).float()

    parts = [part(start) for start in range(0, len(pixels), AT_ONCE)]
    return np.asarray(torch.cat(parts).cpu().numpy())


def _keep(place: Path, features: Floats) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = place.with_suffix(f".{uuid.uuid4().hex}")
    try:
        with partial.open("wb") as file:
            np.save(file, features, allow_pickle=False)
        partial.replace(place)
    finally:
        # Still there where the disk was full.
        partial.unlink(missing_ok=True)


def learn_head(
    features: Floats, labels: np.ndarray, weights: torch.Tensor | None, n_classes: int, strength: float
) -> Head:
    """The most likely linear layer, its weights pulled to zero by `strength` per image.

    Multinomial logistic regression on features of mean 0 and deviation 1; `weights` are of classes.
    """
    x, truth = torch.from_numpy(features).float(), torch.from_numpy(labels)
    mean, deviation = x.mean(0), x.std(0).clamp(min=1e-4)
    x = (x - mean) / deviation
    weight = torch.zeros(n_classes, x.shape[1], requires_grad=True)
    bias = torch.zeros(n_classes, requires_grad=True)
    search = torch.optim.LBFGS([weight, bias], max_iter=_MOST_STEPS, line_search_fn="strong_wolfe")

    def surprise() -> torch.Tensor:
        search.zero_grad()
        each = functional.cross_entropy(x @ weight.T + bias, truth, weights, reduction="none")
        loss = each.mean() + strength / 2 * weight.square().sum()
        loss.backward()
        return loss

    search.step(surprise)
    found = (weight / deviation).detach()
    return Head(found.numpy(), (bias.detach() - found @ mean).numpy())
