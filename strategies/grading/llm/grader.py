"""Grading with a trained program: files and a language model in, marks out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from domain.errors import InputError, ReplyError
from domain.grading.injection import guarded
from domain.grading.marks import grid_step, round_to_grid
from domain.language_models import AskModel
from domain.referral import REFER_ALL
from strategies.grading.llm.confidence import signs_of
from strategies.grading.llm.marking import Marked, marked, requests_of, shares_of, sheets_of
from strategies.grading.llm.model import LlmModel
from strategies.grading.llm.points import MarkedItem, marked_items
from strategies.grading.llm.rationale import rationale

COLUMNS = ["answer_id", "item_id", "score", "mark", "max_score", "confidence", "refer", "rationale"]
_BLANK = "Blank: there is nothing to grade."


def load_llm_grader(folder: Path, ask: AskModel) -> LlmGrader:
    """The grader whose files are in `folder`. Raises InputError when there is none."""
    return LlmGrader(LlmModel.from_folder(folder), ask)


@dataclass(frozen=True)
class LlmGrader:
    """A loaded program. The same answers are asked about in the same words, so replies that were kept cost
    nothing."""

    model: LlmModel
    ask: AskModel

    @property
    def threshold(self) -> float:
        """Of confidence, below it an answer to a known item goes to a human; above 1 where all do."""
        return float(self.model.threshold.get("threshold", REFER_ALL))

    @property
    def unseen_threshold(self) -> float:
        """As `threshold`, for answers to items never seen."""
        return float(self.model.unseen_threshold.get("threshold", REFER_ALL))

    @cached_property
    def _known(self) -> dict[str, MarkedItem]:
        return {item.item_id: item for item in self.model.items}

    @cached_property
    def _guarded(self) -> AskModel:
        second_look = bool(self.model.hyperparameters.get("second_look", False))
        return guarded(self.ask, second_look=second_look, tolerance=self.model.tolerance)

    def grade(self, items: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
        """Grades in the order of `answers`, which needs answer_id, item_id, text.

        Contract `Predictions`, but for answers without a usable reply: these have no score and no mark
        (NaN), are referred, and their rationale says "not graded: " and why. `items` (contract `Items`)
        tells of items that the model has not seen. Raises InputError for an answer whose item is in neither.
        """
        item_ids = [str(item_id) for item_id in answers["item_id"]]
        answer_ids = [str(answer_id) for answer_id in answers["answer_id"]]
        texts = [str(text) for text in answers["text"].fillna("")]
        table = self._item_table(items, item_ids)
        written = [place for place, text in enumerate(texts) if text.strip()]
        sheets = sheets_of(
            self.model.program,
            self.model.bank,
            table,
            [item_ids[place] for place in written],
            [texts[place] for place in written],
            [answer_ids[place] for place in written],
        )
        requests = requests_of(sheets)
        several = marked(sheets, self._guarded(requests) if requests else [])
        frame = pd.DataFrame(
            {
                "answer_id": answer_ids,
                "item_id": item_ids,
                "max_score": np.array([table[item_id].max_score for item_id in item_ids], float),
                "score": 0.0,
                "mark": 0.0,
                "confidence": 1.0,
                "refer": False,
                "rationale": _BLANK,
            }
        )
        for column, values in self._graded(several).items():
            frame.loc[frame.index[written], column] = values
        return frame[COLUMNS]

    def _graded(self, several: Sequence[Marked]) -> Mapping[str, object]:
        """The columns of answers that are not blank."""
        if not several:
            return {}
        share = shares_of(several)
        lacks = np.isnan(share)
        top = np.array([one.item.max_score for one in several], float)
        step = np.array([one.item.step for one in several], float)
        known = np.array([one.item.item_id in self._known for one in several], bool)
        mark = round_to_grid(self.model.stretch(np.nan_to_num(share)) * top, step, top)
        confidence = self.model.confidence(np.nan_to_num(signs_of(several)))
        confidence = np.where(known, confidence, self.model.unseen(confidence))
        confidence = np.where(lacks, 0.0, confidence)
        doubtful = confidence < np.where(known, self.threshold, self.unseen_threshold)
        strange = [self._strange(one) for one in several]
        return {
            "score": np.where(lacks, np.nan, share * top),
            "mark": np.where(lacks, np.nan, mark),
            "confidence": confidence,
            "refer": lacks | doubtful | np.array([bool(why) for why in strange], bool),
            "rationale": [
                f"not graded: {one.verdict}" if isinstance(one.verdict, ReplyError) else rationale(one, why)
                for one, why in zip(several, strange, strict=True)
            ],
        }

    def _strange(self, one: Marked) -> str:
        """Why a human must look at an answer, however sure the model is; "" for nearly every one."""
        if one.suspect is not None:
            return f"{one.suspect.reason} (“{one.suspect.quote.strip()[:80]}”)"
        others = (
            set() if isinstance(one.verdict, ReplyError) else {*one.verdict.models} - {*self.model.models}
        )
        if others:
            return f"it was graded by {', '.join(sorted(others))}, which this version was not calibrated with"
        return ""

    def _item_table(self, items: pd.DataFrame, item_ids: Sequence[str]) -> dict[str, MarkedItem]:
        asked = set(item_ids) - set(self._known)
        new = items[items["item_id"].astype(str).isin(asked)]
        steps = {
            str(item_id): self._usual_step(float(top))
            for item_id, top in zip(new["item_id"], new["max_score"], strict=True)
        }
        table = {**self._known, **marked_items(new, steps)}
        if missing := asked - set(table):
            raise InputError(
                f"item {min(missing)!r} is neither known to the model nor described: "
                "add the guide that has it"
            )
        return table

    def _usual_step(self, max_score: float) -> float:
        """The most usual step of the known items' grids, where the item's max_score lies on it."""
        steps = [item.step for item in self.model.items]
        usual = max(sorted(set(steps)), key=steps.count, default=1.0)
        return usual if abs(max_score / usual - round(max_score / usual)) < 1e-6 else grid_step([], max_score)
