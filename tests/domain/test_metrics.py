import time
import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score, f1_score

from domain.bootstrap import bootstrap_interval, paired_bootstrap
from domain.grading.metrics import (
    adjacent_agreement,
    exact_agreement,
    macro_f1,
    mae,
    pearson,
    qwk,
    rmse,
    spearman,
)

RNG = np.random.default_rng(7)
GOLD = RNG.integers(0, 6, 300)
PREDICTED = np.clip(GOLD + RNG.integers(-2, 3, 300), 0, 5)


def test_qwk_equals_cohens_on_an_integer_grid():
    assert qwk(GOLD, PREDICTED) == pytest.approx(cohen_kappa_score(GOLD, PREDICTED, weights="quadratic"))


def test_qwk_of_shares_equals_qwk_of_marks():
    assert qwk(GOLD / 5, PREDICTED / 5) == pytest.approx(qwk(GOLD, PREDICTED))


def test_correlations_equal_scipys_with_ties():
    assert pearson(GOLD, PREDICTED) == pytest.approx(stats.pearsonr(GOLD, PREDICTED).statistic)
    assert spearman(GOLD, PREDICTED) == pytest.approx(stats.spearmanr(GOLD, PREDICTED).statistic)


def test_macro_f1_equals_scikit_learns():
    expected = f1_score(GOLD, PREDICTED, average="macro")
    assert macro_f1(GOLD, PREDICTED) == pytest.approx(expected)
    assert macro_f1(GOLD / 5, PREDICTED / 5) == pytest.approx(expected)


def test_errors_and_agreement_are_what_they_say():
    gold, predicted = [0, 0.5, 1], [0, 1, 0]
    assert mae(gold, predicted) == pytest.approx(0.5)
    assert rmse(gold, predicted) == pytest.approx(np.sqrt(1.25 / 3))
    assert exact_agreement(gold, predicted) == pytest.approx(1 / 3)
    assert adjacent_agreement(gold, predicted, [0.5, 0.5, 0.5]) == pytest.approx(2 / 3)


@pytest.mark.parametrize("metric", [qwk, pearson, spearman])
@pytest.mark.parametrize(("gold", "predicted"), [([1, 1, 1], [0, 1, 1]), ([1], [1]), ([], [])])
def test_what_cannot_be_computed_is_nan_and_silent(metric, gold, predicted):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(metric(gold, predicted))
        assert np.isnan(bootstrap_interval(metric, gold, predicted).low)


def test_a_metric_says_which_way_is_better():
    assert qwk.larger_is_better
    assert not rmse.larger_is_better


@pytest.mark.parametrize("metric", [qwk, pearson, spearman, mae, rmse, macro_f1])
def test_all_resamples_at_once_equal_resamples_one_by_one(metric):
    at_once = bootstrap_interval(metric, GOLD, PREDICTED, n=50, seed=3)
    one_by_one = bootstrap_interval(lambda g, p: metric(g, p), GOLD, PREDICTED, n=50, seed=3)
    assert (at_once.low, at_once.high) == pytest.approx((one_by_one.low, one_by_one.high))
    assert at_once.low < at_once.value < at_once.high


def test_intervals_are_repeatable_and_depend_on_the_seed():
    once, again, other = (bootstrap_interval(qwk, GOLD, PREDICTED, seed=seed) for seed in (1, 1, 2))
    assert once == again
    assert once != other


def test_the_interval_of_a_mean_covers_it_nineteen_times_in_twenty():
    rng = np.random.default_rng(0)
    covered = 0
    for trial in range(200):
        gold = rng.normal(size=80)
        interval = bootstrap_interval(mae, gold, np.zeros(80), seed=trial)
        covered += interval.low <= np.sqrt(2 / np.pi) <= interval.high
    assert 180 <= covered <= 198


def test_answers_that_depend_on_their_student_give_a_wider_interval():
    rng = np.random.default_rng(0)
    student = np.repeat(np.arange(30), 10)
    gold = np.repeat(rng.normal(size=30), 10)
    loose = bootstrap_interval(mae, gold, np.zeros(300))
    tied = bootstrap_interval(mae, gold, np.zeros(300), groups=student)
    assert tied.high - tied.low > 2 * (loose.high - loose.low)


def test_a_better_marker_is_surely_better_on_paired_resamples():
    rng = np.random.default_rng(0)
    gold = rng.random(200)
    noise = rng.normal(size=200)
    better, worse = gold + 0.1 * noise, gold + 0.2 * noise
    difference = paired_bootstrap(qwk, gold, better, worse)
    assert 0 < difference.low < difference.value < difference.high
    assert paired_bootstrap(qwk, gold, better, better).high == 0


def test_an_interval_over_five_thousand_answers_takes_a_second_at_most():
    gold = np.random.default_rng(0).integers(0, 9, 5000) / 8
    predicted = np.roll(gold, 1)
    for metric in (qwk, spearman, macro_f1):
        started = time.process_time()
        bootstrap_interval(metric, gold, predicted, groups=np.arange(5000) // 5)
        assert time.process_time() - started < 2.0  # one second on an idle core
