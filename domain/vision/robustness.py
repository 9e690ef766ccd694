"""How a classifier bears spoilt pictures: its accuracy by corruption and severity."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from domain.vision.corruptions import CORRUPTIONS, SEVERITIES

N_SPOILINGS = len(CORRUPTIONS) * len(SEVERITIES) + 1
"""How many times each picture of the sample is classified."""
LEAST, MOST = 50, 500

Classify = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.floating]]
"""Pictures (n, size, size, channels) → a row of scores each, the largest for the label."""


def sample_size(n: int, images_per_second: float, seconds: float) -> int:
    """How many of `n` pictures can be spoilt in every way in about `seconds`; 50 at least, 500 at most.

    Of 500 an accuracy is known to 4 points at most, and they are the same ones at every severity.
    """
    affordable = int(images_per_second * seconds / N_SPOILINGS)
    return min(n, max(LEAST, min(MOST, affordable)))


def spoilt_accuracy(
    classify: Classify, images: npt.NDArray[np.uint8], labels: npt.NDArray[np.int64], seed: int = 0
) -> pd.DataFrame:
    """One row a corruption and severity: corruption, severity (0: as they are), accuracy, n."""

    def accuracy(shown: npt.NDArray[np.uint8]) -> float:
        return float((np.asarray(classify(shown)).argmax(axis=1) == labels).mean())

    clean = accuracy(images)
    rows = []
    for name, corrupt in CORRUPTIONS.items():
        rows.append({"corruption": name, "severity": 0, "accuracy": clean, "n": len(labels)})
        rows += [
            {
                "corruption": name,
                "severity": severity,
                "accuracy": accuracy(corrupt(images, severity, seed)),
                "n": len(labels),
            }
            for severity in SEVERITIES
        ]
    return pd.DataFrame(rows)
