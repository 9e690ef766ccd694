"""Reading answers: from texts to the features and vectors that graders work on.

A `Reader` is fitted on the training texts and kept in the model, so that training and inference read
alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from strategies.grading.committee import WIDEST
from strategies.grading.features import Floats, Reference, Weights, text_features, unit
from strategies.grading.itemwise import SPARSE_VIEWS, Vectors
from strategies.grading.meaning import meaning_features
from strategies.grading.text import count

Embedder = Callable[[Sequence[str]], Floats]
"""Texts to embeddings of unit length, (n, d) float32."""
_FEW_ITEMS = 60


@dataclass(frozen=True)
class Reading:
    """Answers as raw features (n, f) and as vectors; `names` are the features' names."""

    names: tuple[str, ...]
    raw: Floats
    vectors: Vectors


@dataclass(frozen=True)
class Reader:
    """Document frequencies of the training texts, and the scale of their features."""

    weights: Mapping[str, Weights]
    centre: Floats
    scale: Floats

    def read(
        self,
        references: Mapping[str, Reference],
        item_ids: Sequence[str],
        texts: Sequence[str],
        embed: Embedder | None = None,
    ) -> Reading:
        """What the answers `texts` say to the items `item_ids`; `references` has each of these."""
        names, raw = _raw_features(self.weights, references, item_ids, texts, embed)
        return self._reading(names, raw, texts, embed)

    @staticmethod
    def fit(
        references: Mapping[str, Reference],
        item_ids: Sequence[str],
        texts: Sequence[str],
        embed: Embedder | None = None,
    ) -> tuple[Reader, Reading]:
        """A reader fitted on the training answers and their items, and its reading of these answers."""
        items = [references[item_id] for item_id in sorted(set(item_ids))]
        corpus = [*texts, *(item.question for item in items), *(a for item in items for a in item.answers)]
        weights = {view: Weights.of(count(view, corpus)) for view in SPARSE_VIEWS}
        names, raw = _raw_features(weights, references, item_ids, texts, embed)
        # A feature that hardly varies in training must not explode on an item where it does.
        spread = np.maximum(raw.std(axis=0), 0.02) / _weight(raw, np.asarray(item_ids))
        reader = Reader(weights, raw.mean(axis=0), spread.astype(np.float32))
        return reader, reader._reading(names, raw, texts, embed)

    def _reading(
        self, names: tuple[str, ...], raw: Floats, texts: Sequence[str], embed: Embedder | None
    ) -> Reading:
        views = {view: unit(self.weights[view].weigh(count(view, texts))) for view in SPARSE_VIEWS}
        scaled = np.clip((raw - self.centre) / self.scale, -WIDEST, WIDEST)
        return Reading(names, raw, Vectors(views, scaled, None if embed is None else embed(texts)))


def _weight(raw: Floats, item_ids: np.ndarray) -> Floats:
    """Per feature, in (0, 1]: less the more it only tells items apart, and the fewer items there are.

    Few items are easily learnt by heart by what is the same in all their answers, and that does not
    carry over to other items.
    """
    items, item = np.unique(item_ids, return_inverse=True)
    means = np.stack([np.bincount(item, column) / np.bincount(item) for column in raw.T], axis=1)
    between = means[item].var(axis=0) / np.maximum(raw.var(axis=0), 1e-9)
    return np.asarray(1 - np.clip(between, 0, 1) * _FEW_ITEMS / (_FEW_ITEMS + len(items)))


def _raw_features(
    weights: Mapping[str, Weights],
    references: Mapping[str, Reference],
    item_ids: Sequence[str],
    texts: Sequence[str],
    embed: Embedder | None,
) -> tuple[tuple[str, ...], Floats]:
    names, raw = text_features(weights, references, item_ids, texts)
    if embed is None:
        return tuple(names), raw
    more, meant = meaning_features(embed, references, item_ids, texts)
    return (*names, *more), np.hstack([raw, meant])


def texts_to_embed(
    references: Mapping[str, Reference], item_ids: Sequence[str], texts: Sequence[str]
) -> list[str]:
    """Every text that `Reader.read` will ask embeddings of, once each, in a fixed order."""
    wanted = dict.fromkeys(texts)
    for item_id in sorted(set(item_ids)):
        reference = references[item_id]
        wanted |= dict.fromkeys([reference.question, *reference.answers, *reference.points])
    return list(wanted)
