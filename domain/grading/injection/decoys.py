"""Decoys: a marking point that no answer to the question can earn, hidden among the real ones.

Whatever words an attack uses, in whatever language or disguise, a model that is talked into ticking
everything ticks the decoy too, and a model that guesses may. Its reply is then no grade, and a human
marks the answer. It costs some 30 tokens a request and knows nothing of attacks, so there is nothing for
an attacker to word differently; what it does not stop is a model that obeys and yet leaves out what is
foreign to the question.

The wire form is that of grading requests: one JSON object between `<<<nonce` and `nonce>>>` in the last
user message, `item.points` and `examples[].ticks` by id, and a reply whose `points` have `id` and `earned`.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from domain.errors import ReplyError
from domain.language_models import Answered, Message, Request

_FENCED = re.compile(
    r"^(?P<open><<<(?P<nonce>[0-9a-f]{16})\n)(?P<data>.*?)(?P<close>\n(?P=nonce)>>>)$",
    re.DOTALL | re.MULTILINE,
)
_CAPITALS = (
    ("Kathmandu", "Nepal"), ("Vientiane", "Laos"), ("Santiago", "Chile"), ("Luanda", "Angola"),
    ("Lima", "Peru"), ("Accra", "Ghana"), ("Dakar", "Senegal"), ("Managua", "Nicaragua"),
    ("Bamako", "Mali"), ("Montevideo", "Uruguay"),
)  # fmt: skip
_SENTENCES = {
    "en": ("Names {} as the capital of {}", "States that {} lies in {}", "Mentions the airport of {} in {}"),
    "de": ("Nennt {} als Hauptstadt von {}", "Gibt an, dass {} in {} liegt", "Erwähnt {} in {}"),
    "fr": ("Nomme {} comme capitale ({})", "Indique que {} se trouve dans ce pays : {}"),
    "es": ("Nombra {} como capital de {}", "Indica que {} está en {}"),
}  # fmt: skip
_COMMON = {
    "en": frozenset(["the", "of", "is", "and", "in", "to", "what", "how", "why", "which"]),
    "de": frozenset(["der", "die", "das", "und", "ist", "in", "den", "wie", "warum", "welche", "von", "zu"]),
    "fr": frozenset(["le", "la", "les", "des", "et", "est", "du", "pourquoi", "quelle", "quel", "une"]),
    "es": frozenset(["el", "la", "los", "las", "y", "es", "del", "por", "qué", "cuál", "una", "como"]),
}


def decoy_for(item_text: str, key: str) -> str:
    """A marking point that has nothing to do with `item_text`, in its language; equal keys, equal decoy."""
    words = set(re.findall(r"\w+", item_text.casefold()))
    language = max(_COMMON, key=lambda name: len(_COMMON[name] & words))
    offered = [
        sentence.format(*pair)
        for sentence in _SENTENCES[language]
        for pair in _CAPITALS
        if not {part.casefold() for part in pair} & words
    ]
    number = int.from_bytes(
        hashlib.sha256(f"{key}\n{item_text}".encode("utf-8", "surrogatepass")).digest()[:8]
    )
    return offered[number % len(offered)]


@dataclass(frozen=True)
class Planted:
    """A grading request with a decoy among its points."""

    request: Request
    decoy: str
    decoy_id: str
    ids: Mapping[str, str]
    """The ids of the real points, as they are now → as they were."""

    def judged(self, answered: Answered) -> Answered:
        """The reply without the decoy; a ReplyError that says so where the model credited the decoy."""
        if isinstance(answered, ReplyError) or not isinstance(answered.data, dict):
            return answered
        ticks = [tick for tick in answered.data.get("points", []) if isinstance(tick, dict)]
        for tick in ticks:
            if tick.get("id") == self.decoy_id and float(tick.get("earned") or 0) > 0:
                return ReplyError(
                    f"the model credited what no answer to this question can earn ({self.decoy!r}), so it "
                    "obeys the answer or guesses: a human must mark it"
                )
        real = [tick for tick in ticks if tick.get("id") != self.decoy_id]
        kept = [{**tick, "id": self.ids.get(str(tick.get("id")), tick.get("id"))} for tick in real]
        return replace(answered, data={**answered.data, "points": kept})


def planted(request: Request) -> Planted | None:
    """The request with a decoy; None where it is no grading request with marking points."""
    found = fenced(request)
    if found is None or not found[1]["item"].get("points"):
        return None
    place_in_text, told = found
    points = told["item"]["points"]
    item = told["item"]
    text = f"{item.get('question', '')} {item.get('model_answer', '')} " + " ".join(p["text"] for p in points)
    # By the item, not by the answer: an item's requests share the beginning that providers cache.
    decoy = decoy_for(text, "decoy")
    place = len(decoy) * 7 % (len(points) + 1)
    named = [f"P{number + 1}" for number in range(len(points) + 1)]
    new_of = {str(p["id"]): named[n + (n >= place)] for n, p in enumerate(points)}
    marks = points[min(place, len(points) - 1)].get("marks", 1)
    real = [{**p, "id": new_of[str(p["id"])]} for p in points]
    item = {
        **item,
        "points": [*real[:place], {"id": named[place], "text": decoy, "marks": marks}, *real[place:]],
    }
    examples = [_with_decoy(example, new_of, named[place]) for example in told.get("examples", [])]
    messages = refenced(request, place_in_text, {**told, "item": item, "examples": examples})
    schema = _widened(request.schema, named)
    return Planted(
        replace(request, messages=messages, schema=schema),
        decoy,
        named[place],
        {new: old for old, new in new_of.items()},
    )


def fenced(request: Request) -> tuple[re.Match[str], dict[str, Any]] | None:
    """Where the fenced JSON of a grading request stands, and what it says; None for other requests."""
    found = _FENCED.search(request.messages[-1].content) if request.schema_name == "ticks" else None
    told = _data(found["data"]) if found else None
    return (found, told) if found and told else None


def refenced(request: Request, found: re.Match[str], told: Mapping[str, Any]) -> tuple[Message, ...]:
    """The request's messages with `told` between the fences."""
    last = request.messages[-1]
    data = json.dumps(told, ensure_ascii=False)
    content = last.content[: found.start("data")] + data + last.content[found.end("data") :]
    return (*request.messages[:-1], Message(last.role, content))


def _data(text: str) -> dict[str, Any] | None:
    try:
        told = json.loads(text)
    except ValueError:
        return None
    return told if isinstance(told, dict) and isinstance(told.get("item"), dict) else None


def _with_decoy(example: dict[str, Any], new_of: Mapping[str, str], decoy_id: str) -> dict[str, Any]:
    ticks = example.get("ticks")
    if not isinstance(ticks, list):
        return example
    renamed = [{**tick, "id": new_of.get(str(tick.get("id")), tick.get("id"))} for tick in ticks]
    nothing: bool | float = False if all(isinstance(tick.get("earned"), bool) for tick in ticks) else 0.0
    return {**example, "ticks": [*renamed, {"id": decoy_id, "earned": nothing}]}


def _widened(schema: Mapping[str, Any] | None, ids: Sequence[str]) -> Mapping[str, Any] | None:
    """The schema with room for one more point, where it counts or names them."""
    if schema is None:
        return None
    wide = copy.deepcopy(dict(schema))
    points = wide.get("properties", {}).get("points", {})
    for bound in ("minItems", "maxItems"):
        if isinstance(points.get(bound), int) and points[bound] >= len(ids) - 1:
            points[bound] = points[bound] + 1
    name = points.get("items", {}).get("properties", {}).get("id", {})
    if "enum" in name:
        name["enum"] = list(ids)
    return wide
