"""The identity of a request: equal words to the same model with the same sampling have one reply."""

from __future__ import annotations

from domain.identity import fingerprint
from domain.language_models import Request
from infra.catalog.types import scrub
from infra.llm.endpoints import Endpoint


def reply_key(request: Request, endpoint: Endpoint) -> str:
    """The key of the reply table. Purpose and subjects do not count, nor how the schema is enforced."""
    return fingerprint(
        {
            "provider": endpoint.account.provider,
            "base_url": endpoint.account.address,
            "model": endpoint.model,
            "messages": [[message.role, scrub(message.content)] for message in request.messages],
            "schema": request.schema,
            "temperature": request.temperature,
            "max_tokens": request.max_tokens,
            "seed": request.seed,
            "extra": endpoint.extra,
            "repeat": request.repeat,
        }
    )
