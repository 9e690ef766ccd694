import numpy as np
import pytest

from domain.grading.marks import grid_step, round_to_grid


@pytest.mark.parametrize(
    ("golds", "max_score", "step"),
    [
        ([0, 1, 3], 4, 1.0),
        ([0, 1.5, 3], 4, 0.5),
        ([0.25, 3], 4, 0.25),
        ([0.125, 1], 1, 0.125),
        ([0, 1], 1, 1.0),
        ([0, 0.5, 1], 1, 0.5),
        ([0, 0.25], 0.5, 0.25),
        ([0, 0.33, 0.67], 1, 1 / 3),
        ([0.1, 0.7], 2, 0.1),
    ],
)
def test_the_step_is_the_coarsest_on_which_all_golds_lie(golds, max_score, step):
    assert grid_step(golds, max_score) == pytest.approx(step)


def test_without_golds_an_item_of_whole_marks_is_marked_in_whole_marks():
    assert grid_step([], 5) == 1.0
    assert grid_step([np.nan], 5) == 1.0
    assert grid_step([], 2.5) == 0.5
    assert grid_step([], 1) == 1.0


def test_scores_go_to_the_nearest_mark_and_halves_go_up():
    assert round_to_grid([0.5, 1.49, 2.5, 0.375], [1, 1, 1, 0.25], 3).tolist() == [1, 1, 3, 0.5]


def test_marks_stay_between_nothing_and_the_items_worth():
    assert round_to_grid([-2, 9, 2.4], 1.0, [4, 4, 2.5]).tolist() == [0, 4, 2]


def test_marks_on_thirds_reach_the_items_worth_exactly():
    assert round_to_grid([0.99, 0.34], 1 / 3, 1.0).tolist() == pytest.approx([1.0, 0.333333333])
