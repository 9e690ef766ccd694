"""A reading cut into clauses of classed words, and the questions that rules ask about them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from domain.grading.injection.words import CLASSES_OF, NONE

_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*|[%✓✔☑]")
_HARD = re.compile(r"[!?;:]|\.(?!\d)|\n\s*\n")
_SOFT = re.compile(r"[\n,()\[\]{}<>\"“”„«»|*#=/–—-]")
_MOST = 60
"""Words of a clause: longer ones are cut, so that the work grows with the text and no faster."""
_SUBJECTS = frozenset(
    ["i", "he", "she", "we", "they", "ich", "er", "wir", "man", "je", "il", "elle", "on", "nous"]
)
_FRAMES = {"polite", "must", "you", "marker", "machine"}


@dataclass(frozen=True)
class Word:
    text: str
    start: int
    end: int
    classes: frozenset[str]
    opens: bool
    """Whether a clause, line, bracket or comma ends right before it."""


Clause = Sequence[Word]


def clauses(text: str) -> Iterator[Clause]:
    """The clauses of a reading in order."""
    held: list[Word] = []
    last = 0
    for match in _WORD.finditer(text):
        between = text[last : match.start()]
        last = match.end()
        hard = bool(_HARD.search(between))
        if held and (hard or len(held) >= _MOST):
            yield held
            held = []
        soft = hard or not held or bool(_SOFT.search(between))
        held.append(Word(match[0], match.start(), match.end(), CLASSES_OF.get(match[0], NONE), soft))
    if held:
        yield held


def ahead(clause: Clause, here: int, name: str, reach: int) -> int | None:
    """The place of the next word of a class within `reach` words after `here`."""
    for there in range(here + 1, min(here + 1 + reach, len(clause))):
        if name in clause[there].classes:
            return there
    return None


def around(clause: Clause, start: int, end: int, name: str, reach: int = 0) -> bool:
    """Whether a word of the class stands from `reach` before `start` to `reach` after `end`."""
    return any(name in word.classes for word in clause[max(start - reach, 0) : end + 1 + reach])


def commands(clause: Clause, here: int) -> bool:
    """Whether the verb at `here` commands or requests: nothing but address and politeness precedes it."""
    if here + 1 < len(clause) and clause[here + 1].text in _SUBJECTS:
        return False
    place = here
    for _ in range(6):
        if place == 0 or clause[place].opens:
            return True
        before = clause[place - 1]
        if before.text in ("to", "zu") and place > 1 and clause[place - 2].classes & _FRAMES:
            return True
        if not before.classes & _FRAMES:
            return False
        place -= 1
    return False
