"""The providers' SDKs behind one adapter: a body goes out, what came back comes in, failures are told apart.

The `openai` SDK serves OpenAI, DeepSeek and every compatible server, the `groq` SDK serves Groq. Retries
are off in both: they treat a long Retry-After oppositely, and ours know the deadline. Replies are read
from the JSON as it came, not through the SDKs' types, which reject what a compatible server leaves out.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from infra.addresses import masked
from infra.llm.endpoints import Account
from infra.llm.retry import ProviderError

_GROQ_PATH = re.compile(r"(/openai)?/v1/*$")
_LONGEST_REASON = 200
_SHORTEST_KEY = 12
"""Keys that providers issue are several times as long."""


@dataclass(frozen=True)
class Received:
    """A reply with status 2xx: its JSON, its headers, and how long it took."""

    body: Any
    headers: Mapping[str, str]
    seconds: float


class Provider:
    """One account's pooled client. Belongs to the event loop in which it is first used."""

    def __init__(self, account: Account, timeout_seconds: float, secrets: tuple[str, ...]) -> None:
        self._account = account
        self._timeout_seconds = timeout_seconds
        self._secrets = secrets
        self._sdk, self._client = _open(account, timeout_seconds)

    async def send(self, body: Mapping[str, Any]) -> Received:
        """The reply to a chat request. Raises ProviderError."""
        # As extra_body, which overrides the rest: the SDKs walk through every message and schema by the
        # types they know, which takes a third of their time and changes nothing in what is JSON already.
        create = self._client.chat.completions.with_raw_response.create
        return await self._call(create(model=body["model"], messages=(), extra_body=body))

    async def models(self) -> Received:
        """What GET /models says. Raises ProviderError."""
        return await self._call(self._client.models.with_raw_response.list())

    async def close(self) -> None:
        await self._client.close()

    async def _call(self, call: Any) -> Received:
        begun = time.perf_counter()
        try:
            # The SDKs' timeouts start anew with each byte.
            async with asyncio.timeout(self._timeout_seconds):
                raw = await call
        except TimeoutError:
            raise ProviderError(f"no answer within {self._timeout_seconds:g} s") from None
        except self._sdk.APITimeoutError:
            raise ProviderError(f"no answer within {self._timeout_seconds:g} s") from None
        except self._sdk.APIConnectionError as error:
            raise ProviderError(f"no connection ({self._said(error.__cause__ or error)})") from None
        except self._sdk.APIStatusError as error:
            raise self._refused(error) from None
        seconds = time.perf_counter() - begun
        try:
            return Received(
                json.loads(self._without_secrets(raw.http_response.content)), raw.headers, seconds
            )
        except (ValueError, RecursionError):
            raise ProviderError("a reply that is no JSON", status=200, broken=True) from None

    def _without_secrets(self, content: bytes) -> bytes:
        """A server may say in its reply what it was sent; it is not to be kept.

        A short one may be an ordinary word, and a reply must not be changed for it.
        """
        for secret in self._secrets:
            if len(secret) >= _SHORTEST_KEY:
                content = content.replace(secret.encode(), "…".encode())
        return content

    def _refused(self, error: Any) -> ProviderError:
        body = error.body if isinstance(error.body, Mapping) else {}
        # Some servers wrap the error once more.
        body = body["error"] if isinstance(body.get("error"), Mapping) else body
        return ProviderError(
            f"status {error.status_code}: {self._said(body.get('message') or error.message)}",
            status=error.status_code,
            code=str(body.get("code") or body.get("type") or ""),
            param=str(body.get("param") or ""),
            headers=error.response.headers,
        )

    def _said(self, what: object) -> str:
        """A short line without keys and passwords: servers like to repeat them."""
        line = masked(" ".join(str(what).split()))
        for secret in self._secrets:
            line = line.replace(secret, "…")
        return line[:_LONGEST_REASON].rstrip(".") or type(what).__name__


def _open(account: Account, timeout_seconds: float) -> tuple[Any, Any]:
    """The SDK's module and its client. A server without keys still gets one, since the SDKs insist."""
    key = account.key.get_secret_value() if isinstance(account.key, SecretStr) else "none"
    for name in ("httpx", "httpx2"):
        # A line a request, with the URL, which may hold a password.
        logging.getLogger(name).setLevel(logging.WARNING)
    if account.provider == "groq":
        import groq

        # Its SDK adds /openai/v1 itself.
        base_url = _GROQ_PATH.sub("", account.base_url)
        return groq, groq.AsyncGroq(api_key=key, base_url=base_url, timeout=timeout_seconds, max_retries=0)
    import openai

    client = openai.AsyncOpenAI(
        api_key=key, base_url=account.base_url, timeout=timeout_seconds, max_retries=0
    )
    if account.provider != "openai":
        # From OPENAI_ORG_ID and OPENAI_PROJECT_ID, which are no one else's business.
        client.organization = client.project = None
    return openai, client
