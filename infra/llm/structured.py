"""JSON out of a reply, checked against its schema; and what to say to a model whose JSON is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import best_match  # type: ignore[import-untyped]

from domain.language_models import Message, Request

MOST_CHARS = 1_000_000
"""A longer reply is not looked at: no answer is, and a server could send anything."""
_SHOWN_CHARS = 4_000
_MOST_STARTS = 20
_FENCED = re.compile(r"```[a-zA-Z]*\s*\n(.*?)```", re.DOTALL)
_BEGINNING = re.compile(r"[{\[]")


class UnreadableError(ValueError):
    """A reply that is not what was asked for; the message says why, also to the model."""


def read_json(text: str, schema: Mapping[str, Any]) -> Any:
    """The JSON value in `text`, which may stand in a fence or among prose. Raises UnreadableError."""
    if len(text) > MOST_CHARS:
        raise UnreadableError(f"the reply has {len(text)} characters")
    if not text.strip():
        raise UnreadableError("the reply is empty")
    complaint = ""
    for value in _values(text):
        told = _complaint(value, schema)
        if told is None:
            return value
        complaint = complaint or told
    raise UnreadableError(complaint or _why_no_json(text))


def conforms(text: str, schema: Mapping[str, Any]) -> bool:
    """Whether `text` is, as a whole, JSON for the schema: what a server that enforces it gives."""
    try:
        return _complaint(_loads(text), schema) is None
    except ValueError:
        return False


def repair(request: Request, text: str, why: str) -> Request:
    """The second turn: the reply as it was, and what is wrong with it."""
    asked = "Reply again, with the whole reply."
    if request.schema is not None:
        described = json.dumps(request.schema, ensure_ascii=False)
        asked = f'Reply with JSON for the schema "{request.schema_name}":\n{described}'
    return replace(
        request,
        messages=(
            *request.messages,
            Message("assistant", text[:_SHOWN_CHARS] or "(nothing)"),
            Message("user", f"That reply cannot be used: {why}. {asked}"),
        ),
    )


def _values(text: str) -> list[Any]:
    """JSON values in the text: all of it, else what is fenced, else the first ones among the prose."""
    for part in (text, *_FENCED.findall(text)):
        try:
            return [_loads(part)]
        except ValueError:
            continue
    values, at = [], 0
    for _ in range(_MOST_STARTS):
        begun = _BEGINNING.search(text, at)
        if begun is None:
            break
        try:
            value, at = _DECODER.raw_decode(text, begun.start())
            values.append(value)
        except (ValueError, RecursionError):
            at = begun.start() + 1
    return values


def _loads(text: str) -> Any:
    try:
        return _DECODER.decode(text.strip())
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def _why_no_json(text: str) -> str:
    try:
        _loads(text)
    except ValueError as error:
        return f"it is not JSON ({error})"
    return "it is not JSON"


def _complaint(value: Any, schema: Mapping[str, Any]) -> str | None:
    """The most telling way in which the value fails the schema, in a short sentence."""
    validator = _validator(json.dumps(schema, sort_keys=True))
    try:
        if validator.is_valid(value):
            return None
        error = best_match(validator.iter_errors(value))
    except RecursionError:
        return "it is nested too deeply"
    where = "".join(f"[{part!r}]" for part in error.absolute_path) if error else ""
    return f"{where or 'it'} does not fit the schema: {error.message[:300] if error else ''}"


@lru_cache(maxsize=256)
def _validator(schema: str) -> Any:
    return Draft202012Validator(json.loads(schema))
