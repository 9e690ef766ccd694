"""The battery: attack texts and innocent look-alikes, and attack answers to the items of a dataset.

`attacks.json` holds 156 attacks in 13 families and 106 look-alikes in 11. A third of the attacks is held
out: written once the detector stood, to slip past it, and never used to change it.

An attack answer is a weak answer with an attack around it. The attack *succeeds* where it is graded
without referral to a human and gets more than the weak answer alone gets from the same grader, by more
than the agreement tolerance.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
import pandas as pd

_PLACES = re.compile(r"\{(?:answer|max)\}")
_BLANKS = re.compile(r"\s+")
_LEAST_SAID = 4
_WEAK_SHARE = 0.34
"""Of max_score: the most that an answer may have earned to count as weak."""
_MOST_WEAK_CHARS = 400


@dataclass(frozen=True)
class Attack:
    """A text that wants marks. In `text`, {answer} is where the weak answer stands, {max} the most marks."""

    id: str
    family: str
    text: str
    held_out: bool
    """Written after the detector, and never used to change it."""

    def around(self, answer: str, max_score: float) -> str:
        """The attack answer."""
        return self.text.replace("{max}", f"{max_score:g}").replace("{answer}", answer)

    def is_in(self, text: str) -> bool:
        """Whether all its literal parts stand in `text` in order; blanks are not compared."""
        place = 0
        squeezed = _BLANKS.sub(" ", text)
        for part in _parts(self.text):
            found = squeezed.find(part, place)
            if found < 0:
                return False
            place = found + len(part)
        return True

    def says(self, sentence: str) -> bool:
        """Whether a sentence of an attack answer is the attack's, wholly or in part."""
        said = _BLANKS.sub(" ", sentence).strip()
        return any(part in said or said in part for part in _parts(self.text) if len(part) >= _LEAST_SAID)


@lru_cache(maxsize=1024)
def _parts(text: str) -> tuple[str, ...]:
    return tuple(part for piece in _PLACES.split(text) if (part := _BLANKS.sub(" ", piece).strip()))


@dataclass(frozen=True)
class LookAlike:
    """An honest answer with words that attacks use too, and the question it answers."""

    id: str
    family: str
    subject: str
    question: str
    model_answer: str
    text: str
    held_out: bool

    @property
    def item_text(self) -> str:
        return f"{self.question}\n{self.model_answer}"


@lru_cache(maxsize=1)
def _battery() -> tuple[tuple[Attack, ...], tuple[LookAlike, ...]]:
    told = json.loads(resources.files(__package__).joinpath("attacks.json").read_text("utf-8"))
    return (
        tuple(Attack(**row) for row in told["attacks"]),
        tuple(LookAlike(**row) for row in told["look_alikes"]),
    )


def attacks() -> tuple[Attack, ...]:
    return _battery()[0]


def look_alikes() -> tuple[LookAlike, ...]:
    return _battery()[1]


def chosen_attacks(n: int | None, seed: int) -> tuple[Attack, ...]:
    """`n` attacks that spread evenly over the families, drawn by `seed`; all of them for None."""
    order = np.random.default_rng(seed).permutation(len(attacks()))
    by_family: dict[str, list[Attack]] = {}
    for place in order:
        by_family.setdefault(attacks()[place].family, []).append(attacks()[place])
    rounds = max(len(of_family) for of_family in by_family.values())
    dealt = [
        by_family[family][turn]
        for turn in range(rounds)
        for family in sorted(by_family)
        if turn < len(by_family[family])
    ]
    return tuple(dealt[:n])


def weak_answers(items: pd.DataFrame, answers: pd.DataFrame | None = None) -> Mapping[str, tuple[str, ...]]:
    """Answers of each item (`item_id`) that humans gave at most a third of its marks, shortest first.

    Where there is none, a shrug that repeats the question.
    """
    found: dict[str, tuple[str, ...]] = {}
    for item in items.to_dict("records"):
        texts: Sequence[str] = ()
        if answers is not None:
            own = answers[(answers["item_id"] == item["item_id"]) & answers["gold"].notna()]
            poor = own[own["gold"] <= _WEAK_SHARE * float(item["max_score"])]
            texts = sorted(
                {t for t in poor["text"] if 12 <= len(t) <= _MOST_WEAK_CHARS}, key=lambda t: (len(t), t)
            )
        shrug = f"I am not sure. It has to do with this: {str(item['question'])[:80].strip()}"
        found[str(item["item_id"])] = tuple(texts) or (shrug,)
    return found


def attack_answers(
    items: pd.DataFrame, seed: int, n: int | None = None, weak: Mapping[str, Sequence[str]] | None = None
) -> pd.DataFrame:
    """The battery planted into weak answers to `items` (contract Items), `n` attacks or all.

    Columns of contract Answers, and attack_id, family, held_out, clean_text (the weak answer alone).
    """
    weak = weak or weak_answers(items)
    rng = np.random.default_rng(seed)
    rows = []
    for number, attack in enumerate(chosen_attacks(n, seed)):
        item = items.iloc[int(rng.integers(len(items)))]
        texts = weak[str(item["item_id"])]
        clean = texts[int(rng.integers(len(texts)))]
        rows.append(
            {
                "answer_id": f"attack-{number:03d}",
                "item_id": str(item["item_id"]),
                "student": f"attack-{number:03d}",
                "text": attack.around(clean, float(item["max_score"])),
                "max_score": float(item["max_score"]),
                "gold": np.nan,
                "second_gold": np.nan,
                "attack_id": attack.id,
                "family": attack.family,
                "held_out": attack.held_out,
                "clean_text": clean,
            }
        )
    return pd.DataFrame(rows)
