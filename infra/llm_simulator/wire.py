"""The providers' wire formats: completions, lists of models, errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from infra.llm_simulator.asked import Asked, Style

_CREATED = 1_780_000_000
_TYPES = {
    400: "invalid_request_error",
    401: "invalid_request_error",
    404: "invalid_request_error",
    405: "invalid_request_error",
    429: "requests",
}


@dataclass(frozen=True)
class Response:
    """What goes back. `outcome` is the name under which it is counted; `fate` what the transport does."""

    status: int
    body: bytes
    outcome: str
    headers: Mapping[str, str] = field(default_factory=dict)
    fate: Literal["sent", "hang", "drop_before", "drop_in_body"] = "sent"
    seconds: float = 0.0
    """How long to wait before it is sent."""
    content_type: str = "application/json"

    def with_headers(self, more: Mapping[str, str]) -> Response:
        return replace(self, headers={**self.headers, **more})


def error(
    status: int, message: str, outcome: str, code: str | None = None, kind: str | None = None
) -> Response:
    """An error in the providers' shape."""
    kind = kind or _TYPES.get(status, "server_error")
    told = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return Response(status, json.dumps(told).encode(), outcome)


def models(names: tuple[str, ...], retiring: Mapping[str, str], style: Style) -> Response:
    """The list of models; those that retire carry `shutdown_date`."""
    listed = []
    for place, name in enumerate([*names, *retiring]):
        entry: dict[str, Any] = {"id": name, "object": "model", "owned_by": "trainyard-simulator"}
        entry["created"] = _CREATED + 86_400 * place
        if style == "groq":
            entry |= {"active": True, "context_window": 131_072}
        if name in retiring:
            entry["shutdown_date"] = retiring[name]
        listed.append(entry)
    return Response(200, json.dumps({"object": "list", "data": listed}).encode(), "models")


@dataclass(frozen=True)
class Completion:
    """A model's turn, before it is put into a provider's words."""

    content: str | None
    model: str
    n_completion_tokens: int
    n_cached_tokens: int = 0
    finish_reason: str = "stop"
    refusal: str | None = None


def completion(asked: Asked, turn: Completion, number: int) -> bytes:
    """The body of a reply: `number` makes its ids."""
    message: dict[str, Any] = {"role": "assistant", "content": turn.content}
    if asked.style == "openai":
        message["refusal"] = turn.refusal
    elif turn.refusal is not None:
        message["content"] = turn.refusal
    finish = turn.finish_reason
    if asked.way == "tool" and turn.content and turn.refusal is None:
        call = {"name": asked.schema_name, "arguments": turn.content}
        message |= {
            "content": None,
            "tool_calls": [{"id": f"call_{number:08x}", "type": "function", "function": call}],
        }
        finish = "tool_calls" if finish == "stop" else finish
    told: dict[str, Any] = {
        "id": f"chatcmpl-{number:012x}",
        "object": "chat.completion",
        "created": _CREATED,
        "model": turn.model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": _usage(asked, turn),
        "system_fingerprint": f"fp_{sum(turn.model.encode()):010x}",
    }
    if asked.style == "groq":
        told["x_groq"] = {"id": f"req_{number:012x}"}
    return json.dumps(told, ensure_ascii=False).encode()


def _usage(asked: Asked, turn: Completion) -> dict[str, Any]:
    usage: dict[str, Any] = {
        "prompt_tokens": asked.n_prompt_tokens,
        "completion_tokens": turn.n_completion_tokens,
        "total_tokens": asked.n_prompt_tokens + turn.n_completion_tokens,
    }
    if asked.style == "deepseek":
        usage["prompt_cache_hit_tokens"] = turn.n_cached_tokens
        usage["prompt_cache_miss_tokens"] = asked.n_prompt_tokens - turn.n_cached_tokens
    elif asked.style == "openai":
        usage["prompt_tokens_details"] = {"cached_tokens": turn.n_cached_tokens, "audio_tokens": 0}
        usage["completion_tokens_details"] = {"reasoning_tokens": 0}
    else:
        usage |= {"queue_time": 0.001, "prompt_time": 0.002, "completion_time": 0.1, "total_time": 0.102}
    return usage
