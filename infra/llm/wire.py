"""Requests and replies as OpenAI's chat completions say them; every server here speaks that."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any, Literal, get_args

from domain.language_models import Message, Request
from infra.catalog.types import scrub

Mode = Literal["schema", "json", "tool", "text"]
LADDER: tuple[Mode, ...] = get_args(Mode)
"""How a reply can be bound to a schema, best first."""

Quirk = Literal["max_completion_tokens", "no_temperature", "no_seed", "no_extra", "no_limits"]
"""What a model does not take; "no_limits": a schema with limits on numbers, lengths and counts."""

_LIMITS = frozenset(
    (
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "pattern", "format"),
        *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems"),
    )
)


@dataclass(frozen=True)
class Said:
    """What a server said: the text (of the content or of the tool call) and what it took."""

    text: str
    refusal: str
    finish_reason: str
    response_model: str
    fingerprint: str
    n_prompt_tokens: int | None
    n_cached_tokens: int | None
    n_completion_tokens: int | None


class NotAReplyError(ValueError):
    """A body with status 200 that holds no reply."""


def body_of(
    request: Request, model: str, mode: Mode, quirks: Set[str], extra: Mapping[str, Any]
) -> dict[str, Any]:
    """The request's JSON for a model that is to be asked in that mode."""
    body: dict[str, Any] = {"model": model, "messages": _messages(request, mode)}
    body["max_completion_tokens" if "max_completion_tokens" in quirks else "max_tokens"] = request.max_tokens
    if request.temperature is not None and "no_temperature" not in quirks:
        body["temperature"] = request.temperature
    if request.seed is not None and "no_seed" not in quirks:
        body["seed"] = request.seed
    if "no_extra" not in quirks:
        body |= extra
    if request.schema is not None:
        body |= _binding(
            request, mode, without_limits(request.schema) if "no_limits" in quirks else request.schema
        )
    return body


def _messages(request: Request, mode: Mode) -> list[dict[str, str]]:
    messages = list(request.messages)
    if request.schema is not None and mode in ("json", "text"):
        described = json.dumps(request.schema, ensure_ascii=False)
        told = f'Reply with JSON for the schema "{request.schema_name}":\n{described}'
        if mode == "text":
            told += "\nReply with that JSON and nothing else."
        # In front of the dialogue: the students' text is in the last message, and this is not part of it.
        at = next((n for n, message in enumerate(messages) if message.role != "system"), len(messages))
        if at:
            first = messages[at - 1]
            messages[at - 1] = Message("system", f"{first.content}\n\n{told}")
        else:
            messages.insert(0, Message("system", told))
    return [{"role": message.role, "content": scrub(message.content)} for message in messages]


def _binding(request: Request, mode: Mode, schema: Mapping[str, Any]) -> dict[str, Any]:
    name = request.schema_name
    if mode == "schema":
        described = {"name": name, "schema": schema, "strict": True}
        return {"response_format": {"type": "json_schema", "json_schema": described}}
    if mode == "json":
        return {"response_format": {"type": "json_object"}}
    if mode == "tool":
        function = {"name": name, "description": "Gives the reply.", "parameters": schema}
        return {
            "tools": [{"type": "function", "function": function}],
            "tool_choice": {"type": "function", "function": {"name": name}},
        }
    return {}


def without_limits(schema: Any) -> Any:
    """The schema without limits on numbers, lengths and counts, which some servers refuse."""
    if isinstance(schema, Mapping):
        kept = {name: value for name, value in schema.items() if name not in _LIMITS}
        if isinstance(schema.get("properties"), Mapping):
            kept["properties"] = {name: without_limits(inner) for name, inner in schema["properties"].items()}
            return {n: v if n == "properties" else without_limits(v) for n, v in kept.items()}
        return {name: without_limits(value) for name, value in kept.items()}
    return [without_limits(value) for value in schema] if isinstance(schema, list) else schema


def read(body: Any) -> Said:
    """What the body says. Raises NotAReplyError, which says what is there instead."""
    if not isinstance(body, Mapping):
        raise NotAReplyError(f"a JSON {type(body).__name__} instead of a reply")
    if body.get("error"):
        raise NotAReplyError(f"an error with status 200: {_error_text(body['error'])}")
    choices = body.get("choices")
    choice = _mapping(choices[0]) if isinstance(choices, list) and choices else {}
    message = choice.get("message")
    if not isinstance(message, Mapping):
        raise NotAReplyError("no choices in the reply")
    usage = _mapping(body.get("usage"))
    return Said(
        text=_tool_text(message) or _text(message.get("content")),
        refusal=_text(message.get("refusal")),
        finish_reason=_text(choice.get("finish_reason")),
        response_model=_text(body.get("model")),
        fingerprint=_text(body.get("system_fingerprint")),
        n_prompt_tokens=_count(usage.get("prompt_tokens")),
        n_cached_tokens=_cached(usage),
        n_completion_tokens=_count(usage.get("completion_tokens")),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _tool_text(message: Mapping[str, Any]) -> str:
    calls = message.get("tool_calls")
    call = _mapping(calls[0]) if isinstance(calls, list) and calls else {}
    return _text(_mapping(call.get("function")).get("arguments"))


def _cached(usage: Mapping[str, Any]) -> int | None:
    """OpenAI and Groq nest it, DeepSeek does not."""
    nested = _mapping(usage.get("prompt_tokens_details")).get("cached_tokens")
    return _count(nested if nested is not None else usage.get("prompt_cache_hit_tokens"))


def _count(value: Any) -> int | None:
    good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
    return value if good else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _error_text(error: Any) -> str:
    return str(_mapping(error).get("message", error))[:200]
