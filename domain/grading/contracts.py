"""What must hold at each border between two steps of the grading kind.

Each model is checked lazily by the task that crosses the border; rows that fail go to quarantine
with their column, check and value, and the rest goes on (`domain.contracts.sift`).
"""

from __future__ import annotations

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from domain.contracts import Strict
from domain.kinds import Protocol, Split

DOUBTFUL = "Alignment"
"""The contract that an answer fails of which it is not sure which item it is for. Such answers are kept
and left out of training; they are nobody's mistake, so they do not count as rejected rows."""


class Extractions(Strict):
    """One row a file that was read."""

    name: Series[str] = pa.Field(description="path relative to the folder that was given")
    file_sha256: Series[str] = pa.Field(str_matches=r"^[0-9a-f]{64}$", unique=True)
    text_sha256: Series[str] = pa.Field(str_matches=r"^[0-9a-f]{64}$")
    n_chars: Series[int] = pa.Field(gt=0)
    method: Series[str]
    seconds: Series[float] = pa.Field(ge=0)
    quality: Series[float] = pa.Field(in_range={"min_value": 0, "max_value": 1})
    language: Series[str] = pa.Field(str_matches=r"^([a-z]{2}|und)$")


class Items(Strict):
    """One row an item. `criteria` is a list of {"text", "marks"}, `alternatives` a list of texts.

    `not_accepted`, a list of texts, and `guidance`, notes to the marker, may be left out.
    """

    item_id: Series[str] = pa.Field(unique=True)
    guide: Series[str] = pa.Field(description="the guide's title")
    number: Series[str]
    question: Series[str]
    model_answer: Series[str]
    max_score: Series[float] = pa.Field(gt=0, le=1000)
    criteria: Series[object]
    alternatives: Series[object]
    not_accepted: Series[object] | None
    guidance: Series[str] | None

    @pa.check("model_answer", name="not_blank")
    def _model_answer_says_something(cls, values: Series[str]) -> Series[bool]:  # noqa: N805
        return values.str.strip().str.len() > 0


class Answers(Strict):
    """One row an answer to an item. `gold` is on the scale 0..max_score, NaN where nobody scored."""

    answer_id: Series[str] = pa.Field(unique=True)
    item_id: Series[str]
    student: Series[str]
    text: Series[str]
    max_score: Series[float] = pa.Field(gt=0)
    gold: Series[float] = pa.Field(ge=0, nullable=True)
    second_gold: Series[float] = pa.Field(ge=0, nullable=True)
    alignment: Series[float] | None = pa.Field(
        in_range={"min_value": 0, "max_value": 1},
        description="how sure it is that the text answers this item; 1 where the paper says so",
    )

    @pa.check("text", name="not_blank")
    def _text_says_something(cls, values: Series[str]) -> Series[bool]:  # noqa: N805
        return values.str.strip().str.len() > 0

    @pa.dataframe_check(name="gold_within_max_score")
    def _gold_within(cls, frame: pd.DataFrame) -> Series[bool]:  # noqa: N805
        return frame["gold"].isna() | (frame["gold"] <= frame["max_score"])

    @pa.dataframe_check(name="second_gold_within_max_score")
    def _second_gold_within(cls, frame: pd.DataFrame) -> Series[bool]:  # noqa: N805
        return frame["second_gold"].isna() | (frame["second_gold"] <= frame["max_score"])


class Splits(Strict):
    """Where each answer goes. `group` ties together what must not straddle (student, near copies)."""

    answer_id: Series[str] = pa.Field(unique=True)
    split: Series[str] = pa.Field(isin=[s.value for s in Split])
    protocol: Series[str] = pa.Field(isin=["", *[p.value for p in Protocol]])
    """Set on test rows: what they are held out from. Empty on train and validation rows."""


class Iterations(Strict):
    """One row an iteration of training; further columns are the strategy's metrics."""

    class Config:
        strict = False
        coerce = True

    iteration: Series[int] = pa.Field(ge=1, unique=True)
    seconds: Series[float] = pa.Field(ge=0)


class Predictions(Strict):
    """One row an answer that was graded.

    `score` is continuous on 0..max_score (for RMSE and r); `mark` is the score on the item's grid of
    marks (for QWK and agreement). `refer` is True where a human should look.
    """

    answer_id: Series[str] = pa.Field(unique=True)
    item_id: Series[str]
    score: Series[float] = pa.Field(ge=0)
    mark: Series[float] = pa.Field(ge=0)
    max_score: Series[float] = pa.Field(gt=0)
    confidence: Series[float] = pa.Field(in_range={"min_value": 0, "max_value": 1})
    refer: Series[bool]
    rationale: Series[str]

    @pa.dataframe_check(name="score_within_max_score")
    def _within(cls, frame: pd.DataFrame) -> Series[bool]:  # noqa: N805
        slack = frame["max_score"] + 1e-6
        return (frame["score"] <= slack) & (frame["mark"] <= slack)
