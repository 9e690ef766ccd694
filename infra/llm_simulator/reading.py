"""How the simulated marker reads: words, their stems and synonyms, slips of spelling, sentences."""

from __future__ import annotations

import re
from functools import lru_cache

from infra.llm_simulator.synonyms import GROUP_OF, joined

_WORD = re.compile(r"[a-z_]+(?:'[a-z]+)?|\d+(?:[.,]\d+)?(?:/[a-z]+)?", re.IGNORECASE)
_SENTENCE = re.compile(r"[^.!?;\n]+(?:\.(?=\d)[^.!?;\n]+)*[.!?;]*")
_NEGATION = re.compile(r"\b(?:not|never|no|none|cannot|without)\b|n't\b|\bdo(?:es)?nt\b", re.IGNORECASE)
_HEDGE = re.compile(
    r"\b(?:maybe|perhaps|possibly|might|i guess|i think|not sure|or something|probably|i suppose)\b",
    re.IGNORECASE,
)
_PERSONAL = re.compile(r"\b(?:i|we|my|our|me|us|you)\b", re.IGNORECASE)
_FUNCTION_WORDS = """
a an the this that these those it its they them their he she his her there here is are was were be been
being am do does did done has have had having will would can could may might shall should must of in on at
to from by for with into onto over under above below about as and or but so if then than when while where
which who whom what why how because since also too very just only not no never none more most some any all
each every both such own same other another again still even up down out off i we you my our your me us him
maybe perhaps possibly probably think guess suppose sure something thing gets get got goes go make makes made
become becomes through towards around between until
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""Words that carry little meaning of their own."""


@lru_cache(maxsize=65_536)
def words(text: str) -> tuple[str, ...]:
    """The words and numbers of the text in lower case, phrases that have synonyms as one ("take_in")."""
    return tuple(_WORD.findall(joined(text.lower().replace("’", "'"))))


@lru_cache(maxsize=65_536)
def content(text: str) -> tuple[str, ...]:
    """The words that carry the meaning."""
    return tuple(word for word in words(text) if word not in FUNCTION_WORDS)


@lru_cache(maxsize=8192)
def sentences(text: str) -> tuple[str, ...]:
    """The sentences, verbatim and without surrounding blanks."""
    return tuple(s for found in _SENTENCE.findall(text) if (s := found.strip()))


def is_number(word: str) -> bool:
    return word[0].isdigit()


def negates(text: str) -> bool:
    return _NEGATION.search(_HEDGE.sub("", text)) is not None


def hedges(text: str) -> bool:
    return _HEDGE.search(text) is not None


def is_aside(text: str) -> bool:
    """About the writer, not about the matter."""
    return _PERSONAL.search(text) is not None


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The word without its common endings; crude, and the same for both sides of a comparison."""
    for ending in ("ingly", "edly", "ings", "ing", "ed", "es", "ly", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


@lru_cache(maxsize=65_536)
def group(word: str) -> int | None:
    """The number of the word's group of synonyms."""
    return _GROUP_OF_STEM.get(stem(word)) if GROUP_OF.get(word) is None else GROUP_OF[word]


_GROUP_OF_STEM = {stem(word): place for word, place in GROUP_OF.items()}


@lru_cache(maxsize=262_144)
def is_slip_of(written: str, meant: str) -> bool:
    """Whether `written` is `meant` with a letter missing, added, wrong or swapped, two such in long words."""
    if len(meant) < 4 or len(written) < 3 or is_number(written) or is_number(meant):
        return False
    most = 1 if len(meant) < 7 else 2
    return abs(len(written) - len(meant)) <= most and _distance(written, meant) <= most


def _distance(a: str, b: str) -> int:
    """Optimal string alignment distance of two words. Source: Damerau (1964)."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        before, last, row = row, before, [i]
        for j, other in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
