"""A reflection that looks: which habit of the examiner would explain the disagreements that it is shown?

It marks the shown answers again under each change of one directive and proposes, in a sentence of plain
language, one that brings it nearer to the examiner. Sometimes it proposes something useless or harmful
instead, as models do: whoever asks has to try what is proposed.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.llm_simulator.asked import fenced_data
from infra.llm_simulator.directives import BY_NAME, expressed, without
from infra.llm_simulator.evidence import Evidence, Question, earned, examine

_IDLE_SHARE, _HARMFUL_SHARE = 0.12, 0.1
_BOTH_SHARE = 0.35
"""How often the second-best change is proposed along with the best."""
_IDLE = (
    "Be fair and consistent, and read every answer with care.",
    "Think about each point before deciding.",
    "Remember that the aim is an accurate result for the student.",
)


@dataclass(frozen=True)
class Shown:
    """One answer with the examiner's score, as shown."""

    evidence: Evidence
    marks: tuple[float, ...]
    examiner: float

    def miss(self, asked: Mapping[str, bool]) -> float:
        """How far a marker told `asked` is from the examiner."""
        shares = earned(self.evidence, asked)
        return abs(self.examiner - sum(s * m for s, m in zip(shares, self.marks, strict=True)))


def respond(
    messages: list[dict[str, Any]],
    schema: dict[str, Any] | None,  # noqa: ARG001 - a responder is given it
    rng: random.Random,
) -> dict[str, Any] | None:
    """A new instruction for the one in the last fence; None where there is none."""
    data = fenced_data(messages)
    if not isinstance(data, dict) or "instruction" not in data:
        return None
    old = str(data["instruction"])
    shown = [*_shown(data.get("disagreements")), *_shown(data.get("agreements"))]
    asked = expressed(old)
    gains = gains_of(shown, asked)
    luck = rng.random()
    if not gains or luck < _IDLE_SHARE:
        return _proposal("I see no single habit behind this.", _added(old, rng.choice(_IDLE)))
    if luck < _IDLE_SHARE + _HARMFUL_SHARE:
        wrong = rng.choice([name for name in BY_NAME if name not in gains] or list(BY_NAME))
        return _proposal("A stricter reading may help.", _changed(old, wrong, not asked.get(wrong), rng))
    names = _drawn(gains, rng)
    new = old
    for name in names:
        new = _changed(new, name, not asked.get(name), rng)
    told = "; ".join(f"{name} explains {gains[name]:g} marks" for name in names)
    return _proposal(f"Looking at the disagreements: {told}.", new)


def gains_of(shown: Sequence[Shown], asked: Mapping[str, bool]) -> dict[str, float]:
    """Directive → how many marks nearer to the examiner its change would bring, best first; gains only."""
    now = sum(one.miss(asked) for one in shown)
    gains = {
        name: now - sum(one.miss({**asked, name: not asked.get(name, False)}) for one in shown)
        for name in BY_NAME
    }
    return dict(sorted(((n, g) for n, g in gains.items() if g > 0), key=lambda pair: -pair[1]))


def _shown(entries: Any) -> list[Shown]:
    found = []
    for entry in entries if isinstance(entries, list) else []:
        if not isinstance(entry, dict) or not isinstance(entry.get("examiner_score"), int | float):
            continue
        item = entry["item"] if isinstance(entry.get("item"), dict) else entry
        question = Question.of({"max_score": entry.get("max_score"), **item})
        evidence = examine(question, str(entry.get("answer", "")))
        found.append(Shown(evidence, question.marks, float(entry["examiner_score"])))
    return found


def _drawn(gains: Mapping[str, float], rng: random.Random) -> list[str]:
    """The best change, or at a higher temperature perhaps another; sometimes one more with it."""
    warmth = 0.15 + 0.5 * float(getattr(rng, "temperature", 0.0))
    most = max(gains.values())
    weights = [math.exp((gain / most - 1) / warmth) for gain in gains.values()]
    names = rng.choices(list(gains), weights)
    others = [name for name in gains if name not in names]
    if others and rng.random() < _BOTH_SHARE:
        names.append(others[0])
    return names


def _changed(old: str, name: str, on: bool, rng: random.Random) -> str:
    """The instruction that asks for the directive, or no longer does; the rest as it was."""
    directive = BY_NAME[name]
    return _added(without(old, name), rng.choice(directive.said if on else directive.unsaid))


def _added(old: str, sentence: str) -> str:
    return f"{old.rstrip()}\n{sentence}" if old.strip() else sentence


def _proposal(reasoning: str, instruction: str) -> dict[str, Any]:
    return {"reasoning": reasoning, "instruction": instruction}
