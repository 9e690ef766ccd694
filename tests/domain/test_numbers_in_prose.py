import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.grading.numbers_in_prose import Fraction, Number, Range, normalised, stated_in


def only(text):
    (stated,) = stated_in(normalised(text))
    return stated


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("reaches 0.83 here", 0.83, ""),
        ("a loss of −0.04 here", -0.04, ""),
        ("1,234 answers", 1234, ""),
        ("85% of them", 85, "percent"),
        ("85 per cent of them", 85, "percent"),
        ("5 percentage points more", 5, "points"),
        ("cost $0.42 in all", 0.42, "usd"),
        ("cost 42 cents in all", 0.42, "usd"),
        ("took 120 ms each", 0.12, "seconds"),
        ("took 2 minutes", 120, "seconds"),
        ("12k tokens", 12_000, ""),
        ("1.5e-3 of it", 0.0015, ""),
        ("2x faster", 2, "times"),
        ("twice as fast", 2, "times"),
        ("eleven answers", 11, ""),
        ("eighty-five percent", 85, "percent"),
        ("one hundred and five answers", 105, ""),
        ("a third of them", 100 / 3, "percent"),
        ("two thirds of them", 200 / 3, "percent"),
        ("half of them", 50, "percent"),
        ("the third iteration", 3, ""),
        ("no answers were lost", 0, ""),
        ("one answer was lost", 1, ""),
        ("８５％ of them", 85, "percent"),
        ("٣ items", 3, ""),
        ("the 3rd iteration", 3, ""),
        ("fifty more answers", 50, ""),
    ],
)
def test_a_number_is_found_with_its_unit(text, value, unit):
    stated = only(text)
    assert isinstance(stated, Number)
    assert stated.value == pytest.approx(value)
    assert stated.unit == unit


@pytest.mark.parametrize(
    ("text", "part", "whole"),
    [
        ("3 of 75 answers", 3, 75),
        ("3 out of the 75", 3, 75),
        ("one in four", 1, 4),
        ("nine out of ten", 9, 10),
        ("½ of it", 1, 2),
        ("1 in every 5", 1, 5),
    ],
)
def test_a_fraction_is_one_statement(text, part, whole):
    stated = only(text)
    assert isinstance(stated, Fraction)
    assert (stated.part, stated.whole) == (part, whole)


@pytest.mark.parametrize(
    ("text", "low", "high", "unit"),
    [
        ("0.79 to 0.87", 0.79, 0.87, ""),
        ("0.79–0.87", 0.79, 0.87, ""),
        ("0.79-0.87", 0.79, 0.87, ""),
        ("(0.79, 0.87)", 0.79, 0.87, ""),
        ("between 0.79 and 0.87", 0.79, 0.87, ""),
        ("−0.04 to 0.02", -0.04, 0.02, ""),
        ("79 to 87%", 79, 87, "percent"),
        ("79%–87%", 79, 87, "percent"),
    ],
)
def test_an_interval_is_one_statement(text, low, high, unit):
    stated = only(text)
    assert isinstance(stated, Range)
    assert (stated.low.value, stated.high.value, stated.low.unit) == (low, high, unit)


@pytest.mark.parametrize(
    "text",
    [
        "the second examiner",
        "the first of them",
        "one of them is odd",
        "it is one-sided",
        "double-check the marks",
        "a third-party model",
        "there is no difference",
        "the model that one trusts",
    ],
)
def test_words_that_only_look_like_numbers_are_none(text):
    assert stated_in(normalised(text)) == []


def test_a_vague_quantity_is_a_number_that_equals_nothing():
    assert math.isnan(only("dozens of answers").value)


@pytest.mark.parametrize("digits", ["1e999", "1e-999", "9" * 400, "0." + "3" * 400])
def test_absurd_numbers_are_found_and_stop_nothing(digits):
    assert stated_in(f"is {digits} here")


@given(st.floats(-999, 999).filter(lambda x: abs(x) > 1e-3), st.integers(0, 6))
def test_a_decimal_is_found_as_written_with_its_step(value, decimals):
    text = f"{value:.{decimals}f}"
    stated = only(f"it is {text} here")
    assert stated.value == float(text)
    assert stated.step == pytest.approx(10.0**-decimals)


@given(st.integers(0, 10**9))
def test_thousands_may_be_grouped(n):
    assert only(f"the {n:,} tokens").value == n


@given(st.text(max_size=200))
def test_any_text_is_read_without_harm_and_every_digit_is_within_a_statement(text):
    text = normalised(text)
    stated = stated_in(text)
    assert all(a.end <= b.start for a, b in pairwise(stated))
    covered = {k for one in stated for k in range(one.start, one.end)}
    assert {k for k, char in enumerate(text) if char in "0123456789"} <= covered
