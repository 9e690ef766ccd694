"""Reasons for a score, in words."""

from __future__ import annotations

from strategies.grading.features import Reference
from strategies.grading.rationale import rationale

RUST = Reference(
    "Why does iron rust?",
    ("Iron reacts with oxygen and moisture.",),
    ("Iron reacts with oxygen and moisture.",),
)
PLANTS = Reference("How do plants eat?", ("…",), ("leaves absorb sunlight", "roots take up water"))


def test_the_key_words_found_and_missed_are_named_and_those_of_the_question_are_not() -> None:
    said = rationale("the iron is reacting to oxygen", RUST, "Nothing is like it.")
    assert said == "Has “reacts”, “oxygen” of the model answer; lacks “moisture”. Nothing is like it."


def test_an_answer_with_no_key_word_is_said_to_have_none() -> None:
    assert rationale("magic", RUST, "So.") == "Has no key word of the model answer. So."


def test_marking_points_are_counted_and_the_missed_ones_named() -> None:
    said = rationale("sunlight is absorbed by leaves", PLANTS, "So.")
    assert said == "Has the words of 1 of 2 marking points; not of “roots take up water”. So."


def test_a_long_marking_point_is_cut_at_a_word() -> None:
    long = Reference("Why?", ("…",), ("first thing", "every good boy deserves fudge " * 5))
    assert "not of “every good boy deserves fudge every good boy deserves…”" in rationale(
        "first thing", long, ""
    )
