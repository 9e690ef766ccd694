"""A dataset as strategies work on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from strategies.grading.material import read_material, scored
from tests.strategies.classroom import dataset


def test_answers_without_a_score_a_text_or_a_described_item_are_left_out(tmp_path: Path) -> None:
    data = dataset(tmp_path, "rust", "plants", n=20)
    answers = data.answers.copy()
    answers.loc[0, "gold"] = np.nan
    answers.loc[1, "text"] = " "
    answers.loc[2, "item_id"] = "unknown"
    before, after = scored(data, "train"), scored(replace(data, answers=answers), "train")
    assert len(before) - len(after) == 3


def test_the_order_of_the_answers_does_not_matter(tmp_path: Path) -> None:
    data = dataset(tmp_path, "rust", "plants", n=20)
    shuffled = replace(data, answers=data.answers.sample(frac=1, random_state=0))
    one, other = (read_material(d, n_members=2, seed=0, embed=None) for d in (data, shuffled))
    assert one.train.texts == other.train.texts
    assert np.array_equal(one.train_vectors.features, other.train_vectors.features)
    assert np.array_equal(one.fold, other.fold)


def test_an_item_with_very_many_answers_is_thinned_and_others_are_not(tmp_path: Path) -> None:
    data = dataset(tmp_path, "rust", "plants", n=20)
    rust = data.answers[data.answers["item_id"] == "rust"]
    many = pd.concat([rust.assign(answer_id=rust["answer_id"] + f"-{n}") for n in range(100)])
    material = read_material(replace(data, answers=pd.concat([data.answers, many])), 2, 0, None)
    sizes = {item: len(rows) for item, rows in material.rows_of.items()}
    assert sizes == {"plants": 16, "rust": 1000}


def test_the_grid_of_marks_is_that_of_all_scored_answers(tmp_path: Path) -> None:
    data = dataset(tmp_path, "rust", "plants", n=20)
    halves = data.answers.assign(gold=data.answers["gold"].where(data.answers["item_id"] == "rust", 1.5))
    steps = {
        item.item_id: item.step for item in read_material(replace(data, answers=halves), 2, 0, None).items
    }
    assert steps == {"rust": 1.0, "plants": 0.5}
