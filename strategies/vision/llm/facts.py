"""What a designer is told about the images, and what its networks may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from domain.kinds import Split
from domain.vision.programs import NetworkLimits
from strategies.base import VisionData
from strategies.vision.llm.hyperparameters import LlmHyperparameters
from strategies.vision.residual import Residual, fitting_width, macs_of
from strategies.vision.training import channels_and_size

_MOST_CLASSES, _LONGEST_NAME = 50, 40
_TIMES_OWN = 10
_MOST_VALIDATION = 5000


def facts_of(data: VisionData, config: LlmHyperparameters, limits: NetworkLimits) -> dict[str, Any]:
    channels, size = channels_and_size(data)
    train = data.rows[data.rows["split"] == Split.TRAIN.value]
    counts = train["label"].value_counts()
    return {
        "images": {
            "num_classes": len(data.classes),
            "channels": channels,
            "size": size,
            "n_train": len(train),
            "n_validation": int((data.rows["split"] == Split.VALIDATION.value).sum()),
            "images_of_rarest_class": int(counts.min()),
            "images_of_commonest_class": int(counts.max()),
            "classes": [name[:_LONGEST_NAME] for name in data.classes[:_MOST_CLASSES]],
        },
        "limits": {
            "n_parameters": limits.n_parameters,
            "flops_per_image": limits.flops_per_image,
            "epochs": config.epochs,
        },
        "trials": f"{config.trial_epochs} epochs on up to {config.trial_images} images, then twice and four "
        "times as many for the better ones",
        "device": torch.device(data.surroundings.device).type,
    }


def own_width(data: VisionData, config: LlmHyperparameters) -> int:
    """Of our own network: what the winner's share of the budget allows."""
    channels, size = channels_and_size(data)
    n_train = int((data.rows["split"] == Split.TRAIN.value).sum())
    seconds = config.budget_seconds * (1 - config.search_share) / config.seeds
    device = data.surroundings.device
    wall = config.budget_clock == "wall" and torch.device(device).type == "cpu"
    cores = torch.get_num_threads() if wall else 1
    return fitting_width(n_train, len(data.classes), channels, size, seconds, device, cores)


def limits_of(data: VisionData, config: LlmHyperparameters) -> NetworkLimits:
    """The user's, or some times what our own network takes; never less than that."""
    channels, size = channels_and_size(data)
    own = Residual(len(data.classes), channels, size, own_width(data, config))
    n_parameters = sum(p.numel() for p in own.parameters())
    flops = 2 * macs_of(own, channels, size)
    most_flops = int(config.most_mflops * 1e6) or max(20_000_000, _TIMES_OWN * flops)
    most_parameters = config.most_parameters or max(1_000_000, _TIMES_OWN * n_parameters)
    return NetworkLimits(
        n_parameters=max(most_parameters, n_parameters), flops_per_image=max(most_flops, flops)
    )


def trial_data(data: VisionData, most_images: int, seed: int) -> VisionData:
    """The subset on which trials are trained and compared: of all classes alike, the same for a seed."""
    rows = data.rows
    drawn = np.random.default_rng(seed)
    train = _some(rows["split"].to_numpy() == Split.TRAIN.value, rows["label"].to_numpy(), most_images, drawn)
    held = _some(
        rows["split"].to_numpy() == Split.VALIDATION.value, rows["label"].to_numpy(), _MOST_VALIDATION, drawn
    )
    return replace(data, rows=rows.iloc[np.sort(np.concatenate([train, held]))])


def _some(where: np.ndarray, labels: np.ndarray, most: int, drawn: np.random.Generator) -> Sequence[int]:
    """Places where `where` holds: all, or `most` of them, with each class's share as it is (at least one)."""
    places = drawn.permutation(np.flatnonzero(where))
    if len(places) <= most:
        return places  # type: ignore[return-value]
    kept = []
    for label in np.unique(labels[places]):
        own = places[labels[places] == label]
        kept.append(own[: max(1, round(most * len(own) / len(places)))])
    return np.concatenate(kept)  # type: ignore[return-value]
