"""Drift of answers, of grades, and of agreement."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from domain.errors import InputError
from domain.grading.drift import Drift, drift, words_of
from domain.grading.drift_report import findings_of, markdown_of, write_drift
from domain.shifts import Standing

WORDS = ["leaf", "root", "water", "sun", "sugar", "light", "air", "soil"]


def graded(
    n: int, seed: int, *, words: list[str] = WORDS, most: int = 12, right: float = 0.8
) -> pd.DataFrame:
    chance = np.random.default_rng(seed)
    gold = chance.integers(0, 4, n).astype(float)
    mark = np.where(chance.random(n) < right, gold, (gold + 2) % 4)
    return pd.DataFrame(
        {
            "text": [" ".join(chance.choice(words, chance.integers(2, most))) for _ in range(n)],
            "item_id": "i1",
            "student": [f"S{k // 2}" for k in range(n)],
            "score": mark,
            "mark": mark,
            "max_score": 3.0,
            "confidence": chance.uniform(0.5, 1, n),
            "gold": gold,
        }
    )


def between(before: pd.DataFrame, now: pd.DataFrame) -> Drift:
    known = words_of(pd.Series([" ".join(WORDS)]))
    return drift(before, now, known_words=known, known_items=frozenset({"i1"}), tolerance=0.1)


def standing(found: Drift, feature: str) -> Standing:
    return next(shift.standing for shift in found.shifts if shift.feature == feature)


def test_more_answers_of_the_same_kind_are_no_drift() -> None:
    found = [between(graded(200, 2 * k), graded(200, 2 * k + 1)) for k in range(20)]
    standings = [shift.standing for one in found for shift in one.shifts]
    assert Standing.DRIFTED not in standings
    # By its interval, one in forty is expected.
    assert sum(one.drifted for one in found) <= 1
    steady = next(one for one in found if {shift.standing for shift in one.shifts} == {Standing.STEADY})
    assert findings_of(steady) == ["New answers and their grades look like those that it was measured on."]


def test_small_samples_that_differ_by_chance_are_no_drift() -> None:
    found = [between(graded(30, 2 * k), graded(30, 2 * k + 1)) for k in range(40)]
    assert sum(one.drifted for one in found) <= 40 * 5 * 0.05 * 2


def test_other_words_longer_answers_and_other_scores_are_found_each_by_itself() -> None:
    before = graded(200, 0)
    foreign = between(before, graded(200, 1, words=["blatt", "wurzel", "wasser", "sonne"]))
    assert standing(foreign, "unknown_words") is Standing.DRIFTED
    assert standing(foreign, "score") is Standing.STEADY
    longer = between(before, graded(200, 1, most=60))
    assert standing(longer, "words") is Standing.DRIFTED
    assert standing(longer, "unknown_words") is Standing.STEADY
    generous = between(before, graded(200, 1).assign(score=3.0))
    assert standing(generous, "score") is Standing.DRIFTED
    assert standing(between(before, graded(200, 1).assign(confidence=0.5)), "confidence") is Standing.DRIFTED


def test_agreement_that_fell_is_drift_and_little_evidence_is_none() -> None:
    before = graded(200, 0)
    fell = between(before, graded(200, 1, right=0.4))
    assert fell.checks.standing is Standing.DRIFTED and fell.drifted
    assert findings_of(fell)[0].startswith("Agreement fell")
    unscored = between(before, graded(200, 1, right=0.4).assign(gold=float("nan")))
    assert unscored.checks.standing is Standing.UNKNOWN and not unscored.drifted
    few = between(before, graded(10, 1, most=60))
    assert not few.drifted
    assert "Too few answers" in findings_of(few)[0]


def test_answers_to_other_items_are_counted() -> None:
    now = graded(100, 1)
    now.loc[:49, "item_id"] = "i2"
    assert between(graded(200, 0), now).new_items == pytest.approx(0.5)


def test_no_new_answer_is_an_error_with_the_remedy() -> None:
    with pytest.raises(InputError, match="trainyard grade"):
        between(graded(200, 0), graded(200, 1).iloc[:0])


def test_the_report_is_one_page_with_markdown_and_json_beside_it(tmp_path: Path) -> None:
    unscored = graded(200, 1, most=60).assign(gold=float("nan"))
    found = between(graded(200, 0), unscored)
    page = write_drift(found, "grader-<b>", tmp_path / "drift").read_text()
    assert "<b>" not in page and "<script" not in page and "Shifted: words in an answer," in page
    told = json.loads((tmp_path / "drift" / "drift.json").read_text())
    assert told["drifted"] is True and told["checks"]["now"]["low"] is None
    assert "| words in an answer |" in markdown_of(found, "m")
