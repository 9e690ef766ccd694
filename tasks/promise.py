"""What automatic grades promise: the agreement that is set, or that of a second examiner."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from domain.kinds import Split
from infra.catalog import Dataset
from tasks.workplace import Workplace

WITHOUT_SECOND_EXAMINER = 0.9
LEAST_SECOND_MARKS = 50
"""Fewer answers that two examiners marked say too little about how far examiners agree."""


def second_marks(answers: pd.DataFrame, splits: pd.DataFrame) -> dict[str, int]:
    """How far a second examiner was off, as shares of max_score → answers; test answers are not counted."""
    seen = splits.loc[splits["split"] != Split.TEST, "answer_id"]
    both = answers[answers["answer_id"].isin(seen) & answers["gold"].notna() & answers["second_gold"].notna()]
    off = ((both["second_gold"] - both["gold"]).abs() / both["max_score"]).round(6)
    return {f"{share:g}": n for share, n in sorted(Counter(off).items())}


def promise_of(place: Workplace, dataset: Dataset) -> tuple[float, float]:
    """(promised agreement, tolerance as a share of max_score) for graders of this dataset.

    Where no agreement is set it is that of a second examiner with the first, measured on the answers that
    both marked outside the test split; where they are fewer than 50, it is 0.9.
    """
    tolerance = place.settings.agreement_tolerance
    if place.settings.promised_agreement is not None:
        return place.settings.promised_agreement, tolerance
    counts = {float(share): n for share, n in dataset.facts["second_marks"].items()}
    total = sum(counts.values())
    if total < LEAST_SECOND_MARKS:
        return WITHOUT_SECOND_EXAMINER, tolerance
    return sum(n for share, n in counts.items() if share <= tolerance + 1e-6) / total, tolerance
