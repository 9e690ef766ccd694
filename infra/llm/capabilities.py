"""How an endpoint can be bound to a schema, tried once and remembered: the ladder of `wire.LADDER`.

A probe asks for plain words and gives a schema that no plain words fit. A server that enforces schemas
answers with JSON; one that takes the schema and ignores it answers with words, and is found out.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from domain.errors import ReplyError
from domain.language_models import Message, Request
from infra.catalog import Catalog, EndpointRow, ReplyRow, learn_endpoint
from infra.llm.retry import ProviderError
from infra.llm.structured import UnreadableError, conforms, read_json
from infra.llm.wire import LADDER, Mode, Quirk

log = logging.getLogger(__name__)

_REMEMBERED = timedelta(days=30)
_MISSES_TO_DEMOTE = 6
_PROVISIONAL_SECONDS = 60.0
_TRIES = 2
"""A good server's single reply can be spoilt on its way."""
_SCHEMA = {
    "type": "object",
    "properties": {
        "colour": {"type": "string", "enum": ["green", "violet"]},
        "sides": {"type": "integer"},
    },
    "required": ["colour", "sides"],
    "additionalProperties": False,
}
_LIMIT_NAMES = "(minimum|maximum|min_?length|max_?length|min_?items|max_?items|pattern)"
_QUIRKS: tuple[tuple[Quirk, re.Pattern[str]], ...] = (
    ("max_completion_tokens", re.compile(r"max_completion_tokens")),
    ("no_temperature", re.compile(r"\btemperature\b")),
    ("no_seed", re.compile(r"\bseed\b")),
    (
        "no_extra",
        re.compile(r"reasoning_effort|thinking|extra inputs|unrecognized request arg|unknown (field|param)"),
    ),
    ("no_limits", re.compile(rf"schema.*\b{_LIMIT_NAMES}\b|\b{_LIMIT_NAMES}\b.*schema")),
)
"""How a model says that it does not take something."""
_UNSUPPORTED = re.compile(r"support|unrecogni|unknown|not permitted|not allowed|invalid|only the default")
_ABOUT_BINDING = re.compile(r"response_format|json_schema|json_object|json_validate|tool|schema")

Ask = Callable[[Request, Mode], Awaitable[ReplyRow]]
"""Asks in that mode, trying a few times. Raises ReplyError when it cannot."""


class Manner:
    """How to put a request to one endpoint: the mode for replies with a schema, and its quirks."""

    def __init__(self, catalog: Catalog, row: EndpointRow) -> None:
        self._catalog = catalog
        self._row = row
        self._mode: Mode | None = None
        self._provisional_until = 0.0
        self._quirks: set[str] = set(row.learned.get("quirks", ()))
        self._n_misses = 0
        self._probing = asyncio.Lock()
        fresh = row.mode_at is not None and datetime.now(UTC) - row.mode_at < _REMEMBERED
        if row.mode and fresh:
            self._mode = next(mode for mode in LADDER if mode == row.mode)

    @property
    def quirks(self) -> frozenset[str]:
        return frozenset(self._quirks)

    async def mode(self, ask: Ask) -> Mode:
        """The best mode that the endpoint honours; found out by `ask` the first time."""
        if self._mode is None:
            async with self._probing:
                if self._mode is None:
                    await self._find_out(ask)
        if self._mode is None:
            return "schema"
        return self._mode

    async def _find_out(self, ask: Ask) -> None:
        if time.monotonic() < self._provisional_until:
            return
        for mode in LADDER[:-1]:
            try:
                if await self._honours(mode, ask):
                    await self._remember(mode)
                    return
            except ReplyError as error:
                if error.kind != "rejected":
                    # The server does not answer at all: nothing learned, and the requests will tell.
                    self._provisional_until = time.monotonic() + _PROVISIONAL_SECONDS
                    return
        await self._remember("text")

    async def _honours(self, mode: Mode, ask: Ask) -> bool:
        for n in range(_TRIES):
            row = await ask(_probe(mode, n), mode)
            if conforms(row.text, _SCHEMA) or (mode == "json" and _readable(row.text)):
                return True
        log.info("%s:%s ignores the %s it is given", self._row.provider, self._row.model, _SAID[mode])
        return False

    async def _remember(self, mode: Mode) -> None:
        self._mode, self._n_misses = mode, 0
        log.info("%s:%s is asked with %s", self._row.provider, self._row.model, _SAID[mode])
        await asyncio.to_thread(learn_endpoint, self._catalog, self._row, mode=mode)

    async def observe(self, mode: Mode, readable: bool) -> None:
        """Takes note of a real reply: many unreadable ones in a row demote the endpoint."""
        if mode != self._mode or readable:
            self._n_misses = 0 if mode == self._mode else self._n_misses
            return
        self._n_misses += 1
        if self._n_misses >= _MISSES_TO_DEMOTE and mode != LADDER[-1]:
            await self._remember(_below(mode))

    async def adapt(
        self, failure: ProviderError, mode: Mode | None, quirks_then: frozenset[str]
    ) -> Mode | None:
        """After a rejection: the mode to ask again with, None where asking again is no use.

        `mode` is None for a request without a schema; then any answer but None means "ask again".
        `quirks_then` are those that the rejected request was made with: another one may have learned since.
        """
        told = f"{failure.param} {failure.reason}".lower()
        for quirk, pattern in _QUIRKS if _UNSUPPORTED.search(told) else ():
            if quirk in quirks_then or (quirk == "no_limits" and mode is None) or not pattern.search(told):
                continue
            if quirk not in self._quirks:
                self._quirks.add(quirk)
                learned = {**self._row.learned, "quirks": sorted(self._quirks)}
                await asyncio.to_thread(learn_endpoint, self._catalog, self._row, learned=learned)
            return mode or "text"
        about_binding = failure.code == "json_validate_failed" or _ABOUT_BINDING.search(told)
        if mode is None or mode == LADDER[-1] or not about_binding:
            return None
        await self.observe(mode, readable=False)
        return _below(mode)


_SAID: dict[Mode, str] = {
    "schema": "strict JSON schema",
    "json": "JSON mode",
    "tool": "tool call",
    "text": "schema in the prompt",
}


def _probe(mode: Mode, n: int) -> Request:
    # Probed anew each month, though its replies are kept like all others.
    month = datetime.now(UTC).year * 12 + datetime.now(UTC).month
    text = f"Say good morning in one short sentence, in plain words. ({_SAID[mode]})"
    return Request(
        (Message("user", text),), schema=_SCHEMA, schema_name="probe", purpose="probe", repeat=2 * month + n
    )


def _readable(text: str) -> bool:
    try:
        read_json(text, _SCHEMA)
    except UnreadableError:
        return False
    return True


def _below(mode: Mode) -> Mode:
    return LADDER[LADDER.index(mode) + 1]
