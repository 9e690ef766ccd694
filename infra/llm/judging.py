"""What a stored reply is worth to the request: an answer, a refusal, or something to be repaired."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from domain.errors import ReplyError
from domain.language_models import Reply, Request
from infra.catalog import ReplyRow
from infra.llm.structured import UnreadableError, read_json

_SHOWN_CHARS = 300


def judge(row: ReplyRow, request: Request) -> Any:
    """The JSON that was asked for, None where none was. Raises UnreadableError, or ReplyError("refused")."""
    if row.refusal or row.finish_reason == "content_filter":
        why = row.refusal[:_SHOWN_CHARS] or "its provider's filter stopped it"
        raise ReplyError(f"{row.provider}:{row.model} refused to answer: {why}", "refused")
    try:
        if request.schema is not None:
            return read_json(row.text, request.schema)
        if not row.text.strip():
            raise UnreadableError("the reply is empty")
    except UnreadableError as error:
        if row.finish_reason == "length":
            raise UnreadableError(
                f"{error}; it was cut off at {request.max_tokens} tokens: be shorter"
            ) from None
        raise
    return None


def reply(rows: Sequence[ReplyRow], data: Any, *, reused: bool) -> Reply:
    """The reply of one or two turns; tokens, costs and seconds are of both."""
    last = rows[-1]
    return Reply(
        text=last.text,
        data=data,
        provider=last.provider,
        model=last.model,
        response_model=last.response_model,
        fingerprint=last.fingerprint,
        n_prompt_tokens=_sum([row.n_prompt_tokens for row in rows]),
        n_completion_tokens=_sum([row.n_completion_tokens for row in rows]),
        cost_usd=_sum([row.cost_usd for row in rows]),
        seconds=sum(row.seconds for row in rows),
        n_turns=len(rows),
        mode=last.mode,  # type: ignore[arg-type]
        reused=reused,
    )


def _sum(values: Sequence[Any]) -> Any:
    return None if any(value is None for value in values) else sum(values)
