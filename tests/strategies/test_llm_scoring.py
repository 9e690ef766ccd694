"""Code adds up the marks: no reply makes more of an answer than its quotations bear out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ReplyError
from strategies.grading.features import Reference
from strategies.grading.llm.points import MarkedItem, Point
from strategies.grading.llm.scoring import Verdict, read_verdict
from tests.strategies.marker import reply

ANSWER = "Leaves absorb sunlight and roots take up water."
QUOTES = ("Leaves absorb sunlight", "roots take up water", "moonlight")


def item(*marks: float, max_score: float = 3.0) -> MarkedItem:
    points = tuple(Point(f"P{place}", f"point {place}", m) for place, m in enumerate(marks, 1))
    return MarkedItem("plants", Reference("How?", ("So.",), ()), max_score, 1.0, points)


def said(*ticks: tuple[str, Any, str], confidence: Any = 0.8) -> Any:
    points = [{"id": name, "earned": earned, "quote": quote} for name, earned, quote in ticks]
    return reply({"points": points, "confidence": confidence, "comment": "so"})


def verdict(*replies: Any, of: MarkedItem | None = None, text: str = ANSWER) -> Verdict:
    found = read_verdict(replies, of or item(1, 2), text)
    assert isinstance(found, Verdict)
    return found


def test_the_share_is_what_quoted_points_are_worth() -> None:
    found = verdict(said(("P1", 1, QUOTES[0]), ("P2", 0.5, QUOTES[1])))
    assert found.share == pytest.approx((1 + 0.5 * 2) / 3)


def test_a_point_that_cannot_be_quoted_earns_nothing() -> None:
    found = verdict(said(("P1", 1, QUOTES[0]), ("P2", 1, QUOTES[2])))
    assert found.share == pytest.approx(1 / 3)
    assert (found.n_claimed, found.n_quoted) == (2, 1)
    assert verdict(said(("P1", 1, ""), ("P2", 1, "the"))).share == 0


def test_more_points_than_marks_earn_the_maximum_and_no_more() -> None:
    several = item(1, 1, 1, max_score=2.0)
    full = said(*((f"P{n}", 1, QUOTES[0]) for n in (1, 2, 3)))
    assert verdict(full, of=several).share == 1


def test_points_that_the_item_does_not_have_earn_nothing() -> None:
    assert verdict(said(("P1", 0, ""), ("P9", 1, QUOTES[0]))).share == 0


def test_of_two_entries_for_a_point_one_counts() -> None:
    found = verdict(said(("P1", 1, QUOTES[0]), ("P1", 1, QUOTES[1]), ("P1", 1, QUOTES[2])))
    assert found.share == pytest.approx(1 / 3)


def test_a_reply_that_judges_no_point_is_no_grade() -> None:
    assert isinstance(read_verdict([said()], item(1), ANSWER), ReplyError)
    assert isinstance(read_verdict([said(("X", 1, QUOTES[0]))], item(1), ANSWER), ReplyError)


def test_repeats_are_averaged_and_those_that_failed_left_out() -> None:
    some, none = said(("P1", 1, QUOTES[0]), ("P2", 0, "")), said(("P1", 0, ""), ("P2", 0, ""))
    found = verdict(some, ReplyError("no"), none)
    assert found.share == pytest.approx(1 / 6)
    assert found.spread == pytest.approx(1 / 6)
    assert read_verdict([ReplyError("first"), ReplyError("second")], item(1), ANSWER) == ReplyError("first")


def test_a_comment_is_one_short_line() -> None:
    data = {"points": [{"id": "P1", "earned": 0, "quote": ""}], "confidence": 1, "comment": "a\nb\x07 " * 300}
    comment = verdict(reply(data)).comment
    assert "\n" not in comment and "\x07" not in comment and len(comment) <= 300


anything = st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.sampled_from(QUOTES)
entries = st.dictionaries(st.sampled_from(["id", "earned", "quote", "more"]), anything | st.just("P1"))


@given(
    st.lists(entries | anything, max_size=6) | anything,
    anything,
    st.lists(st.floats(0, 5), min_size=1, max_size=4),
    st.floats(0.25, 4),
)
def test_no_reply_earns_more_than_the_maximum_or_less_than_nothing(
    points: Any, confidence: Any, marks: list[float], max_score: float
) -> None:
    told = reply({"points": points, "confidence": confidence, "comment": "c"}, text="")
    found = read_verdict([told], item(*marks, max_score=max_score), ANSWER)
    assert isinstance(found, ReplyError) or (0 <= found.share <= 1 and 0 <= found.stated <= 1)
