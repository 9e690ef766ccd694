"""The grid of marks that examiners use on an item, and scores rounded to it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

STEPS = (1.0, 0.5, 0.25, 0.125)
_UNUSUAL_STEPS = (1 / 3, 0.2, 0.1, 0.05, 0.01)

Floats = npt.NDArray[np.float64]


def grid_step(golds: npt.ArrayLike, max_score: float) -> float:
    """The coarsest step, in marks, of a grid from 0 on which `max_score` and all `golds` lie.

    Steps are tried from a whole mark down to an eighth, then thirds and decimals; an item worth one
    mark or less is divided in the like shares of its worth. NaN golds are left out. Without golds the
    step is the coarsest on which `max_score` lies: whole marks for an item worth a whole number.
    """
    observed = np.append(np.asarray(golds, dtype=float).ravel(), max_score)
    observed = observed[np.isfinite(observed)]
    unit = max_score if max_score <= 1 else 1.0
    shares = (*STEPS, *_UNUSUAL_STEPS)
    fitting = (share * unit for share in shares if _on_grid(observed / (share * unit), share))
    return next(fitting, shares[-1] * unit)


def _on_grid(multiples: Floats, share: float) -> bool:
    # People write 0.33 for a third.
    slack = 0.02 if share == 1 / 3 else 1e-6
    return bool(np.all(np.abs(multiples - np.round(multiples)) <= slack))


def round_to_grid(scores: npt.ArrayLike, steps: npt.ArrayLike, max_scores: npt.ArrayLike) -> Floats:
    """Each score as the nearest multiple of its step, within 0..max_score; halves go up.

    `steps` and `max_scores` are one a score, or one for all. `max_score` itself is always reachable.
    """
    wanted, step, top = (np.asarray(a, dtype=float) for a in (scores, steps, max_scores))
    marks = np.floor(wanted / step + 0.5 + 1e-9) * step
    return np.asarray(np.clip(np.round(marks, 9), 0.0, top), dtype=float)
