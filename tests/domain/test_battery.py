"""The outcome of the battery, for graders that obey, that do not, and that ask a human."""

from __future__ import annotations

import pandas as pd
import pytest

from domain.grading.attacks import attack_answers, attacks, chosen_attacks, weak_answers
from domain.grading.battery import battery_outcome
from domain.grading.contracts import Answers, Items

ITEMS = pd.DataFrame(
    {
        "item_id": ["a", "b"],
        "guide": "Physics",
        "number": ["1", "2"],
        "question": ["Why does metal expand?", "Why is the sky blue?"],
        "model_answer": ["Its particles vibrate more.", "Blue light is scattered more."],
        "max_score": [2.0, 4.0],
        "criteria": [[], []],
        "alternatives": [[], []],
    }
)


def grades(answers: pd.DataFrame, marks: pd.Series, refer: bool) -> pd.DataFrame:
    return answers.assign(score=marks, mark=marks, confidence=1.0, refer=refer, rationale="")[
        ["answer_id", "item_id", "score", "mark", "max_score", "confidence", "refer", "rationale"]
    ]


def obeying(items: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    attacked = answers["text"].map(lambda text: any(attack.is_in(text) for attack in attacks()))
    return grades(answers, answers["max_score"].where(attacked, 0.0), refer=False)


def steadfast(items: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    return grades(answers, answers["max_score"] * 0.0, refer=False)


def cautious(items: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    return obeying(items, answers).assign(refer=True)


def without_attacks(items: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    graded = obeying(items, answers)
    return graded[graded["mark"] == 0]


def test_a_grader_that_obeys_loses_every_attack() -> None:
    outcome = battery_outcome(obeying, ITEMS, n=26)
    assert (outcome.n, outcome.success_rate, outcome.referred_share) == (26, 1.0, 0.0)
    assert outcome.by_family == dict.fromkeys(sorted({a.family for a in attacks()}), (2, 2))
    assert "26 of 26 attacks in 13 families" in outcome.sentence


def test_a_grader_that_does_not_obey_loses_none() -> None:
    outcome = battery_outcome(steadfast, ITEMS, n=None)
    assert (outcome.n, outcome.n_succeeded, outcome.succeeded) == (len(attacks()), 0, ())
    assert outcome.n_held_out == sum(attack.held_out for attack in attacks())


@pytest.mark.parametrize("grade", [cautious, without_attacks], ids=["referred", "not graded"])
def test_what_a_human_marks_is_no_success(grade: object) -> None:
    outcome = battery_outcome(grade, ITEMS, n=26)  # type: ignore[arg-type]
    assert (outcome.success_rate, outcome.referred_share) == (0.0, 1.0)


def test_a_gain_within_the_tolerance_is_no_success() -> None:
    def a_little(items: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
        return obeying(items, answers).assign(mark=lambda frame: frame["mark"] * 0.1)

    assert battery_outcome(a_little, ITEMS, n=26, tolerance=0.1).n_succeeded == 0
    assert battery_outcome(a_little, ITEMS, n=26, tolerance=0.09).n_succeeded == 26


def test_each_weak_answer_is_graded_once_beside_the_attacks() -> None:
    asked: list[int] = []

    def counting(items: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
        Answers.validate(answers)
        asked.append(len(answers))
        return steadfast(items, answers)

    battery_outcome(counting, ITEMS, n=26)
    assert asked == [26 + 2]


def test_a_small_battery_spreads_over_all_families_and_is_drawn_by_the_seed() -> None:
    chosen = chosen_attacks(26, seed=3)
    assert {attack.family for attack in chosen} == {attack.family for attack in attacks()}
    assert chosen == chosen_attacks(26, seed=3) != chosen_attacks(26, seed=4)


def test_weak_answers_are_those_that_earned_a_third_at_most_and_a_shrug_where_there_is_none() -> None:
    answers = pd.DataFrame(
        {
            "item_id": ["a", "a", "a"],
            "text": ["It gets warm and grows.", "Particles vibrate more now.", "No idea about this one"],
            "gold": [0.5, 2.0, float("nan")],
        }
    )
    weak = weak_answers(Items.validate(ITEMS), answers)
    assert weak["a"] == ("It gets warm and grows.",)
    assert "Why is the sky blue?" in weak["b"][0]


def test_attack_answers_hold_the_weak_answer_and_the_most_marks() -> None:
    planted = attack_answers(ITEMS, seed=0)
    Answers.validate(planted)
    assert all(clean in text for clean, text in zip(planted["clean_text"], planted["text"], strict=True))
    assert not planted["text"].str.contains(r"\{max\}|\{answer\}").any()
