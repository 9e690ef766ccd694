"""Test answers joined with their grades, and with what makes a figure flatter or fair.

Columns: protocol, answer_id, item_id, label (the item's printed number), student, text, max_score,
step (of the item's grid of marks), gold, second_gold, score, mark, confidence, automatic (the model
does not refer it), agreed (mark within the tolerance of gold), human_agreed (second_gold
likewise), copy (the same text is a training answer of the item), blank, n_training (graded training
answers of the item), item_mean and item_mean_mark (the trivial baseline, in marks), rationale.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from domain.grading.agreement import Terms
from domain.grading.marks import grid_step, round_to_grid
from domain.identity import normalise_text
from domain.kinds import Protocol, Split
from domain.referral import agrees

_NOT_WORDS = re.compile(r"[\W_]+")
_BLANKS = {
    "", "blank", "left blank", "n a", "na", "nil", "none", "no answer", "no answer given", "no attempt",
    "no response", "no submission", "not answered", "not attempted", "keine abgabe", "keine antwort",
}  # fmt: skip

_COLUMNS = (
    "protocol", "answer_id", "item_id", "label", "student", "text", "max_score", "step", "gold",
    "second_gold", "score", "mark", "confidence", "automatic", "agreed", "human_agreed", "copy", "blank",
    "n_training", "item_mean", "item_mean_mark", "rationale",
)  # fmt: skip


def is_blank(text: str) -> bool:
    """Whether an answer says only that there is none, as in "No submission" or "-"."""
    return _NOT_WORDS.sub(" ", text).strip().casefold() in _BLANKS


def grade_frame(
    predictions: pd.DataFrame, answers: pd.DataFrame, terms: Terms, items: pd.DataFrame | None
) -> pd.DataFrame:
    """The test rows of `answers` that have a prediction; `gold` is NaN where nobody scored.

    Training is the splits train and validation: the model was chosen and calibrated on the latter.
    """
    training = answers[(answers["split"] != Split.TEST.value) & answers["gold"].notna()]
    test = answers[answers["split"] == Split.TEST.value]
    graded = test.drop(columns=["score", "mark", "confidence", "refer", "rationale"], errors="ignore").merge(
        predictions[["answer_id", "score", "mark", "confidence", "refer", "rationale"]], on="answer_id"
    )
    graded = graded.assign(
        protocol=graded["protocol"].replace("", Protocol.UNSEEN_ANSWERS.value).astype(str),
        label=_labels(graded["item_id"], items),
        automatic=~graded["refer"].astype(bool),
        agreed=agrees(graded["mark"], graded["gold"], graded["max_score"], terms.tolerance),
        human_agreed=agrees(graded["second_gold"], graded["gold"], graded["max_score"], terms.tolerance),
        blank=graded["text"].map(is_blank).astype(bool),
        copy=_copies(graded, training),
        step=graded["item_id"].map(_steps(answers)).astype(float),
    )
    graded = _with_baseline(graded, training)
    return graded[list(_COLUMNS)].sort_values(["protocol", "answer_id"], ignore_index=True)


def _labels(item_ids: pd.Series[str], items: pd.DataFrame | None) -> pd.Series[str]:
    if items is None:
        return item_ids.astype(str)
    numbers = items["number"].astype(str)
    if items["guide"].nunique() > 1:
        numbers = items["guide"].astype(str) + " · " + numbers
    known = dict(zip(items["item_id"].astype(str), numbers, strict=True))
    return item_ids.astype(str).map(lambda item_id: known.get(item_id, item_id))


def _copies(graded: pd.DataFrame, training: pd.DataFrame) -> pd.Series[bool]:
    seen = set(zip(training["item_id"], training["text"].map(_folded), strict=True))
    pairs = zip(graded["item_id"], graded["text"].map(_folded), strict=True)
    return pd.Series([pair in seen for pair in pairs], index=graded.index, dtype=bool)


def _folded(text: str) -> str:
    return normalise_text(text).casefold()


def _steps(answers: pd.DataFrame) -> dict[str, float]:
    return {
        str(item_id): grid_step(of_item["gold"], float(of_item["max_score"].iloc[0]))
        for item_id, of_item in answers.groupby("item_id")
    }


def _with_baseline(graded: pd.DataFrame, training: pd.DataFrame) -> pd.DataFrame:
    """Items without training answers get the mean share of all items."""
    shares = training["gold"] / training["max_score"]
    means = shares.groupby(training["item_id"]).mean()
    overall = float(shares.mean()) if len(shares) else float("nan")
    item_mean = graded["item_id"].map(means).astype(float).fillna(overall) * graded["max_score"]
    counts = graded["item_id"].map(training["item_id"].value_counts()).fillna(0).astype(int)
    mark = round_to_grid(item_mean, graded["step"], graded["max_score"])
    return graded.assign(
        n_training=counts, item_mean=item_mean, item_mean_mark=np.where(item_mean.isna(), np.nan, mark)
    )
