"""A marker that is as good as its instruction: it ticks points and quotes the answer.

What it credits depends on the directives that the instruction expresses. It errs at random, less the
more the worked examples resemble the answer. Its confidence says something, and too much.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

from infra.llm_simulator import reading
from infra.llm_simulator.asked import fenced_data
from infra.llm_simulator.directives import DIRECTIVES, expressed
from infra.llm_simulator.evidence import Evidence, Finding, Question, earned, examine

_SECTION = re.compile(r"^# Instruction[ \t]*\n(.*?)(?=^# Output\b|\Z)", re.DOTALL | re.MULTILINE)
_SLIP, _LEAST_SLIP = 0.09, 0.015
"""How often a tick is wrong without any example that helps, and with one just like the answer."""
_LENIENT_SLIP = 0.4
"""How much rarer it ticks what is not there than it misses what is."""


def respond(
    messages: list[dict[str, Any]],
    schema: dict[str, Any] | None,  # noqa: ARG001 - a responder is given it
    rng: random.Random,
) -> dict[str, Any] | None:
    """Ticks for the answer in the last fence; None where there is none."""
    data = fenced_data(messages)
    if not isinstance(data, dict) or not isinstance(data.get("item"), dict):
        return None
    question, answer = Question.of(data["item"]), str(data.get("answer", ""))
    asked = expressed(instruction_of(messages))
    evidence = examine(question, answer)
    shares = earned(evidence, asked)
    likely = _slip_share(answer, data.get("examples") or [])
    slips = _slips(answer, question, likely, rng)
    listed = [p for p in data["item"].get("points") or [] if isinstance(p, dict)]
    ids = [str(p.get("id", f"P{i}")) for i, p in enumerate(listed, 1)] or ["P1"]
    ticks = [
        _tick(name, finding, share, 0.0 if question.is_foreign(place) else slips[place], answer)
        for place, (name, finding, share) in enumerate(zip(ids, evidence.findings, shares, strict=True))
    ]
    return {
        "points": ticks,
        "confidence": _confidence(evidence, asked, slips, likely, answer),
        "comment": _comment(evidence, ids),
    }


def instruction_of(messages: Sequence[Mapping[str, Any]]) -> str:
    """The part of the system message that a training improves; all of it where it is not marked."""
    system = "\n".join(str(m.get("content") or "") for m in messages if m.get("role") == "system")
    found = _SECTION.search(system)
    return found[1] if found else system


def _slip_share(answer: str, examples: Sequence[Any]) -> float:
    """How likely a tick is wrong: the nearest example decides."""
    ours = {reading.stem(word) for word in reading.content(answer)}
    nearest = 0.0
    for example in examples:
        theirs = {reading.stem(w) for w in reading.content(str(dict(example).get("answer", "")))}
        if ours | theirs:
            nearest = max(nearest, len(ours & theirs) / len(ours | theirs))
    return float(_LEAST_SLIP + (_SLIP - _LEAST_SLIP) * (1 - nearest) ** 1.5)


def _slips(answer: str, question: Question, share: float, rng: random.Random) -> list[float]:
    """For each point how far inside the slip its draw is, 0 for none.

    At temperature 0 the draw hangs on the answer and the point alone: a better prompt lowers the bar on
    the same draws.
    """
    steady = getattr(rng, "temperature", 0.0) == 0
    draws = []
    for point in question.points:
        source = random.Random(f"{question.question}/{point}/{answer}") if steady else rng
        draw = source.random()
        draws.append(1 - draw / share if draw < share else 0.0)
    return draws


def _tick(name: str, finding: Finding, share: float, slip: float, answer: str) -> dict[str, Any]:
    if slip and share:
        return {"id": name, "earned": 0.0, "quote": ""}
    if slip > 1 - _LENIENT_SLIP and not share and (seen := finding.quote or finding.near):
        return {"id": name, "earned": 1.0, "quote": seen}
    return {"id": name, "earned": share, "quote": finding.quote if share and finding.quote in answer else ""}


def _confidence(
    evidence: Evidence, asked: Mapping[str, bool], slips: Sequence[float], likely: float, answer: str
) -> float:
    """High throughout; a little lower where the instruction leaves open what the ticks hang on."""
    doubts = [name for finding in evidence.findings for name in finding.doubts if name not in asked]
    if evidence.n_wrong and "extras" not in asked:
        doubts.append("extras")
    felt = sum(0.06 for slip in slips if slip > 0.35)
    noise = random.Random(f"confidence/{answer}").gauss(0, 0.02)
    return round(min(0.99, max(0.5, 0.97 - 0.045 * len(doubts) - felt - likely / 2 + noise)), 3)


def _comment(evidence: Evidence, ids: Sequence[str]) -> str:
    """What the marker noticed, in a sentence."""
    names = [directive.name for directive in DIRECTIVES]
    seen = [
        f"{name}: {', '.join(sorted(finding.doubts, key=names.index))}"
        for name, finding in zip(ids, evidence.findings, strict=True)
        if finding.doubts
    ]
    return f"Noticed {'; '.join(seen)}." if seen else "Read point by point."
