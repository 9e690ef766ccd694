"""Whether new answers, and what a grader makes of them, still look like those it was measured on.

Distributions are held against each other in `domain.shifts`.
"""

from __future__ import annotations

import re
from collections.abc import Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from domain.bootstrap import Floats, Interval, mean, percentiles, resamples
from domain.errors import InputError
from domain.referral import agrees
from domain.shifts import Shift, Standing, shift_of

LEAST_CHECKED = 20
_N_RESAMPLES = 2000
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class SpotChecks:
    """New answers that a human scored too: the share on which the grader agrees, with its interval."""

    standing: Standing
    n: int
    now: Interval
    before: float


@dataclass(frozen=True)
class Drift:
    """`new_items` is the share of new answers to items that the grader was not trained on."""

    n_before: int
    n_now: int
    n_students: int
    new_items: float
    shifts: tuple[Shift, ...]
    checks: SpotChecks

    @property
    def drifted(self) -> bool:
        standings = [*(shift.standing for shift in self.shifts), self.checks.standing]
        return Standing.DRIFTED in standings


_FEATURES = {
    "words": "words in an answer",
    "word_length": "letters in a word",
    "unknown_words": "share of an answer's words that no training text has",
    "score": "score as a share of the item's marks",
    "confidence": "confidence of the grader",
}


def words_of(texts: pd.Series) -> frozenset[str]:
    """The words of training answers and guides."""
    return frozenset(word for text in texts for word in _WORD.findall(str(text).casefold()))


def drift(
    before: pd.DataFrame, now: pd.DataFrame, *, known_words: Set[str], known_items: Set[str], tolerance: float
) -> Drift:
    """`before` are the held-out answers as evaluated, `now` new ones.

    Both have text, item_id, student, score, mark, max_score, confidence and gold (NaN where nobody scored).
    Raises InputError where there is no new answer.
    """
    if now.empty:
        raise InputError("there is no new answer to look at: grade new submissions first (trainyard grade)")
    old, new = _features(before, known_words), _features(now, known_words)
    shifts = tuple(
        shift_of(name, meaning, old[name].to_numpy(float), new[name].to_numpy(float))
        for name, meaning in _FEATURES.items()
    )
    return Drift(
        n_before=len(before),
        n_now=len(now),
        n_students=int(now["student"].nunique()),
        new_items=float((~now["item_id"].isin(known_items)).mean()),
        shifts=shifts,
        checks=_checks(before, now, tolerance),
    )


def _features(answers: pd.DataFrame, known: Set[str]) -> pd.DataFrame:
    words = [_WORD.findall(str(text).casefold()) for text in answers["text"]]
    return pd.DataFrame(
        {
            "words": [len(one) for one in words],
            "word_length": [float(np.mean([len(w) for w in one])) if one else 0.0 for one in words],
            "unknown_words": [float(np.mean([w not in known for w in one])) if one else 0.0 for one in words],
            "score": answers["score"].to_numpy(float) / answers["max_score"].to_numpy(float),
            "confidence": answers["confidence"].to_numpy(float),
        }
    )


def _checks(before: pd.DataFrame, now: pd.DataFrame, tolerance: float) -> SpotChecks:
    """Drifted where the whole 95 % interval of the fall lies below 0; whole students are drawn for it.

    So one look in forty finds drift where there is none.
    """
    then, students_then = _agreed(before, tolerance)
    agreed, students = _agreed(now, tolerance)
    n, share = len(agreed), float(np.mean(agreed)) if len(agreed) else float("nan")
    was = float(np.mean(then)) if len(then) else float("nan")
    if min(n, len(then)) < LEAST_CHECKED:
        return SpotChecks(Standing.UNKNOWN, n, Interval(share, float("nan"), float("nan"), n), was)
    drawn = _drawn(agreed, students, seed=0)
    _, highest_fall = percentiles(drawn - _drawn(then, students_then, seed=1))
    standing = Standing.DRIFTED if highest_fall < 0 else Standing.STEADY
    return SpotChecks(standing, n, Interval(share, *percentiles(drawn), n), was)


def _drawn(agreed: Floats, students: np.ndarray[Any, Any], seed: int) -> Floats:
    blocks = resamples(len(agreed), students, _N_RESAMPLES, seed)
    return np.concatenate([mean.resampled(weights, agreed) for weights in blocks])


def _agreed(graded: pd.DataFrame, tolerance: float) -> tuple[Floats, np.ndarray[Any, Any]]:
    """Which scored answers the grader agrees on, and whose they are."""
    scored = graded[graded["gold"].notna()]
    agreed = agrees(scored["mark"], scored["gold"], scored["max_score"], tolerance)
    return np.asarray(agreed, dtype=float), scored["student"].to_numpy(str)
