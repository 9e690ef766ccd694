"""What shape pictures are decoded to, chosen from a sample where nobody asked for one."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from domain.errors import InputError
from domain.vision.images import Shape
from domain.vision.records import Look

SAMPLE = 256
SIZES = (16, 24, 28, 32, 48, 64, 96, 128, 160, 192, 224)
LARGEST = 512
_NEARLY_ALL = 0.95


def choose_shape(looks: Sequence[Look], greys: Sequence[bool], size: int = 0, channels: int = 0) -> Shape:
    """The shape for pictures like the sample's `looks`, of which `greys` tells the ones without colour.

    `size` and `channels` are what was asked for, 0 for nothing. Pictures of one square size keep it;
    others are covered by the smallest usual size that half of them reach, 224 at most. Grey only if the
    whole sample is. Raises InputError for what cannot be asked for and for an empty sample.
    """
    if size and not 8 <= size <= LARGEST:
        raise InputError(
            f"size {size} is not possible: ask for 8 to {LARGEST} points, or 0 to have it chosen"
        )
    if channels not in (0, 1, 3):
        raise InputError(f"{channels} channels are not possible: ask for 1 (grey), 3 (colour) or 0 (chosen)")
    if not looks:
        raise InputError("none of the pictures that were looked at can be decoded: are they pictures?")
    return Shape(size or _size(looks), channels or (1 if all(greys) else 3))


def _size(looks: Sequence[Look]) -> int:
    shapes = [(look.width, look.height) for look in looks]
    usual = max(set(shapes), key=shapes.count)
    if usual[0] == usual[1] <= SIZES[-1] and shapes.count(usual) >= _NEARLY_ALL * len(shapes):
        return max(usual[0], 8)
    wanted = median(min(shape) for shape in shapes)
    return next((size for size in SIZES if size >= wanted), SIZES[-1])
