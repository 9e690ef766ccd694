"""Endpoints of language models: what was found out about them, and the limiter that all workers share.

The limiter is the generic cell rate algorithm (ATM Forum, TM 4.0, 1996) in one row: the moment at which
the next request may leave. Granting n requests moves it by n intervals, so that what is granted to one
process is kept from the others; a process that dies leaves only its few moments unused.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, text, update

from infra.catalog.connection import Catalog
from infra.catalog.reply_tables import LlmEndpoint
from infra.catalog.types import named, now
from infra.catalog.writing import add_missing


@dataclass(frozen=True)
class EndpointRow:
    """`mode` is "" until it was tried; limits are None until a server said them."""

    provider: str
    base_url: str
    model: str
    mode: str = ""
    mode_at: datetime | None = None
    learned: Mapping[str, Any] = field(default_factory=dict)
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None


@dataclass(frozen=True)
class Pace:
    """How fast an endpoint may be asked, by all workers together; None for no such limit.

    The bursts say how many seconds' worth may leave at once after a pause.
    """

    requests_per_minute: float | None
    tokens_per_minute: float | None
    request_burst_seconds: float = 0.2
    token_burst_seconds: float = 5.0

    @property
    def limited(self) -> bool:
        return self.requests_per_minute is not None or self.tokens_per_minute is not None


def endpoint_row(catalog: Catalog, provider: str, base_url: str, model: str) -> EndpointRow:
    """What is known of the endpoint; made if it is not there."""
    columns = LlmEndpoint.__table__.columns
    query = select(*(columns[name] for name in EndpointRow.__dataclass_fields__)).where(
        LlmEndpoint.id == _id(provider, base_url, model)
    )
    with catalog.reading() as connection:
        found = connection.execute(query).one_or_none()
    if found is not None:
        return EndpointRow(**found._mapping)
    row = {"id": _id(provider, base_url, model), "provider": provider, "base_url": base_url, "model": model}
    with catalog.writing() as connection:
        add_missing(connection, LlmEndpoint, [row])
        return EndpointRow(**connection.execute(query).one()._mapping)


def learn_endpoint(
    catalog: Catalog,
    row: EndpointRow,
    *,
    mode: str | None = None,
    learned: Mapping[str, Any] | None = None,
    requests_per_minute: float | None = None,
    tokens_per_minute: float | None = None,
) -> None:
    """Keeps what is not None."""
    given = {
        "mode": mode, "mode_at": now() if mode is not None else None, "learned": learned,
        "requests_per_minute": requests_per_minute, "tokens_per_minute": tokens_per_minute,
    }  # fmt: skip
    changes = {name: value for name, value in given.items() if value is not None}
    with catalog.writing() as connection:
        query = update(LlmEndpoint).where(LlmEndpoint.id == _id(row.provider, row.base_url, row.model))
        connection.execute(query.values(**changes))


def grant(
    catalog: Catalog,
    row: EndpointRow,
    pace: Pace,
    n_tokens: Sequence[int],
    *,
    horizon_seconds: float,
    spent_tokens: int = 0,
) -> list[float]:
    """Seconds from now at which each request, of so many tokens, may leave; in order.

    Grants no further than the horizon, but at least one, so fewer moments than requests may come back.
    `spent_tokens` are those that earlier requests took beyond what was granted to them (negative: less).
    """
    e = LlmEndpoint
    query = select(e.next_request_at, e.next_token_at, e.blocked_until)
    mine = e.id == _id(row.provider, row.base_url, row.model)
    with catalog.writing() as connection:
        found = connection.execute(query.where(mine).with_for_update()).one()
        moment = _clock(connection)
        moments, request_at, token_at = _moments(
            pace, n_tokens, moment, found.next_request_at, found.next_token_at, found.blocked_until,
            horizon_seconds, spent_tokens,
        )  # fmt: skip
        connection.execute(update(e).where(mine).values(next_request_at=request_at, next_token_at=token_at))
    return [max(0.0, at - moment) for at in moments]


def block(catalog: Catalog, row: EndpointRow, seconds: float) -> None:
    """No worker shall ask the endpoint for so long: the server said so."""
    e = LlmEndpoint
    mine = e.id == _id(row.provider, row.base_url, row.model)
    with catalog.writing() as connection:
        until = _clock(connection) + seconds
        connection.execute(update(e).where(mine, e.blocked_until < until).values(blocked_until=until))


def _moments(
    pace: Pace,
    n_tokens: Sequence[int],
    moment: float,
    request_at: float,
    token_at: float,
    blocked_until: float,
    horizon_seconds: float,
    spent_tokens: int,
) -> tuple[list[float], float, float]:
    """When each may leave, and the two theoretical arrival times after that."""
    interval = 60.0 / pace.requests_per_minute if pace.requests_per_minute else 0.0
    per_token = 60.0 / pace.tokens_per_minute if pace.tokens_per_minute else 0.0
    # A long pause earns no more than a burst, and a row of another clock (a moved database) no wait of years.
    request_at = min(max(request_at, moment - pace.request_burst_seconds), moment + 3600.0)
    token_at = min(max(token_at, moment - pace.token_burst_seconds), moment + 3600.0)
    token_at += spent_tokens * per_token
    moments: list[float] = []
    for tokens in n_tokens:
        at = max(moment, blocked_until, request_at if interval else 0.0, token_at if per_token else 0.0)
        if moments and at > moment + horizon_seconds:
            break
        moments.append(at)
        # After a wait for the other limit, this one has not saved up more than its burst.
        request_at = max(request_at, at - pace.request_burst_seconds) + interval
        token_at = max(token_at, at - pace.token_burst_seconds) + tokens * per_token
    return moments, request_at, token_at


def _clock(connection: Connection) -> float:
    """Seconds since 1970 on the clock that all workers share."""
    if connection.dialect.name == "postgresql":
        return float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
    return time.time()


def _id(provider: str, base_url: str, model: str) -> str:
    return named("llm endpoint", provider, base_url, model)
