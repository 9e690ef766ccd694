"""From shares to marks and confidences."""

from __future__ import annotations

import numpy as np
import pytest

from domain.grading.marks import round_to_grid
from domain.grading.metrics import qwk
from strategies.grading.calibration import (
    LEVELS,
    Calibration,
    Stretch,
    stated_by_levels,
    stated_by_variance,
)


def test_a_stretch_gives_back_the_extremes_that_a_timid_grader_lost() -> None:
    gold = np.repeat([0.0, 0.5, 1.0], 40)
    timid = 0.5 + 0.4 * (gold - 0.5) + np.random.default_rng(0).normal(0, 0.05, len(gold))
    steps = np.full(len(gold), 0.5)
    stretch = Stretch.learn(timid, gold, steps, groups=np.arange(len(gold)))
    before, after = (qwk(gold, round_to_grid(s, steps, 1.0)) for s in (timid, stretch(timid)))
    assert after > before + 0.3


def test_shares_that_need_no_stretch_are_left_alone() -> None:
    gold = np.repeat([0.0, 0.5, 1.0], 40)
    noisy = np.clip(gold + np.random.default_rng(1).normal(0, 0.1, len(gold)), 0, 1)
    assert Stretch.learn(noisy, gold, np.full(len(gold), 0.5), np.arange(len(gold))) == Stretch()


def test_too_few_shares_are_never_stretched() -> None:
    few = np.linspace(0.3, 0.7, 10)
    assert Stretch.learn(few, np.round(few), np.ones(10), np.arange(10)) == Stretch()


def test_overconfidence_is_talked_down_to_what_was_seen() -> None:
    dice = np.random.default_rng(0)
    stated = np.full(2000, 0.95)
    learnt = Calibration.learn(stated, dice.random(2000) < 0.7)
    assert learnt(np.array([0.95]))[0] == pytest.approx(0.7, abs=0.04)


def test_confidence_that_says_nothing_still_never_falls_as_stated_confidence_rises() -> None:
    stated = np.linspace(0.1, 0.9, 500)
    learnt = Calibration.learn(stated, np.arange(500) < 250)
    assert np.all(np.diff(learnt(stated)) >= 0)


def test_a_few_answers_hardly_move_what_was_stated() -> None:
    learnt = Calibration.learn(np.array([0.9, 0.9]), np.array([True, False]))
    assert 0.65 < learnt(np.array([0.9]))[0] < 0.9


def test_stated_confidence_is_the_probability_of_marks_within_reach() -> None:
    shares, marks = np.array([0.5, 0.5, 0.97]), np.array([0.5, 0.0, 1.0])
    stated = stated_by_variance(shares, np.full(3, 0.01), marks, np.full(3, 0.125))
    # One sided at the ends of the scale: what lies beyond is rounded to the end.
    assert stated == pytest.approx([0.789, 0.00009, 0.829], abs=2e-3)


def test_stated_confidence_of_a_two_mark_item_is_the_chance_of_the_mark() -> None:
    word = np.full((2, len(LEVELS)), 0.8)
    stated = stated_by_levels(word, np.array([1.0, 0.0]), np.full(2, 0.5))
    assert stated == pytest.approx([0.8, 0.2])
