"""Whether new pictures look like those that a classifier was measured on."""

from __future__ import annotations

import numpy as np

from domain.vision.drift import looks_of, shifts, told_shifts


def pictures(n: int, seed: int) -> np.ndarray:
    """Grey ground of varying brightness with noise."""
    chance = np.random.default_rng(seed)
    ground = chance.integers(60, 140, (n, 1, 1, 1))
    return (ground + chance.integers(-30, 30, (n, 12, 12, 3))).astype(np.uint8)


def sure(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.6, 1, n)


def test_pictures_like_those_before_are_no_drift() -> None:
    before, now = (looks_of(pictures(300, seed), sure(300, seed)) for seed in (1, 2))
    assert told_shifts(shifts(before, now)) == []


def test_brighter_pictures_and_a_less_sure_classifier_are_told_with_both_means() -> None:
    before = looks_of(pictures(300, 1), sure(300, 1))
    now = looks_of(pictures(300, 2) + 60, sure(300, 2) - 0.4)
    told = told_shifts(shifts(before, now))
    assert len(told) == 2
    assert told[0].startswith("Shifted: brightness of a picture, 0.39 on average")
    assert told[1].startswith("Shifted: confidence of the classifier, 0.8")


def test_grey_pictures_among_coloured_ones_are_told_by_their_colour_and_few_by_nothing() -> None:
    before = looks_of(pictures(300, 1), sure(300, 1))
    grey = np.repeat(pictures(300, 2)[..., :1], 3, axis=3)
    told = told_shifts(shifts(before, looks_of(grey, sure(300, 2))))
    assert any("colours of a point" in one for one in told)
    assert told_shifts(shifts(before, looks_of(grey[:20], sure(20, 2)))) == []
