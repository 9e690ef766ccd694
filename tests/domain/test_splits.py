import itertools

import pandas as pd
import pytest

from domain.errors import ContractError, InputError
from domain.grading.splits import SplitPlan, check_splits, keep_given_splits, split_answers
from domain.kinds import Protocol, Split


def class_set(n_students: int = 20, n_items: int = 5) -> pd.DataFrame:
    rows = [
        {
            "answer_id": f"s{s}-i{i}",
            "item_id": f"i{i}",
            "student": f"s{s}",
            "text": f"student {s} writes about item {i}",
        }
        for s, i in itertools.product(range(n_students), range(n_items))
    ]
    return pd.DataFrame(rows)


def placed(answers: pd.DataFrame, plan: SplitPlan, twins: dict[str, int] | None = None) -> pd.DataFrame:
    return split_answers(answers, twins or {}, plan).splits.merge(answers, on="answer_id")


def test_no_student_is_on_two_sides() -> None:
    rows = placed(class_set(), SplitPlan())
    assert (rows.groupby("student")["split"].nunique() == 1).all()
    assert set(rows["split"]) == {"train", "validation", "test"}


def test_shares_are_kept_within_one_student() -> None:
    share = placed(class_set(100), SplitPlan())["split"].value_counts(normalize=True)
    assert share["test"] == pytest.approx(0.2, abs=0.011)
    assert share["validation"] == pytest.approx(0.15, abs=0.011)


def test_the_same_seed_gives_the_same_splits_and_another_seed_others() -> None:
    first, again, other = (placed(class_set(), SplitPlan(seed=s)) for s in (1, 1, 2))
    assert first.equals(again)
    assert not first["split"].equals(other["split"])


def test_students_who_copied_a_long_answer_stay_on_one_side() -> None:
    answers = class_set()
    answers.loc[answers["item_id"] == "i0", "text"] = "a long answer of more than eight words that was copied"
    twins = {"s1-i0": 7, "s2-i0": 7, "s3-i0": 7}
    for seed in range(10):
        rows = placed(answers, SplitPlan(seed=seed), twins)
        assert rows[rows["student"].isin(["s1", "s2", "s3"])]["split"].nunique() == 1


def test_a_short_answer_that_many_give_is_set_aside_from_the_held_out_sides() -> None:
    answers = class_set()
    same = answers["item_id"] == "i0"
    answers.loc[same, "text"] = "water"
    outcome = split_answers(answers, dict.fromkeys(answers.loc[same, "answer_id"], 1), SplitPlan())
    rows = outcome.splits.merge(answers, on="answer_id")
    assert set(rows.loc[rows["text"] == "water", "split"]) == {"train"}
    assert all("near copy" in reason for reason in outcome.set_aside.values())
    assert len(outcome.set_aside) + len(rows) == len(answers)


def test_unseen_items_are_answered_only_by_held_out_students_in_the_test() -> None:
    outcome = split_answers(class_set(), {}, SplitPlan(protocol=Protocol.UNSEEN_ITEMS))
    rows = outcome.splits.merge(class_set(), on="answer_id")
    unseen = set(rows.loc[rows["protocol"] == "unseen_items", "item_id"])
    assert unseen
    assert not unseen & set(rows.loc[rows["split"] != "test", "item_id"])
    assert not unseen & set(rows.loc[rows["protocol"] == "unseen_answers", "item_id"])
    assert (rows.groupby("student")["split"].nunique() == 1).all()


def test_only_test_rows_have_a_protocol() -> None:
    rows = placed(class_set(), SplitPlan())
    assert set(rows.loc[rows["split"] != "test", "protocol"]) == {""}
    assert set(rows.loc[rows["split"] == "test", "protocol"]) == {"unseen_answers"}


def test_two_students_are_too_few_and_the_message_says_so() -> None:
    with pytest.raises(InputError, match="only 2 students"):
        split_answers(class_set(2), {}, SplitPlan())


def test_one_item_is_too_few_to_hold_items_out() -> None:
    with pytest.raises(InputError, match="only 1 items"):
        split_answers(class_set(n_items=1), {}, SplitPlan(protocol=Protocol.UNSEEN_ITEMS))


def test_given_splits_are_kept_and_validation_is_carved_from_train() -> None:
    answers = class_set()
    answers["given_split"] = ["test" if s in ("s0", "s1") else "train" for s in answers["student"]]
    answers["given_protocol"] = ["unseen_items" if s == "s0" else "" for s in answers["student"]]
    rows = keep_given_splits(answers, SplitPlan()).splits.merge(answers, on="answer_id")
    assert set(rows.loc[rows["student"].isin(["s0", "s1"]), "split"]) == {Split.TEST.value}
    assert set(rows.loc[rows["student"] == "s0", "protocol"]) == {"unseen_items"}
    assert set(rows.loc[rows["student"] == "s1", "protocol"]) == {"unseen_answers"}
    assert (rows["split"] == "validation").any()
    assert (rows.groupby("student")["split"].nunique() == 1).all()


def test_a_student_on_two_sides_breaks_the_contract() -> None:
    splits = pd.DataFrame({"answer_id": ["s0-i0", "s0-i1"], "split": ["train", "test"], "protocol": ""})
    with pytest.raises(ContractError, match="student 's0'"):
        check_splits(splits, class_set(), {})


def test_a_near_copy_on_two_sides_breaks_the_contract() -> None:
    splits = pd.DataFrame({"answer_id": ["s0-i0", "s1-i0"], "split": ["train", "test"], "protocol": ""})
    with pytest.raises(ContractError, match="twin"):
        check_splits(splits, class_set(), {"s0-i0": 3, "s1-i0": 3})
