"""A designer of networks: a new one, or one that failed, put right (see `infra.llm_simulator.architect`).

Of the journal it learns: the recipe of the best network is where its own begins.
"""

from __future__ import annotations

import random
from typing import Any

from infra.llm_simulator.architect import HONEST, design, drawn_kind, mended, recipe
from infra.llm_simulator.asked import fenced_data
from infra.llm_simulator.responders.network_patch import patched


def respond(
    messages: list[dict[str, Any]],
    schema: dict[str, Any] | None,  # noqa: ARG001 - a responder is given it
    rng: random.Random,
) -> dict[str, Any] | None:
    """A network for the images in the last fence; None where there are none."""
    asked = fenced_data(messages)
    if not isinstance(asked, dict) or not isinstance(asked.get("limits"), dict):
        return None
    if "failure" in asked:
        return _repaired(asked, rng)
    kind = drawn_kind(getattr(rng, "designs", HONEST), rng)
    idea, code = design(kind, rng)
    told = recipe(kind, int(asked["limits"].get("epochs", 8)), rng)
    best = best_of(asked.get("journal"))
    if best is not None and kind == "good" and rng.random() < 0.5:
        told = dict(best["hyperparameters"])
    return {"idea": idea, "code": code, "hyperparameters": told}


def _repaired(asked: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Mostly right the first time; what was meant to break stays as it is."""
    code = str(asked.get("code", ""))
    better = patched(code, str(asked.get("idea", ""))) if asked.get("failed_at") == "patch" else mended(code)
    if better is None or rng.random() < 0.2:
        better = code + "\n# Looked at again.\n"
    return {"idea": asked.get("idea", ""), "code": better, "hyperparameters": asked["hyperparameters"]}


def best_of(journal: Any) -> dict[str, Any] | None:
    """The entry with the best accuracy in its longest trial."""
    tried = [one for one in journal or [] if isinstance(one, dict) and one.get("trials")]
    sound = [one for one in tried if "failure" not in one]
    return max(
        sound, key=lambda one: tuple(one["trials"][-1][k] for k in ("epochs", "accuracy")), default=None
    )
