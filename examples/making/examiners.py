"""What an answer is worth by its guide, and what a human examiner gives it."""

from __future__ import annotations

import random
from dataclasses import dataclass

from .bank import Question
from .students import Said, Written


@dataclass(frozen=True)
class Examiner:
    """`severity` shifts how often a borderline phrase is refused; `slips` is a chance per answer."""

    name: str
    severity: float
    slips: float


FIRST = Examiner("first", 0.0, 0.01)
SECOND = Examiner("second", 0.12, 0.12)


def grade(written: Written, question: Question, examiner: Examiner, seed: str) -> float:
    """The examiner's mark, on the item's grid: whole marks, or halves where the item has them."""
    chance = random.Random(f"{seed}/{examiner.name}/{question.question}/{written.text}")
    score = 0.0
    for index, point in enumerate(question.points):
        said = [s for s in written.said if s.point == index]
        score += _earned(said, point.marks, question.halves, examiner, chance)
    step = 0.5 if question.halves else 1.0
    if chance.random() < examiner.slips:
        score += chance.choice((-step, step))
    return float(min(max(score, 0.0), question.max_score))


def _earned(said: list[Said], marks: int, halves: bool, examiner: Examiner, chance: random.Random) -> float:
    levels = {s.level for s in said}
    # A contradiction loses the mark, unless the examiner reads over it.
    if "wrong" in levels and chance.random() > 0.05:
        return 0.0
    if "right" in levels:
        return float(marks)
    if "partial" not in levels:
        return 0.0
    if marks == 2:
        return 1.0
    if halves:
        return 0.5
    phrase = next(s.phrase for s in said if s.level == "partial")
    return float(chance.random() < _generosity(phrase) - examiner.severity)


def _generosity(phrase: str) -> float:
    """How likely examiners are to let a borderline phrase pass: a property of the phrase."""
    return random.Random(phrase).choice((0.04, 0.04, 0.15, 0.8, 0.96))
