"""A value for any JSON schema: made up, the same for the same seed, and valid."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

_WORDS = ("water", "moves", "because", "energy", "grows", "slowly", "light", "under", "every", "plant")

Filler = Callable[[dict[str, Any], random.Random], Any]


def filled(schema: dict[str, Any] | bool | None, rng: random.Random) -> Any:
    """A value that the schema allows: objects get all their properties, lists their fewest entries or one."""
    if not isinstance(schema, dict):
        return "anything"
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return rng.choice(schema["enum"])
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return filled(schema[choice][0], rng)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    filler: Filler = _FILLERS.get(str(kind), _text)
    return filler(schema, rng)


def _object(schema: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    return {name: filled(inner, rng) for name, inner in schema.get("properties", {}).items()}


def _list(schema: dict[str, Any], rng: random.Random) -> list[Any]:
    n = max(schema.get("minItems", 0), min(1, schema.get("maxItems", 1)))
    return [filled(schema.get("items", {}), rng) for _ in range(n)]


def _bounds(schema: dict[str, Any]) -> tuple[float, float]:
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    high = schema.get("maximum", schema.get("exclusiveMaximum", max(low + 10, 10)))
    return low, high


def _number(schema: dict[str, Any], rng: random.Random) -> float:
    low, high = _bounds(schema)
    # Away from both ends, which may be excluded.
    return round(low + (high - low) * rng.uniform(0.1, 0.9), 6)


def _integer(schema: dict[str, Any], rng: random.Random) -> int:
    low, high = _bounds(schema)
    first = int(low) + ("exclusiveMinimum" in schema)
    last = int(high) - ("exclusiveMaximum" in schema)
    return rng.randint(first, max(first, last))


def _text(schema: dict[str, Any], rng: random.Random) -> str:
    text = " ".join(rng.choice(_WORDS) for _ in range(6))
    while len(text) < schema.get("minLength", 0):
        text += f" {rng.choice(_WORDS)}"
    return text[: schema.get("maxLength", len(text))]


_FILLERS: dict[str, Filler] = {
    "object": _object,
    "array": _list,
    "number": _number,
    "integer": _integer,
    "string": _text,
    "boolean": lambda _schema, rng: rng.random() < 0.5,
    "null": lambda _schema, _rng: None,
}
