"""A grading dataset as a strategy works on it: read, scaled and sorted by item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from domain.grading.marks import grid_step
from strategies.base import GradingData
from strategies.grading.committee import folds_of_items
from strategies.grading.features import Floats, Reference, references
from strategies.grading.itemwise import ItemRecord, Vectors
from strategies.grading.model_files import KnownItem
from strategies.grading.reading import Embedder, Reader, texts_to_embed

_MOST_OF_AN_ITEM = 1000
"""Beyond this many graded answers an item's judge gains little, and costs the square and cube of them."""


@dataclass(frozen=True)
class Rows:
    """Scored answers of one split: `shares` of max_score, `steps` of the items' grids likewise."""

    item_ids: np.ndarray
    texts: tuple[str, ...]
    shares: Floats
    steps: Floats
    students: np.ndarray


@dataclass(frozen=True)
class Material:
    """`fold[i]` is the committee member that training row i is hidden from."""

    references: Mapping[str, Reference]
    items: tuple[KnownItem, ...]
    reader: Reader
    train: Rows
    train_vectors: Vectors
    fold: np.ndarray
    validation: Rows
    validation_vectors: Vectors
    rows_of: Mapping[str, np.ndarray]
    """Training rows of each known item."""
    records: Mapping[str, ItemRecord]
    likenesses: Mapping[str, Floats]
    """Of each known item, its validation answers beside its training answers."""

    @property
    def item_fold(self) -> dict[str, int]:
        return {item.item_id: item.fold for item in self.items}


def scored(data: GradingData, split: str) -> pd.DataFrame:
    """The answers of a split that have a text and a human score, and whose item is described."""
    answers = data.answers
    kept = (answers["split"] == split) & answers["gold"].notna() & answers["text"].str.strip().astype(bool)
    return answers[kept & answers["item_id"].isin(data.items["item_id"])].reset_index(drop=True)


def wanted_texts(data: GradingData) -> list[str]:
    """Every text of the training and validation answers and their items, to embed."""
    told = references(data.items)
    rows = pd.concat([scored(data, "train"), scored(data, "validation")])
    return texts_to_embed(told, list(rows["item_id"]), list(rows["text"]))


def read_material(data: GradingData, n_members: int, seed: int, embed: Embedder | None) -> Material:
    """Reads the training answers, fits the reader on them, and reads the validation answers with it."""
    told = references(data.items)
    frame = _thinned(scored(data, "train").sort_values("answer_id", ignore_index=True))
    held = scored(data, "validation").sort_values("answer_id", ignore_index=True)
    steps = _steps(pd.concat([frame, held]))
    train, validation = _rows(frame, steps), _rows(held, steps)
    fold = folds_of_items(train.item_ids, n_members, seed)
    reader, reading = Reader.fit(told, list(train.item_ids), train.texts, embed)
    held_vectors = reader.read(told, list(validation.item_ids), validation.texts, embed).vectors
    rows_of = {str(i): np.flatnonzero(train.item_ids == i) for i in np.unique(train.item_ids)}
    records = {i: ItemRecord(reading.vectors.take(at), train.shares[at]) for i, at in rows_of.items()}
    alike = {
        i: record.likenesses_of(held_vectors.take(np.flatnonzero(validation.item_ids == i)))
        for i, record in records.items()
    }
    worth = frame.groupby("item_id")["max_score"].first()
    items = tuple(
        KnownItem(i, told[i], float(worth[i]), steps[i], int(fold[at[0]]) if len(rows_of) > 1 else -1)
        for i, at in rows_of.items()
    )
    return Material(
        told, items, reader, train, reading.vectors, fold, validation, held_vectors, rows_of, records, alike
    )


def _thinned(frame: pd.DataFrame) -> pd.DataFrame:
    """At most `_MOST_OF_AN_ITEM` answers of each item, evenly from the order of `frame`."""
    place = frame.groupby("item_id").cumcount()
    n = frame.groupby("item_id")["item_id"].transform("size")
    share = np.minimum(1, _MOST_OF_AN_ITEM / n)
    kept = np.floor((place + 1) * share) > np.floor(place * share)
    return frame[kept].reset_index(drop=True)


def _steps(rows: pd.DataFrame) -> dict[str, float]:
    """The step of each item's grid, in marks."""
    grouped = rows.groupby("item_id")
    return {str(i): grid_step(own["gold"].to_numpy(), float(own["max_score"].iloc[0])) for i, own in grouped}


def _rows(frame: pd.DataFrame, steps: Mapping[str, float]) -> Rows:
    top = frame["max_score"].to_numpy(float)
    step = np.array([steps[i] for i in frame["item_id"]], float)
    shares = np.clip(frame["gold"].to_numpy(float) / top, 0, 1)
    students = frame["student"].astype(str).to_numpy()
    return Rows(frame["item_id"].astype(str).to_numpy(), tuple(frame["text"]), shares, step / top, students)


def lookup(texts: Sequence[str], embeddings: Floats) -> Embedder:
    """An embedder that knows exactly `texts`."""
    at = {text: row for row, text in enumerate(texts)}
    return lambda wanted: embeddings[[at[text] for text in wanted]]
