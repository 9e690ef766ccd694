"""Who becomes champion."""

from __future__ import annotations

import pytest

from domain.promotion import Gap, Rule, decide

BETTER = Gap("qwk", "unseen_answers", 0.05, 0.01, 0.09, 0.01, 300)
UNSURE = Gap("qwk", "unseen_answers", 0.05, -0.01, 0.11, 0.1, 30)
WORSE = Gap("qwk", "unseen_answers", -0.05, -0.09, -0.01, 0.01, 300)
UNKNOWN = Gap("qwk", "unseen_answers", float("nan"), float("nan"), float("nan"), float("nan"), 3)


def test_a_challenger_is_promoted_when_it_is_better_beyond_the_interval() -> None:
    decision = decide(Rule.BETTER, "version 1", BETTER)
    assert decision.promoted
    assert "+0.050 (95 % interval +0.010 to +0.090) on 300" in decision.reason
    assert "better than version 1" in decision.reason


@pytest.mark.parametrize("gap", [UNSURE, WORSE, UNKNOWN])
def test_the_champion_stays_where_chance_could_explain_the_gain(gap: Gap) -> None:
    assert not decide(Rule.BETTER, "version 1", gap).promoted


def test_a_challenger_that_could_not_be_measured_stays_one_and_says_why() -> None:
    decision = decide(Rule.BETTER, "version 1", None, "they share no answers")
    assert not decision.promoted
    assert decision.reason == "they share no answers"


def test_it_is_promoted_when_told_and_the_numbers_are_kept() -> None:
    decision = decide(Rule.ALWAYS, "version 1", WORSE)
    assert decision.promoted
    assert decision.tags()["promotion.qwk_gap"] == "-0.05"
    assert decision.tags()["promotion.n"] == "300"


def test_never_keeps_even_a_first_version_from_it() -> None:
    assert decide(Rule.BETTER, "", None).promoted
    assert not decide(Rule.NEVER, "", None).promoted
