"""What can be said about each question: read from `examples/bank/*.toml`.

A phrase may hold choices, "{falls|goes down}", so that few phrases make many wordings.
"""

from __future__ import annotations

import random
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

BANK = Path(__file__).resolve().parents[1] / "bank"
_CHOICE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Point:
    """A marking point and the phrases that earn all of it, a part of it, or nothing."""

    text: str
    marks: int
    right: tuple[str, ...]
    partial: tuple[str, ...]
    wrong: tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """`noise` is true enough but earns nothing. With `halves`, half marks are given."""

    number: str
    question: str
    model_answer: str
    accept: tuple[str, ...]
    points: tuple[Point, ...]
    noise: tuple[str, ...]
    halves: bool

    @property
    def max_score(self) -> int:
        return sum(point.marks for point in self.points)


@dataclass(frozen=True)
class Topic:
    """One marking guide's content. `name` is its file's stem."""

    name: str
    title: str
    subject: str
    questions: tuple[Question, ...]

    @property
    def total(self) -> int:
        return sum(question.max_score for question in self.questions)


def read_topic(name: str) -> Topic:
    """The topic `examples/bank/<name>.toml`."""
    content = tomllib.loads((BANK / f"{name}.toml").read_text(encoding="utf-8"))
    questions = tuple(
        Question(
            number=item["number"],
            question=item["question"],
            model_answer=item["model_answer"],
            accept=tuple(item["accept"]),
            points=tuple(
                Point(p["text"], p["marks"], tuple(p["right"]), tuple(p["partial"]), tuple(p["wrong"]))
                for p in item["points"]
            ),
            noise=tuple(item["noise"]),
            halves=item.get("halves", False),
        )
        for item in content["items"]
    )
    return Topic(name, content["title"], content["subject"], questions)


def worded(phrase: str, chance: random.Random) -> str:
    """The phrase with each of its choices made."""
    chosen = _CHOICE.sub(lambda found: chance.choice(found[1].split("|")), phrase)
    return re.sub(r"\s+", " ", chosen).strip()
