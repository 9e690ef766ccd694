import json
import time
import warnings

import numpy as np
import pandas as pd
import pytest

from domain.contracts import Metrics
from domain.errors import InputError
from domain.grading.evaluation import Evaluation, evaluate
from domain.grading.graded import is_blank


def answer(answer_id, gold, *, item="q1", student=None, text=None, split="test", protocol="", **more):
    return {
        "answer_id": answer_id, "item_id": item, "student": student or answer_id, "text": text or answer_id,
        "max_score": 4.0, "gold": gold, "second_gold": np.nan, "split": split, "protocol": protocol, **more,
    }  # fmt: skip


def grade(answer_id, mark, *, score=None, confidence=0.9, item="q1"):
    return {
        "answer_id": answer_id, "item_id": item, "score": mark if score is None else score, "mark": mark,
        "max_score": 4.0, "confidence": confidence, "refer": confidence < 0.5, "rationale": "",
    }  # fmt: skip


def evaluated(answers, predictions, **more):
    terms = {"threshold": 0.5, "tolerance": 0.1, "promised": 0.9} | more
    return evaluate(pd.DataFrame(predictions), pd.DataFrame(answers), **terms)


def a_class(n=40, seed=0):
    """A class whose second examiner is noisier than the model on q1, and who all answer q1 and q2."""
    rng = np.random.default_rng(seed)
    answers, grades = [], []
    for k in range(n):
        for item in ("q1", "q2"):
            gold = float(rng.integers(0, 5))
            second = float(np.clip(gold + rng.integers(-2, 3), 0, 4))
            split = "test" if k < n // 2 else "train"
            name = f"{item}-{k}"
            answers.append(
                answer(name, gold, item=item, student=f"s{k}", split=split) | {"second_gold": second}
            )
            if split == "test":
                score = float(np.clip(gold + rng.normal(0, 0.4), 0, 4))
                grades.append(
                    grade(name, float(round(score)), score=score, confidence=rng.random(), item=item)
                )
    return answers, grades


def test_metrics_obey_their_contract_and_lie_within_their_intervals():
    evaluation = evaluated(*a_class())
    metrics = Metrics.validate(evaluation.metrics)
    bounded = metrics.dropna()
    assert len(bounded) > 20
    assert (bounded["low"] <= bounded["value"] + 1e-9).all()
    assert (bounded["value"] <= bounded["high"] + 1e-9).all()
    assert evaluation.figure("unseen_answers", "qwk").n == 40


def test_errors_come_from_the_score_and_agreement_from_the_mark():
    evaluation = evaluated(
        [answer("a", 2.0), answer("b", 4.0)], [grade("a", 2.0, score=2.4), grade("b", 4.0)]
    )
    assert evaluation.figure("unseen_answers", "exact").value == 1
    assert evaluation.figure("unseen_answers", "mae").value == pytest.approx(0.4 / 4 / 2)
    assert evaluation.figure("unseen_answers", "rmse_marks").value == pytest.approx(np.sqrt(0.4**2 / 2))


def test_runs_are_compared_by_a_few_figures_that_are_numbers():
    evaluation = evaluated([answer("a", 2.0), answer("b", 4.0)], [grade("a", 2.0), grade("b", 4.0)])
    figures = evaluation.key_figures()
    assert figures["unseen_answers.qwk"] == 1
    assert "unseen_answers.human.qwk" not in figures


def test_unscored_and_ungraded_answers_are_left_out_and_counted():
    answers = [answer("a", 2.0), answer("b", 3.0), answer("c", np.nan), answer("d", 1.0)]
    evaluation = evaluated(answers, [grade("a", 2.0), grade("b", 3.0), grade("c", 1.0)])
    assert (evaluation.n_unscored, evaluation.n_ungraded) == (1, 1)
    assert evaluation.graded["answer_id"].tolist() == ["a", "b"]


def test_nothing_to_evaluate_is_said_with_the_remedy():
    with pytest.raises(InputError, match="none of the 1 test answers"):
        evaluated([answer("a", np.nan)], [grade("a", 1.0)])


def test_a_perfect_share_of_few_answers_is_not_taken_for_certain():
    answers = [answer(str(k), float(k % 5)) for k in range(10)]
    evaluation = evaluated(answers, [grade(str(k), float(k % 5)) for k in range(10)])
    agreement = evaluation.figure("unseen_answers", "agreement")
    assert (agreement.value, agreement.high) == (1, 1)
    assert agreement.low == pytest.approx(0.025 ** (1 / 10))


def test_protocols_are_measured_apart():
    answers = [answer("a", 2.0), answer("b", 4.0), answer("c", 0.0, protocol="unseen_items", item="q2")]
    evaluation = evaluated(answers, [grade("a", 2.0), grade("b", 4.0), grade("c", 4.0, item="q2")])
    assert evaluation.protocols == ("unseen_answers", "unseen_items")
    assert evaluation.figure("unseen_answers", "agreement").value == 1
    assert evaluation.figure("unseen_items", "agreement").value == 0
    assert evaluation.items["protocol"].tolist() == ["unseen_answers", "unseen_items"]


def test_copies_of_training_answers_are_left_out_of_the_stricter_figures():
    answers = [
        answer("t", 4.0, text="Water  MOVES in", split="train"),
        answer("a", 4.0, text="water moves in"),
        answer("b", 0.0, text="something else"),
    ]
    evaluation = evaluated(answers, [grade("a", 4.0), grade("b", 4.0)])
    assert evaluation.figure("unseen_answers", "agreement").value == 0.5
    stricter = evaluation.figure("unseen_answers", "without_copies.agreement")
    assert (stricter.value, stricter.n) == (0, 1)


def test_the_same_text_under_another_item_is_no_copy():
    answers = [answer("t", 4.0, text="yes", item="q9", split="train"), answer("a", 4.0, text="yes")]
    assert not evaluated(answers, [grade("a", 4.0)]).graded["copy"].any()


@pytest.mark.parametrize("text", ["No submission", "-", " N/A. ", "keine Antwort"])
def test_answers_that_say_there_is_none_are_blank(text):
    assert is_blank(text)
    assert not is_blank(text + " because of osmosis")


def test_blanks_are_left_out_of_the_stricter_figures():
    answers = [answer("a", 0.0, text="No submission"), answer("b", 3.0), answer("c", 4.0)]
    evaluation = evaluated(answers, [grade("a", 0.0), grade("b", 1.0), grade("c", 4.0)])
    assert evaluation.figure("unseen_answers", "without_blanks.agreement").value == 0.5


def test_the_second_examiner_is_the_ceiling_on_the_same_answers():
    evaluation = evaluated(*a_class())
    human = evaluation.figure("unseen_answers", "human.qwk")
    model = evaluation.figure("unseen_answers", "model_with_human.qwk")
    over = evaluation.figure("unseen_answers", "over_human.qwk")
    assert over.value == pytest.approx(model.value - human.value)
    assert over.low > 0


def test_the_trivial_baseline_is_the_items_mean_gold_in_training():
    answers = [answer("t1", 1.0, split="train"), answer("t2", 3.0, split="validation"), answer("a", 4.0)]
    answers += [answer("b", 3.0, item="new")]
    graded = evaluated(answers, [grade("a", 4.0), grade("b", 3.0, item="new")]).graded
    assert graded["item_mean"].tolist() == [2.0, 2.0]
    assert graded["n_training"].tolist() == [2, 0]


def test_automatic_is_what_the_model_does_not_refer():
    answers = [answer(name, 4.0) for name in "abcd"]
    grades = [grade("a", 4.0, confidence=0.5), grade("b", 4.0, confidence=0.9)]
    grades += [grade("c", 0.0, confidence=0.8), grade("d", 0.0, confidence=0.49)]
    evaluation = evaluated(answers, grades)
    assert evaluation.figure("unseen_answers", "automatic.share").value == 0.75
    assert evaluation.figure("unseen_answers", "automatic.agreement").value == pytest.approx(2 / 3)
    assert evaluation.referral["share"].tolist() == [0.25, 0.5, 0.75, 1.0]


def test_calibration_error_is_the_gap_between_confidence_and_agreement():
    answers = [answer(str(k), 4.0) for k in range(10)]
    grades = [grade(str(k), 4.0 if k < 6 else 0.0, confidence=0.9) for k in range(10)]
    evaluation = evaluated(answers, grades)
    assert evaluation.figure("unseen_answers", "ece").value == pytest.approx(0.3)
    assert evaluation.figure("unseen_answers", "overconfidence").value == pytest.approx(0.3)


def test_papers_add_up_a_students_marks():
    answers = [answer("a1", 2.0, student="s"), answer("a2", 4.0, student="s", item="q2")]
    answers += [answer("b1", 1.0, student="t"), answer("b2", 1.0, student="t", item="q2")]
    grades = [grade("a1", 2.0), grade("a2", 2.0, item="q2"), grade("b1", 1.0), grade("b2", 1.0, item="q2")]
    evaluation = evaluated(answers, grades)
    assert evaluation.papers[["student", "gold", "mark"]].values.tolist() == [["s", 6, 4], ["t", 2, 2]]
    assert evaluation.figure("all", "papers.mae_marks").value == 1


def test_a_paper_with_only_a_total_is_held_against_that_total():
    answers = [answer("a", 2.0), answer("b1", np.nan, student="t", expected_total=7.0)]
    answers += [answer("b2", np.nan, student="t", item="q2", expected_total=7.0)]
    grades = [grade("a", 2.0), grade("b1", 3.0), grade("b2", 3.0, item="q2")]
    papers = evaluated(answers, grades).papers.set_index("student")
    assert papers.loc["t", ["gold", "mark"]].tolist() == [7, 6]


def test_few_distinct_marks_are_labels_with_a_confusion_matrix():
    answers = [answer("a", 0.0), answer("b", 4.0), answer("c", 4.0)]
    evaluation = evaluated(answers, [grade("a", 0.0), grade("b", 4.0), grade("c", 0.0)])
    cells = {(row.gold, row.mark): row.n for row in evaluation.confusion.itertuples()}
    assert cells == {(0, 0): 1, (4, 4): 1, (4, 0): 1}
    assert evaluation.figure("unseen_answers", "macro_f1").value == pytest.approx(2 / 3)


def test_the_widest_and_most_confident_disagreement_comes_first():
    answers = [answer(name, 4.0) for name in "abcd"]
    grades = [
        grade("a", 2.0),
        grade("b", 0.0, confidence=0.3),
        grade("c", 0.0, confidence=0.8),
        grade("d", 4.0),
    ]
    assert evaluated(answers, grades).worst("unseen_answers")["answer_id"].tolist() == ["c", "b", "a"]


def test_items_come_in_the_order_of_their_printed_numbers():
    items = pd.DataFrame({"item_id": ["q1", "q2"], "guide": "Paper", "number": ["10", "2a"]})
    answers = [answer("a", 2.0), answer("b", 4.0, item="q2")]
    evaluation = evaluated(answers, [grade("a", 2.0), grade("b", 4.0, item="q2")], items=items)
    assert evaluation.items["label"].tolist() == ["2a", "10"]


def test_an_evaluation_survives_plain_json():
    evaluation = evaluated(*a_class())
    text = evaluation.to_json()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    again = Evaluation.from_json(text)
    assert again.to_json() == text
    pd.testing.assert_frame_equal(again.metrics, evaluation.metrics)
    pd.testing.assert_frame_equal(again.graded, evaluation.graded)


def test_something_else_than_an_evaluation_is_refused_by_name():
    with pytest.raises(InputError, match="not an evaluation"):
        Evaluation.from_json('{"tolerance": 0.1}')


def test_an_evaluation_is_repeatable_and_silent_and_takes_a_moment():
    answers, grades = a_class(600)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        started = time.process_time()
        first = evaluated(answers, grades)
        assert time.process_time() - started < 2
    assert first.to_json() == evaluated(answers, grades).to_json()
