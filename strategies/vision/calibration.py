"""From logits to probabilities that can be believed: one temperature, learnt on validation."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar

Floats = np.ndarray
_RANGE = (-3.0, 3.0)
_PRIOR_IMAGES = 1.0


def probabilities(logits: Floats, temperature: float = 1.0) -> Floats:
    """Softmax of logits (n, n_classes) over `temperature`, in float64."""
    scaled = np.asarray(logits, np.float64) / temperature
    grown = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=1, keepdims=True))


def fitting_temperature(logits: Floats, labels: np.ndarray) -> float:
    """The temperature of least log loss, drawn a little towards 1 so that few images decide little.

    Source: Guo et al. (2017).
    """
    scores, truth = np.asarray(logits, np.float64), np.asarray(labels, np.int64)

    def surprise(log_temperature: float) -> float:
        scaled = scores / np.exp(log_temperature)
        top = scaled.max(axis=1)
        total = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
        return float(
            (total - scaled[np.arange(len(truth)), truth]).sum() + _PRIOR_IMAGES * log_temperature**2
        )

    found = minimize_scalar(surprise, bounds=_RANGE, method="bounded", options={"xatol": 1e-5})
    return round(float(np.exp(found.x)), 6)
