"""The frames of an evaluation: by item, by confidence, by what is referred, by mark, by paper.

Each takes graded rows of one protocol (see `domain.grading.graded`); their columns are told at
`domain.grading.evaluation.Evaluation`.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from domain.grading.agreement import marking_of, marks_are_labels
from domain.grading.metrics import mae, qwk
from domain.referral import referral_curve

_BINS = 10
_MOST_POINTS = 200


def by_item(part: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for item_id, of_item in part.groupby("item_id", sort=False):
        gold, score, mark = marking_of(of_item).shares
        both = of_item[of_item["second_gold"].notna()]
        rows.append(
            {
                "item_id": str(item_id),
                "label": str(of_item["label"].iloc[0]),
                "n": len(of_item),
                "max_score": float(of_item["max_score"].iloc[0]),
                "mean_gold": float(of_item["gold"].mean()),
                "mean_mark": float(of_item["mark"].mean()),
                "qwk": qwk(gold, mark),
                "mae": mae(gold, score),
                "agreement": float(of_item["agreed"].mean()),
                "human_agreement": float(both["human_agreed"].mean()) if len(both) else float("nan"),
                "n_training": int(of_item["n_training"].iloc[0]),
            }
        )
    return pd.DataFrame(sorted(rows, key=lambda row: _as_counted(str(row["label"]))))


def _as_counted(label: str) -> list[tuple[int, str]]:
    """Sorts "2a" before "10"."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", label)]


def by_confidence(part: pd.DataFrame) -> pd.DataFrame:
    bins = np.minimum((part["confidence"].to_numpy(dtype=float) * _BINS).astype(int), _BINS - 1)
    by_bin = part.groupby(bins)
    means = by_bin[["confidence", "agreed"]].mean()
    low = np.asarray(means.index, dtype=float) / _BINS
    return pd.DataFrame(
        {
            "low": low,
            "high": low + 1 / _BINS,
            "n": by_bin.size().to_numpy(),
            "confidence": means["confidence"].to_numpy(dtype=float),
            "agreement": means["agreed"].to_numpy(dtype=float),
        }
    )


def by_referral(part: pd.DataFrame) -> pd.DataFrame:
    curve = referral_curve(part["confidence"], part["agreed"])
    if len(curve) <= _MOST_POINTS:
        return curve
    kept = np.unique(np.linspace(0, len(curve) - 1, _MOST_POINTS).round().astype(int))
    return curve.iloc[kept].reset_index(drop=True)


def by_mark(part: pd.DataFrame) -> pd.DataFrame:
    gold, _, mark = marking_of(part).shares
    one_worth = part["max_score"].nunique() == 1
    unit = "marks" if one_worth else "share of max_score"
    worth = float(part["max_score"].iloc[0]) if one_worth else 1.0
    empty = {"gold": np.empty(0), "mark": np.empty(0), "n": np.empty(0, int)}
    if not (marks_are_labels(gold) and marks_are_labels(np.concatenate([gold, mark]))):
        return pd.DataFrame(empty).assign(unit=unit)
    pairs = pd.DataFrame({"gold": np.round(gold * worth, 6), "mark": np.round(mark * worth, 6)})
    return (
        pairs.groupby(["gold", "mark"], as_index=False).size().rename(columns={"size": "n"}).assign(unit=unit)
    )


def by_paper(graded: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Totals by student: of scored answers, or of all against the total where only that is known."""
    scored = graded[graded["gold"].notna()]
    columns = {"answer_id": "n", "max_score": "max_score", "gold": "gold", "mark": "mark"}
    how = {"answer_id": "size", "max_score": "sum", "gold": "sum", "mark": "sum"}
    papers = scored.groupby("student", as_index=False).agg(how).rename(columns=columns)
    if "expected_total" in answers:
        totals = answers.dropna(subset=["expected_total"]).groupby("student")["expected_total"].first()
        only = graded[graded["student"].isin(totals.index) & ~graded["student"].isin(scored["student"])]
        known = only.groupby("student", as_index=False).agg(how).rename(columns=columns)
        known["gold"] = known["student"].map(totals).astype(float)
        papers = pd.concat([papers, known], ignore_index=True)
    return papers.astype({"student": str}).sort_values("student", ignore_index=True)
