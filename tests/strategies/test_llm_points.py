"""What each marking point is worth, whatever the guide leaves unsaid."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.grading.llm.points import WHOLE, MarkedItem, marked_items, points_of
from tests.strategies.classroom import items


def marks(max_score: float, *stated: float) -> list[float]:
    criteria = [{"text": f"point {i}", "marks": m} for i, m in enumerate(stated)]
    return [point.marks for point in points_of(criteria, max_score, "So.")]


def test_stated_marks_are_kept() -> None:
    assert marks(3, 2, 1) == [2, 1]


def test_an_item_without_points_has_its_model_answer_for_one() -> None:
    (only,) = points_of([], 4.0, "Iron rusts.")
    assert (only.text, only.marks) == (f"{WHOLE}Iron rusts.", 4.0)


def test_points_without_marks_earn_one_each_of_any_three_of_five() -> None:
    assert marks(3, 0, 0, 0, 0, 0) == [1, 1, 1, 1, 1]


def test_fewer_points_than_marks_share_them_equally() -> None:
    assert marks(4, 0, 0) == [2, 2]
    assert marks(0.5, 0, 0) == [0.25, 0.25]


def test_points_without_marks_share_what_the_others_leave() -> None:
    assert marks(4, 2, 0, 0) == [2, 1, 1]


def test_a_point_for_which_nothing_is_left_is_guidance() -> None:
    assert marks(2, 1, 1, 0) == [1, 1, 0]


def test_marks_that_fall_short_of_the_maximum_are_raised() -> None:
    assert marks(6, 1, 2) == [2, 4]


def test_blank_points_are_none_and_negative_marks_are_not_taken_away() -> None:
    assert points_of([{"text": "  ", "marks": 1}], 2.0, "So.")[0].text == f"{WHOLE}So."
    assert marks(2, 2, -1) == [2, 0]


@given(
    st.lists(st.floats(0, 10, allow_nan=False), max_size=8),
    st.floats(0.25, 50, allow_nan=False, allow_infinity=False),
)
def test_full_marks_can_always_be_had(stated: list[float], max_score: float) -> None:
    criteria = [{"text": f"point {i}", "marks": m} for i, m in enumerate(stated)]
    assert sum(point.marks for point in points_of(criteria, max_score, "So.")) >= max_score - 1e-3


def test_an_item_survives_its_file() -> None:
    item = marked_items(items("rust"), {"rust": 0.5})["rust"]
    described: dict[str, Any] = item.described()
    assert MarkedItem.from_json(described) == item
    assert item.step == 0.5


def test_an_item_nobody_graded_is_marked_in_whole_marks() -> None:
    assert marked_items(items("rust"), {})["rust"].step == pytest.approx(1.0)
