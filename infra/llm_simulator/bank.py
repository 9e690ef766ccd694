"""A simulated examination with something true to find: items, answers and scores by a hidden convention.

The convention is a choice of directives (see `directives`), another for each seed. A marker that is told
them all agrees with the examiner as far as its reading and the examiner's slips allow; one that is told
none falls far short.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import pandas as pd

from domain.errors import SettingError
from infra.llm_simulator.directives import BY_NAME, DIRECTIVES
from infra.llm_simulator.evidence import Evidence, earned
from infra.llm_simulator.students import write
from infra.llm_simulator.topics import TOPICS, Topic

GUIDE = "Simulated examination"
_BEGINNING = "Tick each marking point that the answer makes, and quote the words that make it."
_N_ACTIVE = 7
_ALWAYS = ("synonyms", "spelling", "contradiction")
"""In every convention, so that none is trivial."""
_SLIP, _SECOND_SLIP = 0.03, 0.06
"""How often the examiners are off by one step."""


@dataclass(frozen=True)
class Bank:
    """`items` is contract Items, `answers` contract Answers; `convention` are the directives in force."""

    items: pd.DataFrame
    answers: pd.DataFrame
    convention: tuple[str, ...]

    @property
    def instruction(self) -> str:
        """The best that a marker can be told: every directive of the convention, said out."""
        return instruction(self.convention)


def instruction(names: tuple[str, ...]) -> str:
    """An instruction that asks for these directives, and for no other."""
    said = [BY_NAME[name].said[0] for name in names]
    return "\n".join(
        ["Tick each marking point that the answer makes, and quote the words that make it.", *said]
    )


def convention(seed: int) -> tuple[str, ...]:
    """The directives that the examiner of this seed goes by."""
    others = [d.name for d in DIRECTIVES if d.name not in _ALWAYS]
    chosen = {*_ALWAYS, *random.Random(f"convention/{seed}").sample(others, _N_ACTIVE - len(_ALWAYS))}
    return tuple(d.name for d in DIRECTIVES if d.name in chosen)


def make_bank(n_items: int = 8, n_students: int = 60, seed: int = 0) -> Bank:
    """The examination of this seed: every student answers every item.

    Raises SettingError for more items than there are questions.
    """
    if not 1 <= n_items <= len(TOPICS):
        raise SettingError(f"the bank has {len(TOPICS)} questions, {n_items} are asked for: take fewer")
    rng = random.Random(f"bank/{seed}")
    active = convention(seed)
    topics = _topics(n_items, rng)
    items = [_item(number, topic) for number, topic in enumerate(topics, 1)]
    rows = []
    for n in range(1, n_students + 1):
        ability = rng.betavariate(2.0, 1.6)
        for item, topic in zip(items, topics, strict=True):
            written = write(topic, ability, active, rng)
            score = _score(written.truth, active)
            rows.append(
                {
                    "answer_id": f"{item['item_id']}/S{n:03d}",
                    "item_id": item["item_id"],
                    "student": f"S{n:03d}",
                    "text": written.text,
                    "max_score": item["max_score"],
                    "gold": _slipped(score, item["max_score"], active, _SLIP, rng),
                    "second_gold": _slipped(score, item["max_score"], active, _SECOND_SLIP, rng),
                }
            )
    return Bank(pd.DataFrame(items), pd.DataFrame(rows), active)


def _topics(n: int, rng: random.Random) -> list[Topic]:
    """Topics of all sorts: with numbers, with stages, and others, in turn."""
    sorts: list[list[Topic]] = [[], [], []]
    for topic in TOPICS:
        sorts[1 if topic.in_order else 0 if any(p.is_number for p in topic.points) else 2].append(topic)
    for sort in sorts:
        rng.shuffle(sort)
    chosen: list[Topic] = []
    while len(chosen) < n:
        chosen += [sort.pop() for sort in sorts if sort]
    return chosen[:n]


def _item(number: int, topic: Topic) -> dict[str, Any]:
    return {
        "item_id": f"sim-{number}",
        "guide": GUIDE,
        "number": str(number),
        "question": topic.question,
        "model_answer": " ".join(f"{point.text}." for point in topic.points),
        "max_score": float(len(topic.points)),
        "criteria": [{"text": point.text, "marks": 1.0} for point in topic.points],
        "alternatives": [],
    }


def _score(truth: Evidence, active: tuple[str, ...]) -> float:
    return sum(earned(truth, {name: name in active for name in BY_NAME}))


def _slipped(score: float, most: float, active: tuple[str, ...], share: float, rng: random.Random) -> float:
    step = 0.5 if "partial" in active else 1.0
    if rng.random() < share:
        score += rng.choice((-step, step))
    return min(most, max(0.0, score))
