"""Seeded splits that do not leak: no student and no near copy of an answer straddles them.

*Unseen answers* holds out students. *Unseen items* holds out students and items: the held-out
students' answers to the held-out items are the test of unseen items, their other answers the test of
unseen answers, and what the remaining students wrote for the held-out items is set aside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from domain.errors import ContractError, InputError
from domain.kinds import Protocol, Split

COPY_WORDS = 8
"""From this many words on, two near-equal answers are one student's copy of another's, not chance."""


@dataclass(frozen=True)
class SplitPlan:
    """How to split. Shares are of the groups' answers; the rest is for training."""

    protocol: Protocol = Protocol.UNSEEN_ANSWERS
    seed: int = 0
    validation_share: float = 0.15
    test_share: float = 0.2
    held_out_items_share: float = 0.2


@dataclass(frozen=True)
class SplitAnswers:
    """`splits` obeys contract `Splits`; `set_aside` are answers in no split, each with its reason."""

    splits: pd.DataFrame
    set_aside: Mapping[str, str]


def split_answers(answers: pd.DataFrame, twins: Mapping[str, int], plan: SplitPlan) -> SplitAnswers:
    """Splits `answers` (contract Answers).

    `twins` maps answer_id to a number that near copies of the same item share; answers without a near
    copy need not be in it. Raises InputError when there are too few students to hold any out.
    """
    groups = _student_groups(answers, twins)
    sides = _assign_groups(groups, plan)
    split = groups.map(sides)
    protocol = pd.Series("", index=answers.index)
    protocol[split == Split.TEST] = Protocol.UNSEEN_ANSWERS.value
    set_aside: dict[str, str] = {}
    if plan.protocol is Protocol.UNSEEN_ITEMS:
        held_out = answers["item_id"].isin(_held_out_items(answers, plan))
        protocol[held_out & (split == Split.TEST)] = Protocol.UNSEEN_ITEMS.value
        for answer_id in answers.loc[held_out & (split != Split.TEST), "answer_id"]:
            set_aside[answer_id] = "answers a held-out item, by a student who is not held out"
    set_aside |= _straddlers(answers, split, twins, set_aside)
    splits = pd.DataFrame({"answer_id": answers["answer_id"], "split": split, "protocol": protocol})
    kept = splits[~splits["answer_id"].isin(set_aside)].reset_index(drop=True)
    check_splits(kept, answers, twins)
    return SplitAnswers(kept, set_aside)


def keep_given_splits(answers: pd.DataFrame, plan: SplitPlan) -> SplitAnswers:
    """Takes the splits that the material brings (columns `given_split`, `given_protocol`).

    They are kept as they are, near copies included, so that published figures stay comparable. Where
    no validation split is given, one is carved from train by student.
    """
    split = answers["given_split"].astype(str)
    protocol = answers["given_protocol"].fillna("").astype(str)
    protocol[split != Split.TEST] = ""
    protocol[(split == Split.TEST) & (protocol == "")] = Protocol.UNSEEN_ANSWERS.value
    if not (split == Split.VALIDATION).any():
        train = answers[split == Split.TRAIN]
        carved = _assign_groups(
            train["student"],
            SplitPlan(seed=plan.seed, validation_share=plan.validation_share, test_share=0.0),
        )
        split.loc[train.index] = train["student"].map(carved)
    return SplitAnswers(
        pd.DataFrame({"answer_id": answers["answer_id"], "split": split, "protocol": protocol}), {}
    )


def check_splits(splits: pd.DataFrame, answers: pd.DataFrame, twins: Mapping[str, int]) -> None:
    """Raises ContractError when a student or a near copy stands on two sides of the splits."""
    placed = splits.merge(answers[["answer_id", "student", "item_id"]], on="answer_id")
    placed["twin"] = placed["answer_id"].map(lambda a: twins.get(a, -1))
    for column, rows in (("student", placed), ("twin", placed[placed["twin"] >= 0])):
        sides = rows.groupby(column)["split"].nunique()
        if (sides > 1).any():
            straddler = sides.index[sides > 1][0]
            raise ContractError(f"Splits: {column} {straddler!r} is in more than one split")


def _student_groups(answers: pd.DataFrame, twins: Mapping[str, int]) -> pd.Series:
    """A group name an answer: students whose substantial answers are near copies are one group."""
    leader = {student: student for student in answers["student"].unique()}

    def find(student: str) -> str:
        while leader[student] != student:
            leader[student] = leader[leader[student]]
            student = leader[student]
        return student

    long = answers[answers["text"].str.split().str.len() >= COPY_WORDS]
    twin = long["answer_id"].map(lambda a: twins.get(a, -1))
    for _, students in long[twin >= 0].groupby(twin[twin >= 0])["student"]:
        first, *others = students.unique()
        for other in others:
            leader[find(other)] = find(first)
    groups = answers["student"].map(find)
    # Chains of copies can tie a whole class together; then students alone are held apart, and
    # the copies that straddle are set aside one by one.
    largest = groups.value_counts(normalize=True).iloc[0]
    return answers["student"] if largest > 0.3 else groups


def _assign_groups(groups: pd.Series, plan: SplitPlan) -> dict[str, Split]:
    """Whole groups in seeded order to test, then validation, until each share is reached."""
    sizes = groups.value_counts().sort_index()
    if len(sizes) < 3:
        raise InputError(
            f"only {len(sizes)} students in the graded answers: at least 3 are needed to hold some out. "
            "Add graded submissions of more students"
        )
    order = sizes.index[np.random.default_rng(plan.seed).permutation(len(sizes))]
    wanted = {Split.TEST: plan.test_share, Split.VALIDATION: plan.validation_share}
    sides: dict[str, Split] = {}
    queue = list(order)
    for side, share in wanted.items():
        taken = 0
        while share and taken < share * len(groups) and len(queue) > 1:
            group = queue.pop()
            sides[group] = side
            taken += int(sizes[group])
    sides.update(dict.fromkeys(queue, Split.TRAIN))
    return sides


def _held_out_items(answers: pd.DataFrame, plan: SplitPlan) -> list[str]:
    items = sorted(answers["item_id"].unique())
    n_held_out = max(1, round(plan.held_out_items_share * len(items)))
    if n_held_out >= len(items):
        raise InputError(
            f"only {len(items)} items: the protocol unseen_items needs at least 2. "
            "Add guides, or use --protocol unseen_answers"
        )
    return list(np.random.default_rng(plan.seed).permutation(items)[:n_held_out])


def _straddlers(
    answers: pd.DataFrame, split: pd.Series, twins: Mapping[str, int], gone: Mapping[str, str]
) -> dict[str, str]:
    """Held-out answers with a near copy on a side nearer to training: that one would be looked up."""
    nearer = {Split.TRAIN: 0, Split.VALIDATION: 1, Split.TEST: 2}
    rows = pd.DataFrame(
        {"answer_id": answers["answer_id"], "side": split.map(nearer), "item_id": answers["item_id"]}
    )
    rows["twin"] = rows["answer_id"].map(lambda a: twins.get(a, -1))
    rows = rows[(rows["twin"] >= 0) & ~rows["answer_id"].isin(gone)]
    nearest = rows.groupby("twin")["side"].transform("min")
    return dict.fromkeys(
        rows.loc[rows["side"] > nearest, "answer_id"], "a near copy of it is among the training answers"
    )
