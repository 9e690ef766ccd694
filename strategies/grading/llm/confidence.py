"""How likely an examiner agrees with a mark, from what can be seen of how the model came to it.

A small logistic line over few signs, fitted on the validation answers with a prior that stands for what
is known before: with few answers it stays near the prior. No weight may change its direction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

from strategies.grading.llm.marking import Marked
from strategies.grading.llm.scoring import Verdict

Floats = np.ndarray
SIGNS = ("stated", "unquoted", "spread", "likeness", "gap", "between")
_PRIOR = np.array([0.5, -1.0, -2.0, 1.0, -1.5, -0.5])
_BOUNDS = [(0.0, 5.0), (-10.0, 0.0), (-20.0, 0.0), (0.0, 10.0), (-10.0, 0.0), (-10.0, 0.0)]
_FOLDS = 5


def signs_of(several: Sequence[Marked]) -> Floats:
    """(n, signs), rows of NaN where there is no verdict.

    stated: log-odds of the model's own confidence. unquoted: share of credited points whose quotation does
    not hold. spread: of the repeats' shares. likeness: of the nearest worked example. gap: how far the share
    is from that example's, times the likeness. between: how far from none or all of the marks.
    """
    return np.array([_signs(one) for one in several], float).reshape(len(several), len(SIGNS))


def _signs(one: Marked) -> list[float]:
    verdict = one.verdict
    if not isinstance(verdict, Verdict):
        return [np.nan] * len(SIGNS)
    likeness = one.nearest.likeness if one.nearest.examples else 0.0
    near = one.nearest.score / one.item.max_score if one.nearest.examples else verdict.share
    return [
        float(logit(min(max(verdict.stated, 0.02), 0.98))),
        1 - verdict.n_quoted / verdict.n_claimed if verdict.n_claimed else 0.0,
        verdict.spread,
        likeness,
        likeness * abs(verdict.share - near),
        4 * verdict.share * (1 - verdict.share),
    ]


@dataclass(frozen=True)
class Confidence:
    weights: tuple[float, ...] = tuple(float(w) for w in _PRIOR)
    intercept: float = 0.0

    def __call__(self, signs: Floats) -> Floats:
        """Probabilities of agreement for rows of signs."""
        return np.asarray(expit(signs @ np.array(self.weights) + self.intercept), float)

    @staticmethod
    def learn(signs: Floats, agreed: np.ndarray) -> Confidence:
        """The most likely line under the prior. Source: logistic regression with a Gaussian prior."""
        hit = agreed.astype(float)

        def surprise(line: Floats) -> float:
            odds = signs @ line[:-1] + line[-1]
            prior = ((line[:-1] - _PRIOR) ** 2).sum() + 0.1 * line[-1] ** 2
            return float((np.logaddexp(0, odds) - hit * odds).sum() + prior)

        found = minimize(surprise, [*_PRIOR, 0.0], method="L-BFGS-B", bounds=[*_BOUNDS, (-6.0, 6.0)])
        # Rounded so that the last bits, which differ between machines, do not make another model.
        return Confidence(tuple(round(float(w), 6) for w in found.x[:-1]), round(float(found.x[-1]), 6))

    def described(self) -> dict[str, Any]:
        return {"weights": dict(zip(SIGNS, self.weights, strict=True)), "intercept": self.intercept}

    @staticmethod
    def from_json(described: Mapping[str, Any]) -> Confidence:
        weights = tuple(float(described["weights"][sign]) for sign in SIGNS)
        return Confidence(weights, float(described["intercept"]))


def left_out(signs: Floats, agreed: np.ndarray, groups: np.ndarray) -> Floats:
    """The confidence of each row by a line that was fitted without its group (a student).

    A threshold chosen on confidences that have seen their own outcome would promise too much.
    """
    _, group = np.unique(groups, return_inverse=True)
    fold = np.random.default_rng(0).permutation(group.max() + 1)[group] % _FOLDS if len(group) else group
    found = np.full(len(signs), np.nan)
    for one in range(_FOLDS):
        held = fold == one
        if held.any():
            found[held] = Confidence.learn(signs[~held], agreed[~held])(signs[held])
    return found
