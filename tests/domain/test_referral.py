import numpy as np
import pytest

from domain.referral import agrees, choose_threshold, design_effect, lower_bound, referral_curve


def test_agreement_is_within_a_share_of_what_the_item_is_worth():
    assert agrees([1.0, 1.0, 9.0], [1.1, 1.2, 10.0], [1, 1, 10], 0.1).tolist() == [True, False, True]
    assert agrees([1.0], [np.nan], [1], 0.5).tolist() == [False]


def test_the_curve_starts_with_the_surest_answers_and_ends_with_all():
    curve = referral_curve([0.9, 0.2, 0.5], [True, False, True])
    assert curve["threshold"].tolist() == [0.9, 0.5, 0.2]
    assert curve["share"].tolist() == pytest.approx([1 / 3, 2 / 3, 1])
    assert curve["agreement"].tolist() == pytest.approx([1, 1, 2 / 3])


def test_answers_of_equal_confidence_stand_or_fall_together():
    curve = referral_curve([0.5, 0.5, 0.5, 0.1], [True, False, True, False])
    assert curve["n"].tolist() == [3, 4]


def test_the_lower_bound_is_clopper_and_pearsons():
    # Of n successes in n, the exact bound is (1 - certainty) ** (1 / n).
    assert lower_bound(20, 20, 0.8) == pytest.approx(0.2 ** (1 / 20))
    assert lower_bound(0, 20, 0.8) == 0


def test_the_lowest_confidence_that_keeps_the_promise_is_chosen():
    confidence = np.linspace(1, 0, 200)
    agreed = np.arange(200) < 100
    chosen = choose_threshold(confidence, agreed, promised=0.9)
    above = confidence >= chosen.threshold
    assert chosen.share == pytest.approx(above.mean())
    assert 0.9 < chosen.agreement == pytest.approx(agreed[above].mean())
    assert chosen.lower_bound >= 0.9
    one_more = lower_bound(100, above.sum() + 1, 0.8)
    assert one_more < 0.9


def test_a_promise_out_of_reach_refers_every_answer_and_says_why():
    chosen = choose_threshold(np.linspace(0, 1, 100), np.arange(100) % 2 == 0, promised=0.9)
    assert chosen.threshold > 1
    assert chosen.share == 0
    assert "90%" in chosen.reason


def test_too_few_answers_refer_every_answer_and_say_how_many_are_needed():
    chosen = choose_threshold(np.ones(19), np.ones(19, bool), promised=0.5)
    assert chosen.threshold > 1
    assert "19" in chosen.reason
    assert "20" in chosen.reason
    assert choose_threshold([], [], promised=0.5).threshold > 1


def test_the_promise_is_kept_on_new_answers_about_as_often_as_the_certainty_says():
    rng = np.random.default_rng(0)
    kept = 0
    for _ in range(200):
        confidence = rng.random(300)
        chosen = choose_threshold(confidence, rng.random(300) < 0.5 + 0.5 * confidence, promised=0.85)
        # The true agreement above a threshold t is the mean of 0.5 + 0.5 c over c in [t, 1].
        kept += chosen.threshold > 1 or 0.5 + 0.25 * (1 + chosen.threshold) >= 0.85
    assert kept / 200 > 0.65


def test_answers_that_fail_together_count_for_less():
    agreed = np.repeat(np.arange(20) % 4 != 0, 10)
    students = np.repeat(np.arange(20), 10)
    assert design_effect(agreed, students) > 8
    assert design_effect(agreed, np.arange(200)) == pytest.approx(1.0, abs=0.01)
    assert design_effect(np.ones(200, bool), students) == 1.0


def test_a_promise_on_few_students_refers_more_than_one_on_many():
    rng = np.random.default_rng(0)
    confidence = rng.random(400)
    weak = np.repeat(np.arange(20) % 5 == 0, 20)
    agreed = rng.random(400) < np.where(weak, 0.5, 0.98)
    alone = choose_threshold(confidence, agreed, promised=0.85)
    clustered = choose_threshold(confidence, agreed, promised=0.85, groups=np.repeat(np.arange(20), 20))
    assert alone.share > clustered.share
