from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from domain.bootstrap import Interval
from domain.contracts import Rejection
from domain.grading.evaluation import evaluate
from domain.grading.findings import find
from domain.grading.report_input import DataSection, ReportInput
from domain.reports.job import JobFacts, Problem
from domain.reports.wording import Severity, kappa, share

DATA = DataSection(2, 300, 60, {"train": 200, "test": 100}, "f" * 64)


def a_report(
    *,
    noise=0.1,
    n=60,
    bias=0.0,
    confidence=None,
    threshold=0.5,
    protocol="",
    second=None,
    iterations=None,
    **data,
):
    """A class of `n` students, half of them for testing, who answered items a and b for four marks each.

    `noise` is the model's error and `second` the second examiner's, both in marks.
    """
    rng = np.random.default_rng(1)
    answers, grades = [], []
    for k in range(n * 2):
        item, student = "ab"[k % 2], f"s{k // 2}"
        gold = float(rng.integers(0, 5))
        other = np.nan if second is None else float(round(np.clip(gold + rng.normal(0, second), 0, 4)))
        answers.append(
            {
                "answer_id": f"{student}{item}", "item_id": item, "student": student, "text": f"text {k}",
                "max_score": 4.0, "gold": gold, "split": "test" if k >= n else "train", "protocol": "",
                "second_gold": other,
            }
        )  # fmt: skip
        if k >= n:
            answers[-1]["protocol"] = protocol
            score = float(np.clip(gold + bias + rng.normal(0, noise), 0, 4))
            sure = rng.random() if confidence is None else confidence
            grades.append(
                {
                    "answer_id": f"{student}{item}", "item_id": item, "score": score, "max_score": 4.0,
                    "mark": float(round(score)), "confidence": sure, "refer": False, "rationale": "",
                }
            )  # fmt: skip
    evaluation = evaluate(pd.DataFrame(grades), pd.DataFrame(answers), threshold=threshold, promised=0.9)
    curve = pd.DataFrame({"iteration": [1], "seconds": [1.0]}) if iterations is None else iterations
    return ReportInput(
        title="Class test", job=JobFacts("job-1", "2026-01-01T00:00:00Z"), strategy="native",
        data=replace(DATA, **data), iterations=curve, evaluation=evaluation,
    )  # fmt: skip


def titled(report, part):
    found = [finding for finding in find(report) if part in finding.title]
    assert len(found) <= 1
    return found[0] if found else None


def a_curve(*values):
    return pd.DataFrame({"iteration": range(1, len(values) + 1), "seconds": 1.0, "qwk": values})


def test_the_headline_comes_first_and_says_the_computed_figures():
    report = a_report()
    first = find(report)[0]
    qwk = report.evaluation.figure("unseen_answers", "qwk")
    assert "very high" in first.title
    assert f"{qwk.value:.2f}" in first.text
    assert f"{qwk.low:.2f}" in first.text
    assert "60 new answers to known items" in first.text


@pytest.mark.parametrize(("noise", "word"), [(1.3, "substantial"), (2.4, "moderate"), (30.0, "low")])
def test_the_headline_follows_the_agreement(noise, word):
    assert find(a_report(noise=noise, n=120))[0].title.endswith(word)


def test_after_the_headline_warnings_come_before_notes_before_what_is_good():
    severities = [finding.severity for finding in find(a_report(noise=0.7, second=0.3, n_quarantined=40))[1:]]
    order = [Severity.WARNING, Severity.NOTE, Severity.GOOD]
    assert len(set(severities)) == 3
    assert severities == sorted(severities, key=order.index)


def test_a_kept_promise_is_good_and_a_broken_one_warns():
    assert titled(a_report(noise=0.05), "promise is kept").severity is Severity.GOOD
    broken = titled(a_report(noise=2.0), "promise is broken")
    assert broken.severity is Severity.WARNING
    assert "90% was promised" in broken.text


def test_a_threshold_beyond_reach_says_that_everything_is_referred():
    report = a_report(threshold=2.0)
    assert titled(report, "Every answer goes to a human").severity is Severity.WARNING
    assert titled(report, "promise is") is None


def test_the_model_is_held_against_the_second_examiner_where_there_is_one():
    assert titled(a_report(), "second examiner") is None
    assert "better than" in titled(a_report(noise=0.1, second=1.5), "second examiner").title
    assert "worse than" in titled(a_report(noise=1.5, second=0.1), "second examiner").title
    assert "not distinguishable" in titled(a_report(noise=0.6, second=0.6), "second examiner").title


def test_a_model_no_better_than_the_mean_mark_is_warned_of():
    assert titled(a_report(noise=0.3), "not surely better") is None
    assert titled(a_report(noise=30.0), "not surely better").severity is Severity.WARNING


def test_an_over_confident_model_is_told_from_an_under_confident_one():
    assert titled(a_report(noise=1.5, confidence=0.95), "over-confident").severity is Severity.WARNING
    assert titled(a_report(noise=0.05, confidence=0.55), "under-confident") is not None
    assert titled(a_report(noise=0.05, confidence=0.99), "taken at its word") is not None


def test_a_severe_model_is_told_from_a_kind_one():
    assert "kinder" in titled(a_report(bias=0.6), "than the examiner").title
    assert "more severe" in titled(a_report(bias=-0.6), "than the examiner").title
    assert titled(a_report(), "than the examiner") is None


def test_a_weak_item_is_named_with_its_reason():
    report = a_report(noise=0.05, n=160)
    graded = report.evaluation.graded
    items = report.evaluation.items.copy()
    assert titled(report, "Weakest") is None
    items.loc[items["item_id"] == "b", ["agreement", "n_training"]] = [0.4, 3]
    weak = titled(
        replace(report, evaluation=replace(report.evaluation, items=items, graded=graded)), "Weakest"
    )
    assert weak.title.endswith("item b")
    assert "only" not in weak.text
    assert "3 graded training answers" in weak.text


def test_among_many_items_one_unlucky_one_is_not_called_weak():
    report = a_report(noise=0.3, n=160)
    one = report.evaluation.items.iloc[[0]].assign(agreement=1.0)
    unlucky = one.assign(item_id="z", label="z", n=4, agreement=0.25)
    many = pd.concat([one.assign(item_id=str(k), label=str(k)) for k in range(99)] + [unlucky])
    assert titled(replace(report, evaluation=replace(report.evaluation, items=many)), "Weakest") is None
    few = pd.concat([one, unlucky])
    assert titled(replace(report, evaluation=replace(report.evaluation, items=few)), "Weakest") is not None


def test_a_curve_still_rising_asks_for_more_iterations():
    rising = titled(a_report(iterations=a_curve(0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)), "still rising")
    assert rising.recommendation == "Allow more iterations."
    assert "iteration 8 of 8" in rising.text
    assert titled(a_report(iterations=a_curve(0.2, 0.8, 0.8, 0.8, 0.8)), "still rising") is None


def test_a_curve_past_its_best_names_the_iteration_that_was_kept():
    fell = titled(a_report(iterations=a_curve(0.2, 0.8, 0.7, 0.6, 0.6, 0.6)), "past its best")
    assert "iteration 2 was kept" in fell.text


def test_a_curve_without_any_figure_says_nothing():
    curve = a_curve(np.nan, np.nan, np.nan, np.nan)
    assert titled(a_report(iterations=curve), "curve") is None


def test_few_test_answers_are_warned_of():
    assert titled(a_report(n=20), "Few new answers") is not None
    assert titled(a_report(n=160), "Few new answers") is None


def test_quarantine_is_a_warning_only_where_it_is_large():
    reasons = tuple(Rejection("Answers", str(k), "gold", "not_blank", "") for k in range(3))
    small = titled(a_report(n_quarantined=3, quarantine=reasons), "quarantine")
    large = titled(a_report(n_quarantined=30), "quarantine")
    assert (small.severity, large.severity) == (Severity.NOTE, Severity.WARNING)
    assert "3 of 303 rows" in small.text
    assert "not_blank of gold" in small.text


def test_guides_that_do_not_add_up_and_unreadable_files_are_named():
    report = a_report(
        unbalanced=(Problem("g.docx", "38 of 40"),), unreadable=(Problem("x.pdf", "encrypted"),)
    )
    assert "g.docx: 38 of 40" in titled(report, "1 guide").text
    assert "x.pdf: encrypted" in titled(report, "1 file").text


def test_new_items_are_spoken_of_as_such():
    assert "answers to new items" in find(a_report(protocol="unseen_items"))[0].text


def test_equal_figures_give_equal_findings():
    assert find(a_report(noise=0.7, second=0.5)) == find(a_report(noise=0.7, second=0.5))


def test_a_share_never_rounds_to_all_or_nothing():
    assert [share(v) for v in (1.0, 0.999, 0.5, 0.002, 0.0)] == ["100%", "99.9%", "50%", "0.2%", "0%"]


def test_a_kappa_without_interval_stands_alone():
    nan = float("nan")
    assert kappa(Interval(-0.5, nan, nan, 3)) == "−0.50"
    assert kappa(Interval(-0.001, nan, nan, 3)) == "0.00"
    assert kappa(Interval(0.5, 0.4, 0.6, 30)) == "0.50 (95% interval 0.40 to 0.60)"
