"""An improver of networks: it changes one number of the code, or one hyperparameter, and learns which help.

It looks in the journal for what earlier changes of a kind did, repeats what helped, and leaves what harmed.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from typing import Any

from infra.llm_simulator.architect import MIXED, numbers_of
from infra.llm_simulator.asked import fenced_data

_FACTORS = {"WIDTH": 1.5, "DEPTH": 1.34, "learning_rate": 2.0, "batch": 2.0, "weight_decay": 3.0}
_MOST = {"WIDTH": 64, "DEPTH": 6, "learning_rate": 1.0, "batch": 1024, "weight_decay": 0.1}
_LEAST = {"WIDTH": 4, "DEPTH": 1, "learning_rate": 1e-4, "batch": 16, "weight_decay": 0.0}
_MISFIT = 0.15
"""How often it quotes a line that is not there, where it errs as models do."""


def respond(
    messages: list[dict[str, Any]],
    schema: dict[str, Any] | None,  # noqa: ARG001 - a responder is given it
    rng: random.Random,
) -> dict[str, Any] | None:
    """A change of the network in the last fence; None where there is none."""
    asked = fenced_data(messages)
    if not isinstance(asked, dict) or not isinstance(asked.get("hyperparameters"), dict):
        return None
    code, told = str(asked.get("code", "")), dict(asked["hyperparameters"])
    numbers = numbers_of(code)
    known = {name: told[name] for name in _FACTORS if name in told} | numbers
    name, up = _chosen(known, _effects(asked.get("journal")), rng)
    value = _changed(name, known[name], up)
    idea = f"{name} {'up' if up else 'down'} from {known[name]:g} to {value:g}"
    edits = []
    if name in numbers:
        edits.append({"find": f"{name} = {numbers[name]}\n", "replace": f"{name} = {int(value)}\n"})
    else:
        told[name] = value
    if getattr(rng, "designs", None) == MIXED and rng.random() < _MISFIT:
        edits.append({"find": "self.layers = nn.Sequential(stem, body)", "replace": "pass"})
    return {"idea": idea, "edits": edits, "hyperparameters": told}


def patched(code: str, idea: str) -> str | None:
    """The code with the number changed of which `idea` speaks; None where it speaks of none in it."""
    told = re.match(r"([A-Z]+) (?:up|down) from (\d+) to (\d+)", idea)
    line = f"{told[1]} = {told[2]}\n" if told else ""
    return code.replace(line, f"{told[1]} = {told[3]}\n", 1) if told and line in code else None


def _chosen(
    known: Mapping[str, float], effects: Mapping[tuple[str, bool], float], rng: random.Random
) -> tuple[str, bool]:
    """Which number, and whether it grows: what helped is likelier, what harmed is not done again."""
    ways = [
        (name, up)
        for name in known
        for up in (True, False)
        if _LEAST[name] < _changed(name, known[name], up) <= _MOST[name]
    ]
    # Without any experience it takes networks to be too small: they are, in short trials.
    hopes = {"WIDTH": 3.0, "DEPTH": 1.5, "learning_rate": 1.5, "batch": 0.3}
    weights = []
    for name, up in ways:
        effect = effects.get((name, up), 0.0)
        hope = hopes.get(name, 0.7) if up else 0.4
        weights.append(hope * (2.0 if effect > 0 else 0.1 if effect < 0 else 1.0))
    return rng.choices(ways, weights)[0]


def _changed(name: str, value: float, up: bool) -> float:
    changed = value * (_FACTORS[name] if up else 1 / _FACTORS[name])
    return float(round(changed)) if name in ("WIDTH", "DEPTH", "batch") else round(changed, 6)


def _effects(journal: Any) -> dict[tuple[str, bool], float]:
    """What earlier changes did to the accuracy of a trial of the same length, added up."""
    entries = {one.get("number"): one for one in journal or [] if isinstance(one, dict)}
    found: dict[tuple[str, bool], float] = {}
    for one in entries.values():
        before = entries.get(one.get("changed_from"))
        told = re.match(r"(\w+) (up|down) from", str(one.get("idea", "")))
        if before is None or told is None:
            continue
        ours, theirs = _accuracies(one), _accuracies(before)
        both = sorted(set(ours) & set(theirs))
        if both:
            way = (told[1], told[2] == "up")
            found[way] = found.get(way, 0.0) + ours[both[-1]] - theirs[both[-1]]
    return found


def _accuracies(entry: Mapping[str, Any]) -> dict[float, float]:
    return {trial["epochs"]: trial["accuracy"] for trial in entry.get("trials", [])}
