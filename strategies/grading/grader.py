"""Grading with a trained model: files in, marks out. Needs neither torch nor sentence-transformers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from domain.errors import InputError, SettingError
from domain.grading.marks import grid_step, round_to_grid
from domain.referral import REFER_ALL
from strategies.grading.calibration import Scale, stated_by_levels, stated_by_variance
from strategies.grading.committee import of_member
from strategies.grading.encoder import Encoder, rounded
from strategies.grading.features import Floats, Reference, references
from strategies.grading.itemwise import SPARSE_VIEWS, ItemJudge, ItemRecord
from strategies.grading.model_files import ENCODER, NETWORK, TOKENIZER, GraderModel
from strategies.grading.rationale import rationale
from strategies.grading.reading import Embedder, Reading

RemoteEmbedder = Callable[[Sequence[str], str], np.ndarray]
"""Texts and the name of a remote model to embeddings (n, d)."""


def load_grader(folder: Path, embed: RemoteEmbedder | None = None) -> Grader:
    """The grader whose files are in `folder`.

    `embed` is asked where the model was trained with remote embeddings. Raises InputError when the
    folder holds no grader, SettingError when remote embeddings are needed and `embed` is None.
    """
    import onnxruntime

    model = GraderModel.from_folder(folder)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    network = onnxruntime.InferenceSession(
        (folder / NETWORK).read_bytes(), options, providers=["CPUExecutionProvider"]
    )
    return Grader(model, network, _embedder(model, folder, embed))


def _embedder(model: GraderModel, folder: Path, embed: RemoteEmbedder | None) -> Embedder | None:
    if model.encoder is None:
        return None
    if model.encoder["kind"] == "onnx":
        return Encoder.from_files(folder / ENCODER, folder / TOKENIZER, model.encoder)
    if embed is None:
        raise SettingError(
            f"this model needs embeddings of {model.encoder['model']!r}: export "
            "TRAINYARD_EMBEDDINGS_API_KEY, or use a model trained with a local encoder"
        )
    name = str(model.encoder["model"])
    return lambda texts: rounded(embed(tuple(texts), name))


@dataclass(frozen=True)
class Verdicts:
    """Grades as shares of max_score; `stated` is the confidence before calibration."""

    share: Floats
    mark: Floats
    stated: Floats
    confidence: Floats


@dataclass(frozen=True)
class Grader:
    """A loaded model. Grading the same answers again, in any batch, gives the same grades."""

    model: GraderModel
    network: Any
    embed: Embedder | None

    @property
    def threshold(self) -> float:
        """Of confidence, below it an answer to a known item goes to a human; above 1 where all do."""
        return float(self.model.threshold.get("threshold", REFER_ALL))

    @property
    def unseen_threshold(self) -> float:
        """As `threshold`, for answers to items never seen."""
        return float(self.model.unseen_threshold.get("threshold", REFER_ALL))

    @cached_property
    def _known(self) -> dict[str, int]:
        return {item.item_id: place for place, item in enumerate(self.model.items)}

    @cached_property
    def _judges(self) -> dict[str, ItemJudge]:
        judges = {}
        for place, item in enumerate(self.model.items):
            rows = np.flatnonzero(self.model.item == place)
            if len(rows):
                record = ItemRecord(self.model.vectors.take(rows), self.model.shares[rows])
                judges[item.item_id] = ItemJudge(record, self.model.committee[rows], self.model.beliefs)
        return judges

    def grade(self, items: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
        """Grades (contract `Predictions`) in the order of `answers`, which needs answer_id, item_id, text.

        `items` (contract `Items`) tells of items that the model has not seen; of those that it knows
        its own record is used. Raises InputError for an answer whose item is in neither.
        """
        item_ids = answers["item_id"].astype(str).to_numpy()
        table = self._item_table(items, item_ids)
        frame = pd.DataFrame(
            {
                "answer_id": answers["answer_id"].astype(str).to_numpy(),
                "item_id": item_ids,
                "max_score": [table[item_id].max_score for item_id in item_ids],
                "score": 0.0,
                "mark": 0.0,
                "confidence": 1.0,
                "rationale": "Blank: there is nothing to grade.",
            }
        )
        texts = answers["text"].fillna("").astype(str).to_numpy()
        written = np.array([bool(text.strip()) for text in texts], bool)
        if written.any():
            graded = self._grade_written(table, item_ids[written], texts[written])
            for column in graded:
                frame.loc[written, column] = graded[column].to_numpy()
        threshold = self._thresholds(frame["item_id"])
        frame["refer"] = (frame["confidence"].to_numpy() < threshold) & written
        columns = ["answer_id", "item_id", "score", "mark", "max_score", "confidence", "refer", "rationale"]
        return frame[columns]

    def _thresholds(self, item_ids: pd.Series) -> Floats:
        return np.where(item_ids.isin(list(self._judges)), self.threshold, self.unseen_threshold)

    def _item_table(self, items: pd.DataFrame, item_ids: np.ndarray) -> dict[str, ItemFacts]:
        table = {i.item_id: ItemFacts(i.reference, i.max_score, i.step, i.fold) for i in self.model.items}
        asked = set(item_ids) - set(table)
        new = items[items["item_id"].astype(str).isin(asked)]
        told = references(new)
        for row in new.itertuples():
            top = float(row.max_score)
            table[str(row.item_id)] = ItemFacts(told[row.item_id], top, self._usual_step(top), -1)
        if asked - set(table):
            raise InputError(
                f"item {min(asked - set(table))!r} is neither known to the model nor described: "
                "add the guide that has it"
            )
        return table

    def _usual_step(self, max_score: float) -> float:
        """The most usual step of the known items' grids, where the item's max_score lies on it."""
        steps = [item.step for item in self.model.items]
        usual = max(sorted(set(steps)), key=steps.count)
        return usual if abs(max_score / usual - round(max_score / usual)) < 1e-6 else grid_step([], max_score)

    def _grade_written(
        self, table: dict[str, ItemFacts], item_ids: np.ndarray, texts: np.ndarray
    ) -> pd.DataFrame:
        told = {item_id: table[item_id].reference for item_id in set(item_ids)}
        reading = self.model.reader.read(told, list(item_ids), list(texts), self.embed)
        feed = {"features": reading.raw.astype(np.float32)}
        by_member = self.network.run(["exceedances"], feed)[0]
        fold = np.array([table[item_id].fold for item_id in item_ids])
        exceedances = of_member(by_member, fold).astype(float)
        top = np.array([table[item_id].max_score for item_id in item_ids])
        step = np.array([table[item_id].step for item_id in item_ids]) / top
        share, mark, confidence = np.zeros(len(texts)), np.zeros(len(texts)), np.zeros(len(texts))
        nearest = np.full(len(texts), "", object)
        for item_id in sorted(set(item_ids)):
            rows = np.flatnonzero(item_ids == item_id)
            if item_id in self._judges:
                found, near = self._judge(item_id, reading, rows, exceedances[rows], step[rows])
            else:
                found = self.unseen_verdicts(exceedances[rows], step[rows])
                near = ["The model has seen no graded answer to this item"] * len(rows)
            share[rows], mark[rows], confidence[rows] = found.share, found.mark, found.confidence
            nearest[rows] = near
        reasons = [
            f"{rationale(text, told[i], near)}."
            for text, i, near in zip(texts, item_ids, nearest, strict=True)
        ]
        return pd.DataFrame(
            {
                "score": share * top,
                "mark": round_to_grid(mark * top, step * top, top),
                "confidence": confidence,
                "rationale": reasons,
            }
        )

    def _judge(
        self, item_id: str, reading: Reading, rows: np.ndarray, exceedances: Floats, steps: Floats
    ) -> tuple[Verdicts, list[str]]:
        judge = self._judges[item_id]
        alike = judge.record.likenesses_of(reading.vectors.take(rows))
        found = judge.judge(alike, exceedances.mean(axis=1))
        verdicts = self.known_verdicts(found.mean, found.variance, steps)
        words_alike = alike[: len(SPARSE_VIEWS)].mean(axis=0)
        at = words_alike.argmax(axis=1)
        top = self.model.items[self._known[item_id]].max_score
        return verdicts, [
            f"The graded answer most like it ({words_alike[row, place]:.0%}) got "
            f"{judge.record.shares[place] * top:g} of {top:g}"
            for row, place in enumerate(at)
        ]

    def _reach(self, steps: Floats) -> Floats:
        """How far from a mark the shares lie that round to a mark within the tolerance of it."""
        return np.asarray((np.floor(self.model.tolerance / steps + 1e-6) + 0.5) * steps)

    def known_verdicts(self, shares: Floats, variance: Floats, steps: Floats) -> Verdicts:
        """Verdicts on answers to items with graded answers."""
        shares, marks = _marks(self.model.known_scale, shares, steps)
        stated = stated_by_variance(shares, variance, marks, self._reach(steps))
        return Verdicts(shares, marks, stated, self.model.known_scale.calibration(stated))

    def unseen_verdicts(self, exceedances: Floats, steps: Floats) -> Verdicts:
        """Verdicts on answers to items never seen."""
        shares, marks = _marks(self.model.unseen_scale, exceedances.mean(axis=1), steps)
        stated = stated_by_levels(exceedances, marks, self._reach(steps))
        return Verdicts(shares, marks, stated, self.model.unseen_scale.calibration(stated))


@dataclass(frozen=True)
class ItemFacts:
    """What grading needs of an item, known to the model or described by the caller."""

    reference: Reference
    max_score: float
    step: float
    fold: int


def _marks(scale: Scale, shares: Floats, steps: Floats) -> tuple[Floats, Floats]:
    """The shares within 0..1, and the marks on the items' grids that they are cut to."""
    return np.clip(shares, 0, 1), round_to_grid(scale.stretch(shares), steps, 1.0)
