"""Worked examples for an answer: the most similar training answers to the same item, of several scores.

Never the answer itself, nor a copy of it: what is learnt with examples must hold for answers that have
none. Answers that talk to their marker are no examples either. An item without graded answers has none,
since examples of another item mislead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from domain.grading.injection import Suspicion, suspicion
from domain.identity import hash_text
from strategies.grading.features import Weights, unit
from strategies.grading.llm.points import MarkedItem
from strategies.grading.llm.prompt import Example
from strategies.grading.text import Sparse, count

MOST_OF_AN_ITEM = 120
"""Graded answers that are kept of an item."""
_MOST_CHARS = 1500
"""A longer answer costs more tokens than it tells."""
_VIEWS = ("stems", "letters")


@dataclass(frozen=True)
class Shelf:
    """The graded answers of one item that may be shown, with what it takes to compare others to them."""

    examples: tuple[Example, ...]
    identities: tuple[str, ...]
    weights: Mapping[str, Weights]
    vectors: Mapping[str, Sparse]

    @staticmethod
    def of(examples: Sequence[Example]) -> Shelf:
        texts = [example.text for example in examples]
        counts = {view: count(view, texts) for view in _VIEWS}
        weights = {view: Weights.of(counts[view]) for view in _VIEWS}
        vectors = {view: unit(weights[view].weigh(counts[view])) for view in _VIEWS}
        return Shelf(tuple(examples), tuple(identity(text) for text in texts), weights, vectors)

    def likenesses(self, text: str) -> np.ndarray:
        """Of each example to `text`, 0..1."""
        alike = [
            (self.vectors[view] @ unit(self.weights[view].weigh(count(view, [text]))).T).toarray().ravel()
            for view in _VIEWS
        ]
        return np.asarray(np.mean(alike, axis=0), float)


@dataclass(frozen=True)
class Nearest:
    """What was chosen for an answer; `likeness` and `score` are of the most similar one, NaN without any."""

    examples: tuple[Example, ...] = ()
    likeness: float = float("nan")
    score: float = float("nan")


@dataclass(frozen=True)
class Bank:
    """The graded training answers that may be shown, by item."""

    examples: Mapping[str, tuple[Example, ...]]
    _shelves: dict[str, Shelf] = field(default_factory=dict, compare=False, repr=False)
    _chosen: dict[tuple[str, str, int], Nearest] = field(default_factory=dict, compare=False, repr=False)

    @staticmethod
    def of(train: pd.DataFrame) -> Bank:
        """From scored training answers (contract Answers): of each item an even choice over the scores."""
        kept = {}
        for item_id, own in train.groupby("item_id", sort=True):
            short = own[own["text"].str.len() <= _MOST_CHARS]
            ranked = short.assign(identity=[identity(text) for text in short["text"]])
            # By what they say and not by id: ids are new in every catalog.
            ranked = ranked.drop_duplicates("identity").sort_values(["gold", "identity"], kind="stable")
            places = np.unique(np.linspace(0, len(ranked) - 1, min(MOST_OF_AN_ITEM, len(ranked))).astype(int))
            rows = ranked.iloc[places][["answer_id", "text", "gold"]].itertuples(index=False)
            kept[str(item_id)] = tuple(Example(str(i), str(text), float(gold)) for i, text, gold in rows)
        return Bank(kept)

    def choose(self, item: MarkedItem, text: str, n: int) -> Nearest:
        """The `n` most similar ones, each of another score as long as there are such, nearest first."""
        asked = (item.item_id, text, n)
        if asked not in self._chosen:
            # A training asks this of every candidate again.
            self._chosen[asked] = self._choose(item, text, n)
        return self._chosen[asked]

    def _choose(self, item: MarkedItem, text: str, n: int) -> Nearest:
        examples = self.examples.get(item.item_id, ())
        if not n or not examples:
            return Nearest()
        if item.item_id not in self._shelves:
            self._shelves[item.item_id] = Shelf.of(examples)
        shelf = self._shelves[item.item_id]
        alike, own = shelf.likenesses(text), identity(text)
        usable = [
            int(place)
            for place in np.argsort(-alike, kind="stable")
            if shelf.identities[place] != own and suspicion_of(shelf.examples[place].text, item.text) is None
        ]
        if not usable:
            return Nearest()
        chosen = _spread([(place, shelf.examples[place].score) for place in usable], n)
        near = shelf.examples[usable[0]]
        return Nearest(tuple(shelf.examples[place] for place in chosen), float(alike[usable[0]]), near.score)

    def described(self) -> list[dict[str, Any]]:
        return [
            {"item_id": item_id, "answer_id": one.answer_id, "text": one.text, "score": one.score}
            for item_id, several in self.examples.items()
            for one in several
        ]

    @staticmethod
    def from_json(described: Sequence[Mapping[str, Any]]) -> Bank:
        found: dict[str, list[Example]] = {}
        for one in described:
            example = Example(str(one["answer_id"]), str(one["text"]), float(one["score"]))
            found.setdefault(str(one["item_id"]), []).append(example)
        return Bank({item_id: tuple(several) for item_id, several in found.items()})


def _spread(ranked: Sequence[tuple[int, float]], n: int) -> list[int]:
    """The first of each score, as they come, then the first of those left over."""
    firsts: dict[float, int] = {}
    for place, score in ranked:
        firsts.setdefault(score, place)
    chosen = list(firsts.values())[:n]
    rest = [place for place, _ in ranked if place not in chosen]
    return chosen + rest[: n - len(chosen)]


def identity(text: str) -> str:
    """Equal for copies: case, blanks and line ends do not count."""
    return hash_text(text.casefold())


@lru_cache(maxsize=8192)
def suspicion_of(text: str, item_text: str) -> Suspicion | None:
    """As `domain.grading.injection.suspicion`; a training asks it of every candidate again."""
    return suspicion(text, item_text)
