"""Random changes of whole batches of images, as tensors: no image is handled alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Augmentation:
    """Which changes are made. All are drawn from a generator, so that a step can be repeated."""

    flip: bool
    shift: int
    cutout: int

    def __call__(self, images: torch.Tensor, mirrored: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
        """Changed copies of uint8 images (b, size, size, channels); `mirrored` (b,) says which to flip."""
        if self.flip:
            images = torch.where(mirrored.to(images.device)[:, None, None, None], images.flip(2), images)
        if self.shift:
            images = shifted(images, self.shift, draw)
        if self.cutout:
            images = blanked(images, self.cutout, draw)
        return images


def sides(n: int, seed: int) -> torch.Tensor:
    """For each of n images, whether it is mirrored in even epochs; in odd ones it is the other way round.

    Alternating instead of drawing: in two epochs every image is seen from both sides.
    Source: Jordan (2024), airbench.
    """
    return torch.randint(0, 2, (n,), generator=torch.Generator().manual_seed(seed)).bool()


def shifted(images: torch.Tensor, most: int, draw: torch.Generator) -> torch.Tensor:
    """Each image moved by up to `most` pixels both ways; what comes in is the mirrored border."""
    n, size = len(images), images.shape[1]
    reach = min(most, size - 1)
    moves = torch.randint(-reach, reach + 1, (2, n, 1), generator=draw)
    places = (torch.arange(size) + moves).abs()
    places = torch.where(places >= size, 2 * size - 2 - places, places).to(images.device)
    every = torch.arange(n, device=images.device)[:, None, None]
    return images[every, places[0][:, :, None], places[1][:, None, :]]


def blanked(images: torch.Tensor, side: int, draw: torch.Generator) -> torch.Tensor:
    """A square of `side` pixels at a random place of each image set to 0, cut at the border."""
    n, size = len(images), images.shape[1]
    first = torch.randint(0, size, (2, n, 1), generator=draw) - side // 2
    inside = (torch.arange(size) >= first) & (torch.arange(size) < first + side)
    hole = (inside[0][:, :, None] & inside[1][:, None, :]).to(images.device)
    return images.masked_fill(hole[..., None], 0)
