"""From a score to a mark and to the probability that an examiner agrees with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit, ndtr

from domain.grading.marks import round_to_grid
from domain.grading.metrics import qwk
from strategies.grading.committee import LEVELS

Floats = np.ndarray
_LEAST_TO_STRETCH = 40


@dataclass(frozen=True)
class Stretch:
    """Shares pulled away from the middle before they are rounded to marks.

    What is learnt on squared or ordinal error shrinks to the mean, so fewer full and zero marks come
    out than examiners give; this moves the cut points of every grid at once.
    """

    gain: float = 1.0
    shift: float = 0.0

    def __call__(self, shares: Floats) -> Floats:
        return np.clip(0.5 + self.gain * (shares - 0.5) + self.shift, 0, 1)

    @staticmethod
    def learn(shares: Floats, gold: Floats, steps: Floats, groups: np.ndarray) -> Stretch:
        """The stretch of highest QWK, if one that is learnt on half of the groups helps the other half.

        `shares`, `gold` and `steps` (of the grids) are shares of max_score, `shares` out-of-fold.
        """
        names, group = np.unique(groups, return_inverse=True)
        if len(shares) < _LEAST_TO_STRETCH or len(names) < 2:
            return Stretch()
        half = (np.random.default_rng(0).permutation(len(names)) % 2 == 0)[group]
        helped = []
        for rows, others in ((half, ~half), (~half, half)):
            learnt = _best_stretch(shares[rows], gold[rows], steps[rows])
            unseen = shares[others], gold[others], steps[others]
            helped.append(_qwk_of(learnt, *unseen) - _qwk_of(Stretch(), *unseen))
        return _best_stretch(shares, gold, steps) if min(helped) > 0 else Stretch()


def _best_stretch(shares: Floats, gold: Floats, steps: Floats) -> Stretch:
    gains, shifts = (1.0, 1.15, 1.3, 1.5, 1.75, 2.0), (0.0, -0.03, 0.03, -0.06, 0.06, -0.1, 0.1, -0.15, 0.15)
    choices = [Stretch(gain, shift) for gain in gains for shift in shifts]
    return max(choices, key=lambda choice: _qwk_of(choice, shares, gold, steps))


def _qwk_of(stretch: Stretch, shares: Floats, gold: Floats, steps: Floats) -> float:
    found = qwk(gold, round_to_grid(stretch(shares), steps, 1.0))
    return found if np.isfinite(found) else -1.0


@dataclass(frozen=True)
class Calibration:
    """Log-odds of agreement as a line over the stated log-odds. Source: Platt (1999)."""

    slope: float = 1.0
    intercept: float = 0.0

    def __call__(self, stated: Floats) -> Floats:
        return np.asarray(expit(self.slope * logit(np.clip(stated, 1e-3, 1 - 1e-3)) + self.intercept))

    @staticmethod
    def learn(stated: Floats, agreed: np.ndarray) -> Calibration:
        """The most likely line, with a prior that keeps few answers near what was stated."""
        at, hit = logit(np.clip(stated, 1e-3, 1 - 1e-3)), agreed.astype(float)

        def surprise(line: Floats) -> float:
            odds = line[0] * at + line[1]
            prior = (line[0] - 1) ** 2 + 0.5 * line[1] ** 2
            return float((np.logaddexp(0, odds) - hit * odds).sum() + prior)

        # More stated confidence may never come to mean less of it.
        found = minimize(surprise, [1.0, 0.0], method="L-BFGS-B", bounds=[(0.05, 5), (-5, 5)])
        return Calibration(float(found.x[0]), float(found.x[1]))


@dataclass(frozen=True)
class Scale:
    """How one regime (items known, items never seen) turns shares into marks and confidences."""

    stretch: Stretch = Stretch()
    calibration: Calibration = Calibration()

    def described(self) -> dict[str, dict[str, float]]:
        return asdict(self)

    @staticmethod
    def from_json(described: dict[str, dict[str, float]]) -> Scale:
        return Scale(Stretch(**described["stretch"]), Calibration(**described["calibration"]))


def stated_by_variance(shares: Floats, variance: Floats, marks: Floats, reach: Floats) -> Floats:
    """Probability that a normal examiner around `shares` marks within `reach` of `marks`.

    What lies beyond 0 or 1 counts as 0 or 1. All are shares of max_score.
    """
    spread = np.sqrt(variance)
    above = ndtr((marks + reach - shares) / spread)
    below = ndtr((marks - reach - shares) / spread)
    return np.where(marks + reach >= 1, 1.0, above) - np.where(marks - reach <= 0, 0.0, below)


def stated_by_levels(exceedances: Floats, marks: Floats, reach: Floats) -> Floats:
    """As `stated_by_variance`, from probabilities (n, levels) that the share exceeds each level."""
    falling = np.minimum.accumulate(exceedances, axis=1)
    levels = np.concatenate([[0.0], LEVELS, [1.0]])
    padded = np.hstack([np.ones((len(falling), 1)), falling, np.zeros((len(falling), 1))])
    exceeds = _rows_interpolated(levels, padded)
    above = np.where(marks + reach >= 1, 0.0, exceeds(marks + reach))
    below = np.where(marks - reach <= 0, 1.0, exceeds(marks - reach))
    return below - above


def _rows_interpolated(levels: Floats, values: Floats) -> Callable[[Floats], Floats]:
    def at(points: Floats) -> Floats:
        right = np.clip(np.searchsorted(levels, points), 1, len(levels) - 1)
        share = np.clip((points - levels[right - 1]) / (levels[right] - levels[right - 1]), 0, 1)
        rows = np.arange(len(points))
        return np.asarray(values[rows, right - 1] * (1 - share) + values[rows, right] * share)

    return at
