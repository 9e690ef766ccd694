"""Texts as sparse counts of their stems, stem pairs and letter groups, in any language.

Columns are hashes, so words that no training text had still match between an answer and a model
answer, and a model file holds no student's words.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeAlias
from zlib import crc32

import numpy as np
from scipy import sparse

_WORD = re.compile(r"\d+(?:[.,]\d+)?|[^\W\d_]+(?:['’][^\W\d_]+)?")
_SENTENCE = re.compile(r"(?<=[.;!?:])\s+|\n+|\s+[-–•*]\s*(?=\w)")
# Truncation stems English and German alike about as well as a language's own stemmer does.
_STEM_LETTERS = 5
N_COLUMNS = 2**20

Sparse: TypeAlias = sparse.csr_matrix


def words(text: str) -> list[str]:
    """The words and numbers of `text`, case-folded."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def stems(text: str) -> list[str]:
    """`words`, each cut to its first letters."""
    return [word[:_STEM_LETTERS] for word in words(text)]


def sentences(text: str, most: int = 12) -> list[str]:
    """The sentences or list points of `text`, at least one, at most `most` (the last takes the rest)."""
    parts = [part.strip() for part in _SENTENCE.split(text) if len(words(part)) > 1]
    if len(parts) > most:
        parts = [*parts[: most - 1], " ".join(parts[most - 1 :])]
    return parts or [text.strip()]


def _stem_pairs(text: str) -> list[str]:
    found = ["^", *stems(text), "$"]
    return [f"{first} {second}" for first, second in pairwise(found)]


def _letter_groups(text: str) -> list[str]:
    return [
        padded[start : start + size]
        for word in words(text)
        for padded in [f" {word} "]
        for size in (2, 3, 4, 5)
        for start in range(max(len(padded) - size + 1, 1))
    ]


VIEWS: dict[str, Callable[[str], list[str]]] = {
    "stems": stems,
    "pairs": _stem_pairs,
    "letters": _letter_groups,
}


def count(view: str, texts: Sequence[str]) -> Sparse:
    """How often each stem (or pair, or letter group) is in each text: (len(texts), N_COLUMNS)."""
    counted = [Counter(VIEWS[view](text)) for text in texts]
    column = {part: crc32(part.encode("utf-8", "replace")) % N_COLUMNS for part in set().union(*counted)}
    columns = np.fromiter((column[part] for parts in counted for part in parts), np.int32)
    times = np.fromiter((n for parts in counted for n in parts.values()), np.float32)
    ends = np.cumsum([0, *(len(parts) for parts in counted)])
    counts: Sparse = sparse.csr_matrix((times, columns, ends), shape=(len(texts), N_COLUMNS))
    counts.sum_duplicates()
    return counts
