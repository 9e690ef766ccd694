"""The decoded images of one split, ready to be taken in batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from domain.errors import StrategyError
from domain.kinds import Split
from strategies.base import VisionData

_RESIDENT_BYTES = {"cpu": 2 * 10**9, "cuda": 16 * 10**9}
"""Splits up to this size are held in the device's memory; larger ones are read as they are needed."""
_SAMPLE = 20_000


@dataclass(frozen=True)
class Pixels:
    """Images of a split, uint8 (n, size, size, channels), and their labels (n,) on `device`.

    `resident` is None where the images stay on disk, mapped.
    """

    mapped: np.ndarray
    rows: np.ndarray
    labels: torch.Tensor
    resident: torch.Tensor | None
    device: str

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def channels(self) -> int:
        return int(self.mapped.shape[3])

    @property
    def size(self) -> int:
        return int(self.mapped.shape[1])

    def take(self, indices: torch.Tensor) -> torch.Tensor:
        """The images (b, size, size, channels) at `indices` of the split, on the device."""
        if self.resident is not None:
            return self.resident.index_select(0, indices.to(self.resident.device))
        return torch.from_numpy(self.mapped[self.rows[indices.cpu().numpy()]]).to(self.device)


def read_pixels(data: VisionData, split: Split, device: str) -> Pixels:
    """The images of `split`. Raises StrategyError where the file is not what its rows say."""
    mapped = mapped_images(data)
    rows = data.rows[data.rows["split"] == split.value]
    at = rows["row"].to_numpy(np.int64)
    n_bytes = len(at) * int(np.prod(mapped.shape[1:]))
    limit = _RESIDENT_BYTES.get(torch.device(device).type, 0)
    resident = torch.from_numpy(np.take(mapped, at, axis=0)).to(device) if n_bytes <= limit else None
    labels = torch.from_numpy(rows["label"].to_numpy(np.int64).copy()).to(device)
    return Pixels(mapped, at, labels, resident, device)


def mapped_images(data: VisionData) -> np.ndarray:
    """All decoded images, mapped read-only. Raises StrategyError for a file of another shape."""
    try:
        mapped = np.load(data.images_path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise StrategyError(
            f"the decoded images {data.images_path} cannot be read ({error}): prepare the dataset again"
        ) from error
    square = mapped.ndim == 4 and mapped.shape[1] == mapped.shape[2] and mapped.shape[3] in (1, 3)
    if mapped.dtype != np.uint8 or not square:
        raise StrategyError(
            f"{data.images_path} holds {mapped.dtype} {mapped.shape}, not uint8 (n, size, size, 1 or 3): "
            "prepare the dataset again"
        )
    if len(data.rows) and int(data.rows["row"].max()) >= len(mapped):
        raise StrategyError(
            f"{data.images_path} holds {len(mapped)} images, but a row names image "
            f"{int(data.rows['row'].max())}: prepare the dataset again"
        )
    return np.asarray(mapped) if not isinstance(mapped, np.memmap) else mapped


def channel_moments(data: VisionData) -> tuple[list[float], list[float]]:
    """Mean and deviation of each channel, of pixels in [0, 255], over (a sample of) the training images."""
    train = data.rows.loc[data.rows["split"] == Split.TRAIN.value, "row"].to_numpy(np.int64)
    # Every k-th row and not the first ones: archives are sorted by class.
    sample = mapped_images(data)[np.sort(train)[:: max(1, len(train) // _SAMPLE)]]
    shape = (-1, sample.shape[3])
    counts = np.stack([np.bincount(channel, minlength=256) for channel in sample.reshape(shape).T])
    levels, n = np.arange(256), counts.sum(axis=1)
    mean = counts @ levels / n
    variance = counts @ levels**2 / n - mean**2
    # A channel that never changes carries nothing; 1 keeps it finite.
    deviation = np.where(variance > 1, np.sqrt(np.maximum(variance, 0)), 1.0)
    return [round(float(m), 4) for m in mean], [round(float(d), 4) for d in deviation]
