"""Sentence embeddings from any server that speaks OpenAI's /v1/embeddings, by the `openai` SDK.

The SDK's own retries are off: it gives up at once on a long Retry-After. Ours are few, honour
Retry-After, and end in an error that says what to do.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from pydantic import SecretStr

from domain.errors import InputError, ModelAwayError, SettingError
from infra.addresses import masked

log = logging.getLogger(__name__)

OPENAI_URL = "https://api.openai.com/v1"
_MAX_TEXTS = 128
# OpenAI takes 300,000 tokens a request; a token of prose is rarely under two characters.
_MAX_CHARS = 500_000
_LONGEST_WAIT_SECONDS = 60.0
_RETRIED_STATUSES = {408, 409, 425, 429}


def embed(
    texts: Sequence[str],
    model: str,
    *,
    base_url: str | None = None,
    api_key: SecretStr | str | None = None,
    timeout_seconds: float = 60,
    tries: int = 5,
    concurrency: int = 4,
    sleep: Callable[[float], None] = time.sleep,
) -> np.ndarray:
    """A float32 array (len(texts), d), row i for text i; equal texts are sent once.

    `base_url` None means OpenAI. Raises SettingError when the key or the address is wrong, InputError
    when the server refuses the texts, ModelAwayError when it does not answer properly after `tries`.
    """
    if not texts:
        return np.zeros((0, 0), np.float32)
    if api_key is None and base_url is None:
        raise SettingError(
            "TRAINYARD_EMBEDDINGS_API_KEY is not set: export it, or set TRAINYARD_EMBEDDINGS_BASE_URL to a "
            "server that needs none, or use a local encoder"
        )
    client = _client(base_url, api_key, timeout_seconds)
    address = masked(base_url or OPENAI_URL)
    unique = list(dict.fromkeys(texts))

    def ask(batch: list[str]) -> np.ndarray:
        return _ask(client, batch, model, address, tries, sleep)

    with client, ThreadPoolExecutor(max_workers=concurrency) as pool:
        parts = list(pool.map(ask, _batches(unique)))
    widths = {part.shape[1] for part in parts}
    if len(widths) > 1:
        raise ModelAwayError(
            f"the embeddings server {address} gave vectors of {sorted(widths)} numbers for one model "
            f"({model}): name a single model, or use another server"
        )
    rows = {text: row for row, text in enumerate(unique)}
    return np.concatenate(parts)[[rows[text] for text in texts]]


def _client(base_url: str | None, api_key: SecretStr | str | None, timeout_seconds: float) -> Any:
    from openai import OpenAI

    key = api_key.get_secret_value() if isinstance(api_key, SecretStr) else api_key
    return OpenAI(
        # A server without keys still gets one: the SDK insists, and would take OPENAI_API_KEY instead.
        api_key=key or "none",
        base_url=base_url or OPENAI_URL,
        timeout=timeout_seconds,
        max_retries=0,
    )


def _batches(texts: list[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    n_chars = 0
    for text in texts:
        if batch and (len(batch) == _MAX_TEXTS or n_chars + len(text) > _MAX_CHARS):
            yield batch
            batch, n_chars = [], 0
        batch.append(text)
        n_chars += len(text)
    yield batch


def _ask(
    client: Any, batch: list[str], model: str, address: str, tries: int, sleep: Callable[[float], None]
) -> np.ndarray:
    from openai import APIError

    for attempt in range(1, tries + 1):
        try:
            # The server refuses an empty text; a blank one is embedded like any other.
            reply = client.embeddings.create(input=[text or " " for text in batch], model=model)
        except APIError as error:
            wait = _wait_before_retry(error, attempt)
            if wait is None or attempt == tries or wait > _LONGEST_WAIT_SECONDS:
                raise _translated(error, model, address, attempt) from error
            log.warning("embeddings server %s: %s; again in %.1f s", address, _reason(error), wait)
            sleep(wait)
        except ValueError as error:
            # What the SDK raises for a reply that is no JSON, has no data or a damaged base64.
            raise ModelAwayError(_unreadable(address, str(error))) from error
        else:
            return _vectors(reply, len(batch), address)
    raise ModelAwayError(f"the embeddings server {address} was never asked: tries must be at least 1")


def _wait_before_retry(error: Any, attempt: int) -> float | None:
    """Seconds to wait before asking again; None where that is no use."""
    from infra.llm.retry import Fate, ProviderError, backoff

    response = getattr(error, "response", None)
    failure = ProviderError(
        str(error),
        status=getattr(error, "status_code", None),
        code=error.code or "",
        headers=response.headers if response is not None else None,
    )
    if failure.fate is not Fate.LATER:
        return None
    asked_for = failure.retry_after
    return backoff(attempt) if asked_for is None else asked_for


def _translated(error: Any, model: str, address: str, attempts: int) -> Exception:
    status = getattr(error, "status_code", None)
    reason = _reason(error)
    if status in {401, 403}:
        return SettingError(
            f"the embeddings server {address} refuses the key ({reason}): correct "
            "TRAINYARD_EMBEDDINGS_API_KEY"
        )
    if error.code == "insufficient_quota":
        return SettingError(
            f"the account behind TRAINYARD_EMBEDDINGS_API_KEY has no credit left at {address} ({reason}): "
            "top it up, or use a local encoder"
        )
    if status == 404:
        return SettingError(
            f"the embeddings server {address} knows no model {model!r} ({reason}): correct the encoder's "
            "name, or TRAINYARD_EMBEDDINGS_BASE_URL (it ends in /v1 for most servers)"
        )
    if status is not None and status < 500 and status not in _RETRIED_STATUSES:
        return InputError(f"the embeddings server {address} refuses the texts ({reason}): model {model}")
    return ModelAwayError(
        f"the embeddings server {address} did not answer after {attempts} tries ({reason}): try again later, "
        "correct TRAINYARD_EMBEDDINGS_BASE_URL, or use a local encoder"
    )


def _reason(error: Any) -> str:
    return masked(str(error).strip().split("\n")[0])[:200]


def _vectors(reply: Any, n_texts: int, address: str) -> np.ndarray:
    data = sorted(reply.data or [], key=lambda one: one.index)
    if [one.index for one in data] != list(range(n_texts)):
        raise ModelAwayError(_unreadable(address, f"{len(data)} embeddings for {n_texts} texts"))
    try:
        vectors = np.array([one.embedding for one in data], dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ModelAwayError(_unreadable(address, "vectors of unequal length")) from error
    if vectors.ndim != 2 or vectors.shape[1] == 0 or not np.isfinite(vectors).all():
        raise ModelAwayError(_unreadable(address, "vectors that are empty or not finite"))
    return vectors


def _unreadable(address: str, what: str) -> str:
    return (
        f"the embeddings server {address} gave a reply that cannot be used ({what}): use another server, or "
        "a local encoder"
    )
