"""The file that MLflow runs to make a grader of a model version ("model from code").

It is copied into the model, with `domain/` and `strategies/` beside it, and is run by
`mlflow.pyfunc.load_model` in processes that may have no Trainyard. So it imports nothing but those two,
except to ask a language model: that needs Trainyard's client, its keys and its reply table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

from domain.errors import InputError, SettingError
from domain.identity import fingerprint
from domain.language_models import Answered, Request

OUTPUT_COLUMNS = ["score", "mark", "confidence", "refer", "rationale"]
_ITEM_COLUMNS = ("number", "question", "model_answer", "alternatives", "criteria", "max_score")


class GraderModel(PythonModel):
    """One row an answer in; one row a grade out, in the same order and with the same index."""

    def load_context(self, context: Any) -> None:
        from strategies.grading.loading import load_any_grader

        self._grader = load_any_grader(Path(context.artifacts["grader"]), embed=None, ask=ask_outside)
        self._known = Known(
            {item.item_id: item.max_score for item in self._grader.model.items},
            {
                (item.reference.question, item.reference.answers[0], item.max_score): item.item_id
                for item in self._grader.model.items
            },
        )

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:  # noqa: ARG002
        if model_input.empty:
            return pd.DataFrame(columns=OUTPUT_COLUMNS)
        items, answers = frames_of(model_input, self._known)
        graded = self._grader.grade(items, answers).set_index("answer_id")
        return graded.loc[answers["answer_id"], OUTPUT_COLUMNS].set_axis(model_input.index, axis=0)


def ask_outside(requests: Sequence[Request]) -> Sequence[Answered]:
    """Replies by the Trainyard that is installed here. Raises SettingError where there is none, or no key."""
    try:
        from tasks.effects import ask_nobody, asking
    except ImportError as error:
        raise SettingError(
            f"this grader asks a language model, which takes Trainyard itself ({error}): install trainyard "
            "and set TRAINYARD_OPENAI_API_KEY or another provider's, or load a grader of strategy native"
        ) from error
    return (asking("mlflow") or ask_nobody)(requests)


@dataclass(frozen=True)
class Known:
    """The items that the model has graded answers of: their maxima, and their ids by what they say."""

    max_scores: Mapping[str, float]
    ids: Mapping[tuple[str, str, float], str]


def frames_of(rows: pd.DataFrame, known: Known) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Items and answers (contracts of those names) of a flat table with one row an answer.

    An item without an id is the known one with the same question, model answer and max_score, or else
    named by its content. Raises InputError for rows that contradict each other or the model.
    """
    items: dict[str, dict[str, Any]] = {}
    answers = []
    for n, row in enumerate(rows.to_dict("records")):
        item = _item(n, row, known)
        first = items.setdefault(item["item_id"], item)
        if [first[column] for column in _ITEM_COLUMNS] != [item[column] for column in _ITEM_COLUMNS]:
            raise InputError(
                f"row {n + 1}: item {item['item_id']!r} is described differently than in an earlier row: "
                "give both the same question, model answer, criteria and max_score"
            )
        answers.append(
            {
                "answer_id": str(n),
                "item_id": item["item_id"],
                "student": str(n),
                "text": _text(row.get("answer")),
                "max_score": item["max_score"],
                "gold": math.nan,
                "second_gold": math.nan,
            }
        )
    return pd.DataFrame(list(items.values())), pd.DataFrame(answers)


def _item(n: int, row: dict[Any, Any], known: Known) -> dict[str, Any]:
    item: dict[str, Any] = {
        "number": _text(row.get("number")),
        "question": _text(row.get("question")),
        "model_answer": _text(row.get("model_answer")),
        "alternatives": [_text(text) for text in _list(row.get("alternatives"))],
        "criteria": [
            {"text": _text(point.get("text")), "marks": float(point.get("marks") or 0)}
            for point in _list(row.get("criteria"))
        ],
        "max_score": _max_score(n, row.get("max_score")),
    }
    more = {
        "not_accepted": [_text(text) for text in _list(row.get("not_accepted"))],
        "guidance": _text(row.get("guidance")),
    }
    item |= {name: value for name, value in more.items() if value}
    item_id = _text(row.get("item_id"))
    worth = known.max_scores.get(item_id, item["max_score"])
    if worth != item["max_score"]:
        raise InputError(
            f"row {n + 1}: item {item_id!r} was worth {worth:g} when the model was trained, not "
            f"{item['max_score']:g}: correct max_score, or leave item_id out"
        )
    if not item_id:
        said = (item["question"], item["model_answer"], item["max_score"])
        item_id = known.ids.get(said) or fingerprint(item)
    return {"item_id": item_id, "guide": "", "not_accepted": [], "guidance": "", **item}


def _max_score(n: int, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 < number < math.inf:
        raise InputError(f"row {n + 1}: max_score {value!r} is not a number above 0: say the item's worth")
    return number


def _text(value: Any) -> str:
    return "" if value is None or value is pd.NA or value != value else str(value)


def _list(value: Any) -> list[Any]:
    return [] if value is None or isinstance(value, str | float) or value is pd.NA else list(value)


set_model(GraderModel())
