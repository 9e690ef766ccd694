"""What an item's own graded answers add to the committee's word."""

from __future__ import annotations

import time

import numpy as np
import pytest

from strategies.grading.features import Weights, unit
from strategies.grading.itemwise import (
    SPARSE_VIEWS,
    Beliefs,
    ItemJudge,
    ItemRecord,
    Vectors,
    first_parameters,
    learn_beliefs,
)
from strategies.grading.text import count

GRADED = ["water boils", "water freezes", "ice melts", "steam rises", "water boils fast", "ice is cold"]
SHARES = np.array([1.0, 0.0, 0.0, 0.5, 1.0, 0.0])
BELIEFS = Beliefs(np.full(5, 0.1), noise=0.05, trust=1.0, mean=0.4)


def vectors(texts: list[str]) -> Vectors:
    views = {}
    for view in SPARSE_VIEWS:
        weights = Weights.of(count(view, GRADED))
        views[view] = unit(weights.weigh(count(view, texts)))
    return Vectors(views, np.zeros((len(texts), 2), np.float32))


def judge(beliefs: Beliefs = BELIEFS) -> ItemJudge:
    return ItemJudge(ItemRecord(vectors(GRADED), SHARES), np.full(len(GRADED), 0.5), beliefs)


def test_an_answer_like_a_graded_one_is_drawn_to_its_score_and_is_surer() -> None:
    record = judge().record
    found = judge().judge(record.likenesses_of(vectors(["water boils", "magnets attract"])), np.full(2, 0.5))
    assert found.mean[0] > 0.75
    assert abs(found.mean[1] - 0.45) < 0.1
    assert found.variance[0] < found.variance[1]


def test_where_likenesses_weigh_nothing_the_committee_is_followed() -> None:
    deaf = judge(Beliefs(np.full(5, 1e-9), noise=0.05, trust=1.0, mean=0.4))
    alike = deaf.record.likenesses_of(vectors(["water boils", "ice melts"]))
    assert np.allclose(deaf.judge(alike, np.array([0.9, 0.1])).mean, [0.9, 0.1], atol=1e-6)


@pytest.mark.parametrize("left_out", range(len(GRADED)))
def test_judging_own_answers_equals_judging_them_with_that_answer_ungraded(left_out: int) -> None:
    rest = [row for row in range(len(GRADED)) if row != left_out]
    record = ItemRecord(vectors([GRADED[row] for row in rest]), SHARES[rest])
    without = ItemJudge(record, np.full(len(rest), 0.5), BELIEFS)
    found = without.judge(record.likenesses_of(vectors([GRADED[left_out]])), np.array([0.5]))
    own = judge().judge_own()
    assert own.mean[left_out] == pytest.approx(found.mean[0], abs=1e-6)
    assert own.variance[left_out] == pytest.approx(found.variance[0], abs=1e-6)


def test_beliefs_learn_to_trust_a_committee_that_is_right_and_not_one_that_guesses() -> None:
    dice = np.random.default_rng(0)
    texts = [f"answer {dice.integers(1000)} {dice.integers(1000)}" for _ in range(60)]
    shares = dice.choice([0.0, 0.5, 1.0], 60)
    record = ItemRecord(vectors(texts), shares)
    right = learn_beliefs([(record, shares * 0.9 + 0.05)], first_parameters(5), 0.5, steps=80)
    guesses = learn_beliefs([(record, dice.random(60))], first_parameters(5), 0.5, steps=80)
    assert Beliefs.of(right, 0.5).trust > 0.9
    assert Beliefs.of(guesses, 0.5).trust < 0.5


def test_beliefs_of_an_item_with_very_many_answers_are_learnt_from_some_of_them() -> None:
    dice = np.random.default_rng(0)
    texts = [f"answer {dice.integers(50)} {dice.integers(50)}" for _ in range(1200)]
    shares = dice.choice([0.0, 1.0], 1200)
    record = ItemRecord(vectors(texts), shares)
    started = time.process_time()
    learn_beliefs([(record, shares)], first_parameters(5), 0.5, steps=5)
    assert time.process_time() - started < 5
