"""The committee that grades from features alone: blindness, agreement with its graph, reproducibility."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest

from domain.errors import StrategyError
from strategies.grading.committee import (
    LEVELS,
    Lesson,
    exceedances,
    folds_of_items,
    new_committee,
    of_member,
    train_block,
)
from strategies.grading.committee_onnx import to_onnx
from strategies.grading.networks import Pace

PACE = Pace(learning_rate=5e-3, weight_decay=0.1, dropout=0.2, batch=32, steps=40)


def lesson(n: int = 240, seed: int = 0) -> Lesson:
    """Shares that rise with the first feature and jump at 0 of the second."""
    dice = np.random.default_rng(seed)
    features = dice.normal(size=(n, 6)).astype(np.float32)
    shares = np.clip(0.5 + 0.2 * features[:, 0] + 0.25 * np.sign(features[:, 1]), 0, 1)
    return Lesson(features, np.round(shares * 4) / 4, np.arange(n) % 4)


def taught(given: Lesson, blocks: int = 3) -> dict[str, np.ndarray]:
    state = new_committee(given, hidden=8, seed=1)
    for block in range(blocks):
        state = train_block(state, given, PACE, rounds=10, seed=block)
    return state


def test_every_member_learns_to_grade() -> None:
    state, fresh = taught(lesson()), lesson(seed=5)
    for word in exceedances(state, fresh.features).mean(axis=2):
        assert np.corrcoef(word, fresh.shares)[0, 1] > 0.85


def test_a_member_does_not_see_its_own_fold() -> None:
    given = lesson()
    upside_down = replace(given, shares=np.where(given.fold == 2, 1 - given.shares, given.shares))
    before, after = (exceedances(taught(one), given.features) for one in (given, upside_down))
    # The batches are the same and member 2 may not learn from what changed.
    assert np.array_equal(before[2], after[2])
    assert not np.array_equal(before[1], after[1])


def test_the_onnx_graph_says_what_the_committee_says() -> None:
    given = lesson()
    state = taught(given)
    centre = np.linspace(-1, 1, 6).astype(np.float32)
    scale = np.linspace(0.5, 2, 6).astype(np.float32)
    raw = lesson(n=50, seed=9).features * scale + centre
    session = onnxruntime.InferenceSession(to_onnx(state, centre, scale))
    said = session.run(["exceedances"], {"features": raw.astype(np.float32)})[0]
    expected = exceedances(state, np.clip((raw - centre) / scale, -4, 4).astype(np.float32))
    assert said.shape == (4, 50, len(LEVELS))
    assert np.allclose(said, expected, atol=1e-5)


def test_the_same_lesson_gives_the_same_state_and_another_seed_another() -> None:
    given = lesson()
    state = new_committee(given, hidden=8, seed=1)
    once, twice, other = (train_block(state, given, PACE, rounds=2, seed=s) for s in (3, 3, 4))
    assert all(np.array_equal(once[name], twice[name]) for name in once)
    assert not np.array_equal(once["network.inner"], other["network.inner"])
    assert not np.array_equal(once["table.leaf"], other["table.leaf"])


def test_features_that_are_no_numbers_stop_the_training_in_words() -> None:
    given = lesson()
    broken = replace(given, features=np.full_like(given.features, np.nan))
    with pytest.raises(StrategyError, match="lower learning_rate"):
        train_block(new_committee(given, hidden=8, seed=1), broken, PACE, rounds=1, seed=0)


def test_all_answers_to_an_item_are_in_one_fold() -> None:
    item_ids = np.array(["a", "b", "c", "d", "e", "f"] * 5)
    folds = folds_of_items(item_ids, n_members=3, seed=0)
    assert sorted(folds[:6]) == [0, 0, 1, 1, 2, 2]
    assert np.array_equal(folds, np.tile(folds[:6], 5))


def test_a_single_items_answers_are_spread_over_the_folds() -> None:
    folds = folds_of_items(np.array(["a"] * 9), n_members=3, seed=0)
    assert sorted(folds) == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_a_known_item_is_graded_by_its_member_and_a_new_one_by_all() -> None:
    by_member = np.array([[[0.0], [0.0]], [[1.0], [1.0]], [[0.2], [0.2]]])
    assert np.allclose(of_member(by_member, np.array([1, -1])), [[1.0], [0.4]])
