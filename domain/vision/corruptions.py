"""Simple ways in which photographs go wrong, to see how a classifier bears them.

Each takes images uint8 (n, size, size, channels) and a severity from 1 to 5, and gives new images of the
same shape. Source of the idea and of the five levels: Hendrycks and Dietterich (2019).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from domain.errors import SettingError

Images = npt.NDArray[np.uint8]
Corruption = Callable[[Images, int, int], Images]
"""(images, severity, seed) → images. Only noise draws; the others ignore the seed."""

SEVERITIES = range(1, 6)
_NOISE = (10.0, 18.0, 26.0, 36.0, 48.0)
_BLUR = (0.012, 0.02, 0.03, 0.045, 0.06)
_LIGHT = (20.0, 35.0, 50.0, 65.0, 80.0)
_CONTRAST = (0.75, 0.6, 0.45, 0.3, 0.2)


def noise(images: Images, severity: int, seed: int = 0) -> Images:
    """Gaussian noise of 10 to 48 of 255 levels, of its own for every pixel and channel."""
    drawn = np.random.default_rng(seed).standard_normal(images.shape, dtype=np.float32)
    return _pixels(images + drawn * np.float32(_at(_NOISE, severity)))


def blur(images: Images, severity: int, seed: int = 0) -> Images:  # noqa: ARG001 - one signature for all
    """Gaussian blur of 1.2 to 6 % of the side (and at least a third of a pixel) as its deviation."""
    sigma = max(0.33 * (1 + 0.25 * severity), _at(_BLUR, severity) * images.shape[1])
    reach = min(int(np.ceil(3 * sigma)), images.shape[1] - 1)
    places = np.arange(-reach, reach + 1)
    kernel = np.exp(-(places**2) / (2 * sigma**2)).astype(np.float32)
    blurred = images.astype(np.float32)
    for axis in (1, 2):
        blurred = _convolved(blurred, kernel / kernel.sum(), axis, reach)
    return _pixels(blurred)


def brightness(images: Images, severity: int, seed: int = 0) -> Images:  # noqa: ARG001
    """Every pixel lighter by 20 to 80 of 255 levels."""
    return _pixels(images.astype(np.float32) + np.float32(_at(_LIGHT, severity)))


def contrast(images: Images, severity: int, seed: int = 0) -> Images:  # noqa: ARG001
    """Differences from each image's own mean shrunk to 75 to 20 %."""
    values = images.astype(np.float32)
    middle = values.mean(axis=(1, 2, 3), keepdims=True)
    return _pixels(middle + (values - middle) * np.float32(_at(_CONTRAST, severity)))


CORRUPTIONS: Mapping[str, Corruption] = MappingProxyType(
    {"noise": noise, "blur": blur, "brightness": brightness, "contrast": contrast}
)


def _at(levels: tuple[float, ...], severity: int) -> float:
    if severity not in SEVERITIES:
        raise SettingError(f"severity {severity} is not one of 1 to 5: choose one of these")
    return levels[severity - 1]


def _convolved(
    values: npt.NDArray[np.float32], kernel: npt.NDArray[np.float32], axis: int, reach: int
) -> npt.NDArray[np.float32]:
    padding = [(reach, reach) if a == axis else (0, 0) for a in range(values.ndim)]
    # Mirrored, since a dark border would be a corruption of its own.
    padded = np.pad(values, padding, mode="reflect")
    size = values.shape[axis]
    total = np.zeros_like(values)
    for n, weight in enumerate(kernel):
        total += weight * np.take(padded, range(n, n + size), axis=axis)
    return total


def _pixels(values: npt.NDArray[np.floating]) -> Images:
    return np.asarray(np.clip(np.rint(values), 0, 255), dtype=np.uint8)
