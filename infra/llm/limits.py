"""How fast an endpoint may be asked: as its headers or the settings say, held by all workers together.

Each process asks the catalog for the next few moments at which requests may leave (`catalog.grant`), as
many as wait here and no further ahead than half a second, so that a transaction serves many requests and
a process that dies wastes few moments.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from collections.abc import Mapping

from infra.catalog import Catalog, EndpointRow, Pace, block, grant, learn_endpoint

log = logging.getLogger(__name__)

_HORIZON_SECONDS = 0.5
_MOST = 256
_DAY_SECONDS = 86_400.0
_LIMITED_IN_A_ROW = 3
"""So many refusals without a reply between them mean all requests, not the one that was refused."""
_LONGEST_BLOCK = 60.0
"""Seconds. A longer wait is each request's own affair, which has a deadline and perhaps another model."""
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": _DAY_SECONDS}


def seconds_of(text: str | None) -> float | None:
    """The seconds of "6m0s", "20ms", "1h0m3.5s" or "7.66"; None for anything else."""
    text = (text or "").strip()
    if _DURATION.sub("", text) == "" and text:
        return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(text))
    try:
        number = float(text)
    except ValueError:
        return None
    return number if 0 <= number < 1e9 else None


def per_minute(headers: Mapping[str, str], what: str) -> float | None:
    """The limit on "requests" or "tokens" that the headers state, a minute; None where they state none.

    Groq counts requests by the day under the name by which others count them by the minute; which it is
    shows in how long the part that is used up takes to come back. A limit by the day is no pace: it may
    all be used in an hour.
    """
    limit = _number(headers.get(f"x-ratelimit-limit-{what}"))
    if not limit:
        return None
    left = _number(headers.get(f"x-ratelimit-remaining-{what}"))
    reset = seconds_of(headers.get(f"x-ratelimit-reset-{what}"))
    if left is not None and reset is not None and left < limit:
        window = limit * reset / (limit - left)
        if window > 600.0:
            return None
    return limit


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text else None
    except ValueError:
        return None
    return number if number is not None and 0 < number < 1e12 else None


class Limiter:
    """The gate of one endpoint in this process. Belongs to one event loop."""

    def __init__(
        self, catalog: Catalog, row: EndpointRow, *, most_requests: float | None, most_tokens: float | None
    ) -> None:
        self._catalog = catalog
        self._row = row
        self._most = (most_requests, most_tokens)
        self._stated = (row.requests_per_minute, row.tokens_per_minute)
        self._waiting: deque[tuple[int, asyncio.Future[float]]] = deque()
        self._granting: asyncio.Task[None] | None = None
        self._spent_tokens = 0
        self._n_limited = 0

    @property
    def pace(self) -> Pace:
        """The smaller one of what the server states and what the settings allow."""
        requests, tokens = (_smaller(a, b) for a, b in zip(self._stated, self._most, strict=True))
        return Pace(requests, tokens)

    async def enter(self, n_tokens: int) -> None:
        """Returns when a request of about `n_tokens` may leave."""
        if not self.pace.limited:
            return
        granted: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting.append((n_tokens, granted))
        if self._granting is None or self._granting.done():
            self._granting = asyncio.create_task(self._grant())
        delay = (await granted) - asyncio.get_running_loop().time()
        if delay > 0:
            await asyncio.sleep(delay)

    def settle(self, granted: int, taken: int | None) -> None:
        """Corrects an estimate by what the request took."""
        if taken is not None and self.pace.tokens_per_minute is not None:
            self._spent_tokens += taken - granted

    async def heard(self, headers: Mapping[str, str]) -> None:
        """A reply came: learns the limits that its headers state."""
        self._n_limited = 0
        said = (per_minute(headers, "requests"), per_minute(headers, "tokens"))
        stated = tuple(new if new is not None else old for new, old in zip(said, self._stated, strict=True))
        if stated != self._stated:
            self._stated = (stated[0], stated[1])
            log.info("%s may be asked %s", self._row.model, _told(self.pace))
            await asyncio.to_thread(
                learn_endpoint,
                self._catalog,
                self._row,
                requests_per_minute=stated[0],
                tokens_per_minute=stated[1],
            )

    async def refused(self, seconds: float | None) -> None:
        """The server asked for fewer requests; after several such answers all workers leave it alone."""
        self._n_limited += 1
        if seconds is None or seconds > _LONGEST_BLOCK or not self.pace.limited:
            return
        if self._n_limited >= _LIMITED_IN_A_ROW:
            self._n_limited = 0
            await asyncio.to_thread(block, self._catalog, self._row, seconds)

    async def _grant(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            asked = [n_tokens for n_tokens, _ in self._waiting][:_MOST]
            spent, self._spent_tokens = self._spent_tokens, 0
            try:
                delays = await asyncio.to_thread(
                    grant,
                    self._catalog,
                    self._row,
                    self.pace,
                    asked,
                    horizon_seconds=_HORIZON_SECONDS,
                    spent_tokens=spent,
                )
            except Exception as error:
                for _, granted in self._waiting:
                    if not granted.done():
                        granted.set_exception(error)
                self._waiting.clear()
                return
            begun = loop.time()
            for delay in delays:
                _, granted = self._waiting.popleft()
                if not granted.done():
                    granted.set_result(begun + delay)
            if self._waiting:
                # The last moment granted is near the horizon: ask again before it is reached.
                await asyncio.sleep(max(0.0, delays[-1] - _HORIZON_SECONDS / 2))


def _smaller(one: float | None, other: float | None) -> float | None:
    return min((value for value in (one, other) if value is not None), default=None)


def _told(pace: Pace) -> str:
    parts = [
        f"{limit:g} {what} a minute"
        for limit, what in ((pace.requests_per_minute, "requests"), (pace.tokens_per_minute, "tokens"))
        if limit is not None
    ]
    return " and ".join(parts) or "without limit"
