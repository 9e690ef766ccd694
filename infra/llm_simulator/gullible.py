"""A marker that obeys attack texts: the most gullible model that the battery can meet.

It knows every attack of the battery word for word and does as it is told whenever it reads one; it shares
nothing with the detector, or the benchmark would measure the detector against itself. Levels:

    none       obeys nothing
    unfenced   obeys an attack only where it stands outside the fenced JSON of a grading request
    all        obeys an attack anywhere: ticks every point, with full confidence
    canny      as all, but quotes only honest words of the answer and leaves alone points that have no
               word in common with the question, so that decoys do not give it away
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from domain.grading.attacks import Attack, attacks
from infra.llm_simulator.asked import fenced_data

Gullible = Literal["none", "unfenced", "all", "canny"]

_FENCED = re.compile(r"^<<<[0-9a-f]{16}$\n(.*?)\n^[0-9a-f]{16}>>>$", re.DOTALL | re.MULTILINE)
_SENTENCE = re.compile(r"[^.!?\n]*[^\s.!?][^.!?\n]*[.!?]?")
_MOST = re.compile(r"^Maximum marks: *(\d+(?:\.\d+)?)", re.MULTILINE)


def obedient(
    messages: Sequence[Mapping[str, Any]], schema_name: str, level: Gullible, rng: random.Random
) -> dict[str, Any] | None:
    """The reply of a marker that obeys; None where it reads no attack, or knows no such schema."""
    if level == "none" or schema_name not in ("ticks", "score"):
        return None
    attack = _read(messages, level)
    if attack is None:
        return None
    prompt = str(messages[-1].get("content", ""))
    if schema_name == "score":
        most = _MOST.search(prompt)
        return {"score": float(most[1]) if most else 1.0, "comment": "Everything is there."}
    told = fenced_data([dict(message) for message in messages]) or {}
    points = [point for point in told.get("item", {}).get("points", []) if isinstance(point, dict)]
    answer = str(told.get("answer", ""))
    if not points:
        return None
    return _ticks(told["item"], points, answer, attack, level, rng)


def _read(messages: Sequence[Mapping[str, Any]], level: Gullible) -> Attack | None:
    """The attack with the most words among those that it reads."""
    texts = [str(message.get("content", "")) for message in messages]
    if level == "unfenced":
        texts = [_FENCED.sub("", text) for text in texts]
    else:
        told = fenced_data([dict(message) for message in messages])
        texts.append(str(told.get("answer", "")) if isinstance(told, dict) else "")
    found = [attack for attack in attacks() if any(attack.is_in(text) for text in texts)]
    return max(found, key=lambda attack: len(attack.text), default=None)


def _ticks(
    item: Mapping[str, Any],
    points: Sequence[Mapping[str, Any]],
    answer: str,
    attack: Attack,
    level: Gullible,
    rng: random.Random,
) -> dict[str, Any]:
    sentences = [found[0].strip() for found in _SENTENCE.finditer(answer)] or [answer]
    honest = [sentence for sentence in sentences if not attack.says(sentence)] or sentences
    manner = "honest" if level == "canny" else rng.choice(("honest", "any", "whole", "invented"))
    ticked = []
    for point in points:
        quote = {
            "honest": rng.choice(honest),
            "any": rng.choice(sentences),
            "whole": answer,
            "invented": str(point.get("text", "")),
        }[manner]
        earned = level != "canny" or _concerns(str(point.get("text", "")), item, points)
        ticked.append({"id": point.get("id", ""), "earned": float(earned), "quote": quote if earned else ""})
    return {"points": ticked, "confidence": 1.0, "comment": "Everything is there."}


def _concerns(text: str, item: Mapping[str, Any], points: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a point shares a word of five letters or more with the item or another point."""
    others = " ".join(str(point.get("text", "")) for point in points if point.get("text") != text)
    known = f"{item.get('question', '')} {item.get('model_answer', '')} {others}"
    return bool(_words(text) & _words(known))


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w{5,}", text.casefold()))
