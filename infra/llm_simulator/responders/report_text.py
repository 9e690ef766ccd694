"""A writer of reports with a few sentences of its own, and with the faults that models have.

It reads the facts in the prompt. `respond` is honest; `slipping` gives one that errs in one way, until it is
told so ("corrects") or for good.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any, Literal

from infra.llm_simulator.asked import fenced_data

Report = dict[str, Any]
Responder = Callable[[list[dict[str, Any]], "dict[str, Any] | None", random.Random], Report]
Slip = Literal["invented", "another metric", "no source", "wrong way", "link"]


def respond(messages: list[dict[str, Any]], schema: dict[str, Any] | None, rng: random.Random) -> Report:  # noqa: ARG001
    """A short report of what the facts say."""
    facts = _facts(messages)
    return {
        "summary": " ".join(_summary(facts)) or "There are no figures to report on.",
        "findings": list(_findings(facts)),
        "recommendations": [
            "Let a human read the answers of the weakest items.",
            rng.choice(["Add graded answers before the next training.", "Grade a sample by hand again."]),
        ],
    }


def slipping(slip: Slip, *, corrects: bool) -> Responder:
    """A writer that adds one false sentence to its summary; one that `corrects` leaves it out when told."""

    def answer(messages: list[dict[str, Any]], schema: dict[str, Any] | None, rng: random.Random) -> Report:
        report = respond(messages, schema, rng)
        told = any(message.get("role") == "assistant" for message in messages)
        if not (told and corrects):
            report["summary"] += " " + _slip(slip, _facts(messages))
        return report

    return answer


def _slip(slip: Slip, facts: dict[str, Any]) -> str:
    qwk, agreement = facts["qwk"]["value"], facts["agreement"]["value"]
    return {
        "invented": f"The model's QWK is {qwk + 0.05:.2f} [qwk].",
        "another metric": f"The model's agreement is {agreement:.2f} [qwk].",
        "no source": "About eleven of the answers were odd.",
        "wrong way": f"The QWK of {qwk:.2f} [qwk] is below the baseline's {_value(facts, 'item_mean.qwk')}.",
        "link": "Read more at https://example.org/report.",
    }[slip]


def _facts(messages: list[dict[str, Any]]) -> dict[str, Any]:
    # Told what was wrong, it is shown no facts again: they are in the first message of the user.
    asked = fenced_data(messages)
    facts = asked.get("facts") if isinstance(asked, dict) else None
    return facts if isinstance(facts, dict) else {}


def _summary(facts: dict[str, Any]) -> Iterator[str]:
    if "qwk" in facts:
        interval = facts["qwk"].get("interval")
        said = f" (95% interval {interval[0]:.2f} to {interval[1]:.2f})" if interval else ""
        yield f"On new answers to known items the model's QWK is {facts['qwk']['value']:.2f}{said} [qwk]."
    if "agreement" in facts:
        share = f"{100 * facts['agreement']['value']:.1f}%"
        yield f"{share} [agreement] of its marks agree with the examiner's within the tolerance."
    if "new.qwk" in facts:
        yield f"On new items the QWK is {facts['new.qwk']['value']:.2f} [new.qwk]."


def _findings(facts: dict[str, Any]) -> Iterator[str]:
    if {"qwk", "item_mean.qwk"} <= set(facts) and facts["qwk"]["value"] > facts["item_mean.qwk"]["value"]:
        yield (
            f"The model's QWK of {facts['qwk']['value']:.2f} [qwk] is above the baseline's "
            f"{_value(facts, 'item_mean.qwk')}."
        )
    if "I1.agreement" in facts:
        yield f"I1 agrees on {100 * facts['I1.agreement']['value']:.0f}% [I1.agreement] of its answers."
    if "training.best_iteration" in facts:
        best = facts["training.best_iteration"]["value"]
        yield f"Training was best at iteration {best} [training.best_iteration]."


def _value(facts: dict[str, Any], name: str) -> str:
    return f"{facts[name]['value']:.2f} [{name}]"
