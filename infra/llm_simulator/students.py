"""The invented students of the simulated examination: what they write, and what is true of it."""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass

from infra.llm_simulator import reading
from infra.llm_simulator.evidence import Evidence, Finding
from infra.llm_simulator.synonyms import GROUPS, joined
from infra.llm_simulator.topics import Point, Topic

_WAYS = {
    "plain": 0.42,
    "synonyms": 0.13,
    "spelling": 0.11,
    "partial": 0.11,
    "contradiction": 0.07,
    "hedging": 0.07,
    "bare": 0.06,
    "repetition": 0.05,
}
"""How a student who has something to say on a point says it, and how often."""
_WITHOUT_UNIT = 0.4
_OUT_OF_ORDER = 0.4
_WRONG_STATEMENT = 0.22
_ASIDES = (
    "I revised this last week.",
    "We did this with our teacher.",
    "I hope that is clear.",
    "That is all I remember.",
    "My notes had a picture of it.",
    "I wrote this in a hurry.",
)
_HEDGES = ("Maybe {}", "Perhaps {}", "{}, or something", "I guess {}", "I am not sure but {}")
_LINKS = ("", "", "Also ", "And then ", "As well ")


@dataclass(frozen=True)
class Written:
    """An answer's text, and what an examiner who overlooks nothing finds in it."""

    text: str
    truth: Evidence


@dataclass(frozen=True)
class _Statement:
    place: int
    text: str
    doubts: frozenset[str]


def write(topic: Topic, ability: float, habits: Collection[str], rng: random.Random) -> Written:
    """One student's answer. `habits` are the directives that matter in this class; of "repetition"
    there is nothing where it does not, since no examiner credits the question itself."""
    statements = [
        statement
        for place, point in enumerate(topic.points)
        if rng.random() < 0.3 + 0.65 * ability
        for statement in _statements(place, point, topic, habits, rng)
    ]
    if topic.in_order and rng.random() < _OUT_OF_ORDER:
        rng.shuffle(statements)
    wrong = [rng.choice(topic.wrong)] if rng.random() < _WRONG_STATEMENT else []
    written = [s.text for s in statements]
    for text in wrong + ([rng.choice(_ASIDES)] if rng.random() < 0.3 else []):
        written.insert(rng.randint(0, len(written)), text)
    if not written:
        written = [rng.choice(("I do not know this one.", "No idea, sorry.", "I could not learn this."))]
    text = " ".join(_sentence(one) for one in written)
    return Written(text, _truth(topic, statements, len(wrong)))


def _statements(
    place: int, point: Point, topic: Topic, habits: Collection[str], rng: random.Random
) -> list[_Statement]:
    way = rng.choices(list(_WAYS), list(_WAYS.values()))[0]
    link = rng.choice(_LINKS)
    if point.is_number and way in ("partial", "synonyms", "spelling", "bare", "plain"):
        if rng.random() < _WITHOUT_UNIT:
            return [_Statement(place, point.half, frozenset({"units"}))]
        way = "plain"
    if way == "repetition" and "repetition" not in habits:
        way = "plain"
    if way == "repetition":
        return [_Statement(place, topic.echo, frozenset({way}))]
    if way == "contradiction":
        both = [
            _Statement(place, point.text, frozenset({way})),
            _Statement(place, point.denial, frozenset({"denial"})),
        ]
        return both if rng.random() < 0.5 else both[::-1]
    told = {
        "plain": lambda: link + _after(link, point.text),
        "synonyms": lambda: in_other_words(point.text, rng),
        "spelling": lambda: misspelt(point.text, rng),
        "partial": lambda: point.half,
        "hedging": lambda: rng.choice(_HEDGES).format(point.text[0].lower() + point.text[1:]),
        "bare": lambda: keywords(point.text),
    }[way]()
    doubts = frozenset() if told.endswith(point.text) or way == "plain" else frozenset({way})
    return [_Statement(place, told, doubts)]


def _truth(topic: Topic, statements: list[_Statement], n_wrong: int) -> Evidence:
    findings = []
    latest = -1
    for place in range(len(topic.points)):
        found = next(
            ((i, s) for i, s in enumerate(statements) if s.place == place and "denial" not in s.doubts), None
        )
        if found is None:
            findings.append(Finding())
            continue
        at, statement = found
        doubts = statement.doubts | ({"order"} if topic.in_order and at < latest else set())
        latest = max(latest, at)
        findings.append(Finding(statement.text, doubts))
    return Evidence(tuple(findings), n_wrong)


def in_other_words(text: str, rng: random.Random) -> str:
    """The text with every word that has synonyms replaced by one; the text itself where none has."""
    told = []
    for word in joined(text.lower()).split():
        place = reading.group(word)
        others = [w for w in GROUPS[place] if w.replace(" ", "_") != word] if place is not None else []
        told.append(rng.choice(others) if others else word.replace("_", " "))
    changed = " ".join(told)
    return changed[0].upper() + changed[1:] if changed != text.lower() else text


def misspelt(text: str, rng: random.Random) -> str:
    """The text with a slip in each of its longer words."""
    return " ".join(_slip(word, rng) if len(word) > 4 and word.isalpha() else word for word in text.split())


def _slip(word: str, rng: random.Random) -> str:
    i = rng.randint(1, len(word) - 3)
    kind = rng.randrange(3)
    if kind == 0 and word[i] != word[i + 1]:
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    if kind == 1:
        return word[:i] + word[i + 1 :]
    return word[:i] + word[i] + word[i] + word[i + 1 :]


def keywords(text: str) -> str:
    """The text's main words alone: "Sea, heat, slowly"."""
    main = [word for word in text.split() if word.lower() not in reading.FUNCTION_WORDS]
    told = ", ".join(word.lower() for word in main)
    return told[0].upper() + told[1:]


def _after(link: str, text: str) -> str:
    return text[0].lower() + text[1:] if link else text


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
