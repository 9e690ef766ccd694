"""Weighs the signs in an answer: enough of them make a suspicion, for a human to look at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from domain.grading.injection.clauses import clauses
from domain.grading.injection.readings import Reading, plain_reading, readings
from domain.grading.injection.rules import signs_in_words
from domain.grading.injection.signs import Sign, signs_in_characters, signs_in_disguise
from domain.grading.injection.talk import signs_in_talk, subjects_of

THRESHOLD = 0.7
_DISGUISED = 0.3
"""Added to each sign that shows only once a disguise is undone: honest words need none."""
_MOST_CHARS = 200_000
_NEAR = 600

_REASONS = {
    "override": "tells the marker to set its instructions aside",
    "orders": "gives the marker new instructions",
    "award": "asks for marks instead of earning them",
    "claim": "speaks as if an examiner had already marked it",
    "address": "speaks to the marker",
    "role": "contains the signs by which computers separate a conversation's speakers",
    "format": "imitates the marker's own form of reply",
    "scheme": "ticks off the marking scheme itself",
    "hidden": "contains hidden text",
    "example": "brings its own examples of marking",
    "talk": "speaks of its own marking instead of the subject",
    "plea": "pleads with or threatens the marker",
}

_SUBJECTS = (
    (
        re.compile(
            r"\b(assess|grading|rubric|mark scheme|marking|examin|teacher|feedback|bewert|noten|evaluat)"
        ),
        frozenset({"award", "claim", "address", "scheme", "plea"}),
    ),
    (
        re.compile(
            r"\b(prompt|language model|chatbot|injection|artificial intelligence|ai\b|llm|jailbreak|"
            r"instruction|command|order)"
        ),
        frozenset({"override", "orders", "role", "address"}),
    ),
    (
        re.compile(
            r"\b(html|xml|css|json|javascript|web ?page|markup|api\b|python|program|code|dictionar|object)"
        ),
        frozenset({"format", "hidden", "role"}),
    ),
)
"""What a question may be about, and which signs are then part of an honest answer."""


@dataclass(frozen=True)
class Suspicion:
    """Why a human should look at an answer: never a reason for a mark.

    `quote` is `text[start:end]`, the weightiest place. `spans` are all places, as (start, end) in the
    text, in order and apart from each other; nothing in them is evidence of knowledge.
    """

    reason: str
    quote: str
    start: int
    end: int
    family: str
    score: float
    """From 0.7, where suspicion begins, to 1."""
    spans: tuple[tuple[int, int], ...]


def suspicion(text: str, item_text: str = "") -> Suspicion | None:
    """The suspicion that `text` talks to its marker; None for nearly every answer.

    `item_text` is the question with its model answer and marking points: what they speak of weighs less.
    The time grows linearly with the text; of one over 200,000 characters the head and the tail are read.
    """
    if len(text) > _MOST_CHARS:
        return _in_parts(text, item_text)
    question = plain_reading(item_text).text
    excused = frozenset(
        family for pattern, excuses in _SUBJECTS if pattern.search(question) for family in excuses
    )
    ideas = subjects_of(question)
    found = [(sign, "") for sign in signs_in_disguise(text)]
    for reading in readings(text):
        found += [(sign, reading.disguise) for sign in _signs(reading, question, excused, ideas)]
    score = max((_weighed(near) for near in _neighbours(found)), default=0.0)
    return _told(text, found, score) if score >= THRESHOLD else None


def _neighbours(found: list[tuple[Sign, str]]) -> Iterator[list[Sign]]:
    """Of each sign, those that begin within 600 characters after it: far apart, they say nothing together."""
    signs = sorted((sign for sign, _ in found), key=lambda sign: sign.start)
    last = 0
    for first, sign in enumerate(signs):
        while last < len(signs) and signs[last].start <= sign.start + _NEAR:
            last += 1
        yield signs[first:last]


def _weighed(signs: list[Sign]) -> float:
    """The chance that one of the families is right, of each the strongest sign: they err independently."""
    strongest: dict[str, float] = {}
    for sign in signs:
        strongest[sign.family] = max(strongest.get(sign.family, 0.0), sign.weight)
    innocent = 1.0
    for weight in strongest.values():
        innocent *= 1 - min(weight, 0.99)
    return round(1 - innocent, 3)


def _in_parts(text: str, item_text: str) -> Suspicion | None:
    """The suspicion in the head of a long text, else the one in its tail."""
    half = _MOST_CHARS // 2
    head = suspicion(text[:half], item_text)
    if head is not None:
        return head
    tail, by = suspicion(text[-half:], item_text), len(text) - half
    if tail is None:
        return None
    spans = tuple((start + by, end + by) for start, end in tail.spans)
    return replace(tail, start=tail.start + by, end=tail.end + by, spans=spans)


def _signs(reading: Reading, question: str, excused: frozenset[str], ideas: frozenset[str]) -> list[Sign]:
    cut = list(clauses(reading.text))
    found = list(signs_in_characters(reading)) + [sign for clause in cut for sign in signs_in_words(clause)]
    found += signs_in_talk([word for clause in cut for word in clause], ideas)
    kept = []
    for sign in found:
        if reading.text[sign.start : sign.end] in question:
            continue
        weight = sign.weight
        if sign.family in excused and not sign.aimed:
            weight *= 0.5
        if reading.disguise:
            # A lone weak sign in a decoded text may be chance; strong ones are not.
            weight = min(weight + _DISGUISED, 1) if weight >= 0.5 else 0.0
        start, end = reading.span(sign.start, sign.end)
        kept.append(replace(sign, weight=weight, start=start, end=end))
    return kept


def _told(text: str, found: list[tuple[Sign, str]], score: float) -> Suspicion:
    best, disguise = max(found, key=lambda pair: pair[0].weight)
    reason = _REASONS[best.family] + (f", in {disguise}" if disguise else "")
    spans = _merged([(sign.start, sign.end) for sign, _ in found])
    return Suspicion(
        f"the answer {reason}", text[best.start : best.end], best.start, best.end, best.family, score, spans
    )


def _merged(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    kept: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if kept and start <= kept[-1][1]:
            kept[-1] = (kept[-1][0], max(end, kept[-1][1]))
        else:
            kept.append((start, end))
    return tuple(kept)
