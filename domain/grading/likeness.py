"""How much a text is like each item of a guide, by the words and word parts that tell items apart."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

from domain.grading.records import Item

_WORD = re.compile(r"[^\W_]+")
_PART = 4
"""Characters of a word part: long enough to mean something, short enough to meet "eroded" in "erosion"."""


class Likeness:
    """TF-IDF over words and parts of words of four letters. Terms that all items share weigh nothing.

    Source: Salton and Buckley (1988), with logarithmic counts and cosine normalisation.
    """

    def __init__(self, items: Sequence[Item]) -> None:
        self._n = len(items)
        counts = [_terms(" ".join(_texts(item))) for item in items]
        seen = Counter(term for terms in counts for term in terms)
        self._weights = {term: math.log((2 + self._n) / (1 + n)) for term, n in seen.items()}
        self._items = [self._vector(terms) for terms in counts]
        self._questions = [frozenset(_words(item.question)) for item in items]

    def of(self, text: str) -> list[float]:
        """The cosine of `text` with each item's question, model answers and criteria, in [0, 1]."""
        vector = self._vector(_terms(text))
        return [sum(weight * item.get(term, 0.0) for term, weight in vector.items()) for item in self._items]

    def repeated_question(self, text: str) -> int | None:
        """The position of the item whose question `text` repeats nearly word for word; None for no item's."""
        words = frozenset(_words(text))
        overlaps = [len(words & asked) / max(len(words | asked), 1) for asked in self._questions]
        best = max(range(self._n), key=overlaps.__getitem__, default=None)
        if best is None or overlaps[best] < 0.75 or len(self._questions[best]) < 3:
            return None
        return best if sum(overlap == overlaps[best] for overlap in overlaps) == 1 else None

    def _vector(self, terms: Mapping[str, int]) -> dict[str, float]:
        # A term that no item has tells nothing of which item it is, but that the text may be none of them.
        unknown = math.log(2 + self._n)
        weights = {t: (1 + math.log(n)) * self._weights.get(t, unknown) for t, n in terms.items()}
        norm = math.sqrt(sum(weight * weight for weight in weights.values()))
        return {term: weight / norm for term, weight in weights.items() if weight and norm}


def _texts(item: Item) -> tuple[str, ...]:
    criteria = (criterion.text for criterion in item.criteria)
    return (item.question, item.model_answer, *item.alternatives, *criteria, item.guidance)


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def _terms(text: str) -> Counter[str]:
    terms: Counter[str] = Counter()
    for word in _words(text):
        terms[word] += 1
        framed = f"_{word}_"
        terms.update(framed[i : i + _PART] for i in range(len(framed) - _PART + 1))
    return terms
