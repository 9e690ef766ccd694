"""Whether one classifier is better than another on the same pictures."""

from __future__ import annotations

import numpy as np
import pytest

from domain.vision.comparison import accuracy_gap

LABELS = np.arange(400) % 4


def wrong(share: float) -> np.ndarray:
    """Predictions of which the first `share` are wrong."""
    said = LABELS.copy()
    n = int(share * len(said))
    said[:n] = (said[:n] + 1) % 4
    return said


def test_a_model_that_labels_many_more_pictures_rightly_is_better_beyond_chance() -> None:
    gap = accuracy_gap(LABELS, wrong(0.3), wrong(0.1), np.arange(400))
    assert gap.value == pytest.approx(0.2) and gap.low > 0 and gap.p < 0.001
    assert gap.beyond_chance


def test_equal_models_differ_by_nothing() -> None:
    gap = accuracy_gap(LABELS, wrong(0.2), wrong(0.2), np.arange(400))
    assert (gap.value, gap.low, gap.high, gap.p) == (0, 0, 0, 1)
    assert not gap.beyond_chance


def test_copies_of_one_picture_are_no_more_evidence_than_the_picture() -> None:
    said = LABELS.copy()
    said[:8] = (said[:8] + 1) % 4
    alone = accuracy_gap(LABELS, said, LABELS, np.arange(400))
    copies = accuracy_gap(LABELS, said, LABELS, np.where(np.arange(400) < 8, 0, np.arange(400)))
    assert alone.beyond_chance and not copies.beyond_chance
