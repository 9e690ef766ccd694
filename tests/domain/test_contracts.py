import numpy as np
import pandas as pd
import pytest

from domain.contracts import Rejection, sift
from domain.errors import ContractError
from domain.grading.contracts import Answers, Predictions, Splits


def answers(**columns: object) -> pd.DataFrame:
    frame = {
        "answer_id": ["a", "b", "c"],
        "item_id": "i1",
        "student": "s",
        "text": ["light", "water", "air"],
        "max_score": 2.0,
        "gold": [0.0, 1.0, 2.0],
        "second_gold": np.nan,
    }
    return pd.DataFrame({**frame, **columns})


def rejected(frame: pd.DataFrame) -> list[Rejection]:
    return list(sift(Answers, frame, key="answer_id", max_reject_share=1).rejections)


def test_rows_that_obey_the_contract_pass_unchanged() -> None:
    sifted = sift(Answers, answers(), key="answer_id", max_reject_share=0)
    assert list(sifted.passed["answer_id"]) == ["a", "b", "c"]
    assert sifted.rejections == ()


def test_a_frame_without_rows_passes_with_the_contracts_columns_alone() -> None:
    sifted = sift(Answers, answers(beside="x").head(0), key="answer_id", max_reject_share=0)
    assert list(sifted.passed.columns) == list(answers().columns)


def test_a_score_above_its_maximum_is_rejected_with_both_values_shown() -> None:
    (rejection,) = rejected(answers(gold=[0.0, 1.0, 3.0]))
    assert rejection == Rejection("Answers", "c", "*", "gold_within_max_score", "max_score=2.0, gold=3.0")


def test_a_second_markers_score_above_the_maximum_is_rejected() -> None:
    (rejection,) = rejected(answers(second_gold=[0.0, 1.0, 3.0]))
    assert "second_gold=3" in rejection.value


def test_a_score_that_is_no_number_is_rejected_by_row_and_value() -> None:
    (rejection,) = rejected(answers(gold=[0, "two", 2]))
    assert (rejection.row, rejection.column, rejection.value) == ("b", "gold", "two")


def test_blank_answers_are_rejected_and_the_rest_goes_on() -> None:
    sifted = sift(Answers, answers(text=["light", "  ", "air"]), key="answer_id", max_reject_share=0.5)
    assert list(sifted.passed["answer_id"]) == ["a", "c"]
    assert sifted.rejections[0].row == "b"


def test_more_rejections_than_allowed_stop_with_the_first_of_them_named() -> None:
    with pytest.raises(ContractError, match=r"1 of 3 rows \(33\.3%\).*b: text not_blank"):
        sift(Answers, answers(text=["light", "", "air"]), key="answer_id", max_reject_share=0.05)


def test_a_missing_column_stops_with_its_name() -> None:
    with pytest.raises(ContractError, match="text"):
        sift(Answers, answers().drop(columns="text"), key="answer_id", max_reject_share=1)


def test_several_faults_in_a_row_count_as_one_rejected_row() -> None:
    sifted = sift(Answers, answers(text=["", "w", "a"], gold=[9, 1, 2]), key="answer_id", max_reject_share=1)
    assert sifted.n_rejected == 1
    assert len(sifted.rejections) == 2


def test_a_split_that_does_not_exist_is_rejected() -> None:
    frame = pd.DataFrame({"answer_id": ["a", "b"], "split": ["train", "exam"], "protocol": ""})
    (rejection,) = sift(Splits, frame, key="answer_id", max_reject_share=1).rejections
    assert rejection.value == "exam"


def test_a_prediction_above_the_items_marks_is_rejected() -> None:
    frame = pd.DataFrame(
        {
            "answer_id": ["a", "b"],
            "item_id": "i",
            "score": [1.0, 2.5],
            "mark": [1.0, 2.0],
            "max_score": 2.0,
            "confidence": 0.5,
            "refer": False,
            "rationale": "",
        }
    )
    (rejection,) = sift(Predictions, frame, key="answer_id", max_reject_share=1).rejections
    assert rejection.row == "b"
