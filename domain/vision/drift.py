"""Whether new pictures still look like those that a classifier was measured on, and it is as sure of them.

Distributions are held against each other as in `domain.grading.drift`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from domain.shifts import SHIFTED, Shift, Standing, shift_of

_AT_ONCE = 64
"""Pictures held as numbers of four bytes."""
_MEANINGS = {
    "brightness": "brightness of a picture",
    "contrast": "contrast in a picture",
    "detail": "difference between neighbouring points",
    "colour": "difference between the colours of a point",
    "confidence": "confidence of the classifier",
}


def looks_of(images: npt.NDArray[np.uint8], confidence: npt.ArrayLike) -> pd.DataFrame:
    """One row a picture of `images` (n, size, size, channels): brightness, contrast, detail, colour and
    confidence, in [0, 1]."""
    parts = [_looks(images[start : start + _AT_ONCE]) for start in range(0, len(images), _AT_ONCE)]
    looks = pd.concat(parts, ignore_index=True) if parts else _looks(images)
    return looks.assign(confidence=np.asarray(confidence, dtype=float))


def _looks(images: npt.NDArray[np.uint8]) -> pd.DataFrame:
    points = images.astype(np.float32) / 255
    inner = (1, 2, 3)
    across = np.abs(np.diff(points, axis=2)).mean(inner)
    down = np.abs(np.diff(points, axis=1)).mean(inner)
    return pd.DataFrame(
        {
            "brightness": points.mean(inner),
            "contrast": points.std(inner),
            "detail": (across + down) / 2,
            "colour": np.ptp(points, axis=3).mean((1, 2)),
        }
    )


def shifts(before: pd.DataFrame, now: pd.DataFrame) -> tuple[Shift, ...]:
    """How the looks of `now` differ from those `before`; both are of `looks_of`."""
    return tuple(
        shift_of(name, meaning, before[name].to_numpy(float), now[name].to_numpy(float))
        for name, meaning in _MEANINGS.items()
    )


def told_shifts(found: tuple[Shift, ...]) -> list[str]:
    """Sentences on what shifted; none where nothing did, or where too few pictures were seen to say."""
    grave = {Standing.DRIFTED: "Shifted", Standing.WATCH: "To watch"}
    return [
        f"{grave[one.standing]}: {one.meaning}, {one.before:.2f} on average where the classifier was "
        f"measured, {one.now:.2f} here (PSI {one.psi:.2f}; above {max(SHIFTED, one.chance):.2f} is drift)"
        for one in found
        if one.standing in grave
    ]
