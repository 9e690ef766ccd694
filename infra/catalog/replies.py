"""Replies of language models: kept when they arrive, found again by what was asked, purged by student."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, delete, func, select, update

from infra.catalog.connection import Catalog
from infra.catalog.reply_tables import ReplySubject, StoredReply
from infra.catalog.types import named, now
from infra.catalog.writing import add_missing, batches, rows_where

_PURGED = "purged"


@dataclass(frozen=True)
class ReplyRow:
    """One reply as it came, under the fingerprint of its request (`key`).

    `base_url` is without user and password; `cost_usd` None where the price is unknown; `payer` the job
    that paid; `occasion` which part of its work; `subjects` the submissions whose text was in the request.
    """

    key: str
    provider: str
    base_url: str
    model: str
    mode: str
    text: str
    response_model: str = ""
    fingerprint: str = ""
    finish_reason: str = ""
    refusal: str = ""
    n_prompt_tokens: int | None = None
    n_cached_tokens: int | None = None
    n_completion_tokens: int | None = None
    cost_usd: float | None = None
    price_source: str = ""
    seconds: float = 0.0
    purpose: str = ""
    payer: str = ""
    occasion: str = ""
    created_at: datetime = field(default_factory=now)
    subjects: tuple[str, ...] = ()
    """Empty on what is read back: `find_replies` does not look them up."""


@dataclass(frozen=True)
class Spent:
    """What was paid for: tokens of both kinds (None counted as 0), and money as far as prices are known."""

    n_replies: int = 0
    n_prompt_tokens: int = 0
    n_cached_tokens: int = 0
    n_completion_tokens: int = 0
    cost_usd: float = 0.0
    n_unpriced: int = 0
    """Replies whose price is unknown; where it is not 0, `cost_usd` is a lower bound."""
    seconds: float = 0.0
    """Sum of the replies' own times, not of the clock on the wall."""

    @property
    def n_tokens(self) -> int:
        return self.n_prompt_tokens + self.n_completion_tokens


@dataclass(frozen=True)
class Cost:
    """What one payer spent on one model for one purpose on one occasion."""

    provider: str
    model: str
    purpose: str
    occasion: str
    spent: Spent


@dataclass(frozen=True)
class SeenModel:
    """How a model called itself, and when it first and last did under the name that was asked for."""

    provider: str
    base_url: str
    model: str
    response_model: str
    fingerprint: str
    n_replies: int
    first_at: datetime
    last_at: datetime


def find_replies(catalog: Catalog, keys: Iterable[str]) -> dict[str, ReplyRow]:
    """The replies there are, by key."""
    columns = StoredReply.__table__.columns
    query = select(*(columns[name] for name in ReplyRow.__dataclass_fields__ if name != "subjects"))
    with catalog.reading() as connection:
        rows = rows_where(connection, query, StoredReply.key, keys)
        return {row.key: ReplyRow(**row._mapping) for row in rows}


def save_replies(catalog: Catalog, replies: Sequence[ReplyRow]) -> None:
    """Keeps replies in one transaction; of two with one key the first one kept stands."""
    rows, subjects = [], []
    for reply in replies:
        reply_id = named("reply", reply.key)
        row = {name: getattr(reply, name) for name in ReplyRow.__dataclass_fields__ if name != "subjects"}
        rows.append({**row, "id": reply_id})
        subjects += [{"reply_id": reply_id, "subject": subject} for subject in reply.subjects]
    with catalog.writing() as connection:
        add_missing(connection, StoredReply, rows)
        add_missing(connection, ReplySubject, subjects)


def add_subjects(catalog: Catalog, subjects: Mapping[str, Iterable[str]]) -> None:
    """Notes that further submissions have their text in a request: key of the reply → their ids.

    Writes nothing where all is noted already, so that a run that only repeats another waits for no pen.
    """
    wanted = {(named("reply", key), subject) for key, several in subjects.items() for subject in several}
    ids = {reply_id for reply_id, _ in wanted}
    s = ReplySubject
    with catalog.reading() as connection:
        noted = rows_where(connection, select(s.reply_id, s.subject), s.reply_id, ids)
        missing = wanted - {(row.reply_id, row.subject) for row in noted}
    if not missing:
        return
    with catalog.writing() as connection:
        there = {row.id for row in rows_where(connection, select(StoredReply.id), StoredReply.id, ids)}
        rows = [{"reply_id": reply_id, "subject": subject} for reply_id, subject in missing]
        add_missing(connection, s, [row for row in rows if row["reply_id"] in there])


def spent(catalog: Catalog, payer: str) -> Spent:
    """What `payer` paid for so far; replies that it found in the table cost it nothing."""
    with catalog.reading() as connection:
        return _spent(connection.execute(select(*_sums()).where(StoredReply.payer == payer)).one())


def costs_of(catalog: Catalog, payer: str) -> list[Cost]:
    """What `payer` spent, by model, purpose and occasion."""
    r = StoredReply
    by = (r.provider, r.model, r.purpose, r.occasion)
    query = select(*by, *_sums()).where(r.payer == payer).group_by(*by).order_by(*by)
    with catalog.reading() as connection:
        return [
            Cost(row.provider, row.model, row.purpose, row.occasion, _spent(row))
            for row in connection.execute(query)
        ]


def models_seen(catalog: Catalog) -> list[SeenModel]:
    """How each model called itself over time, earliest first: two names say that it was changed."""
    r = StoredReply
    by = (r.provider, r.base_url, r.model, r.response_model, r.fingerprint)
    first, last = func.min(r.created_at), func.max(r.created_at)
    query = select(*by, func.count(), first, last).group_by(*by).order_by(*by[:3], first)
    with catalog.reading() as connection:
        return [SeenModel(*row) for row in connection.execute(query)]


def purge(catalog: Catalog, subjects: Iterable[str], *, dry_run: bool = False) -> int:
    """How many replies were asked for with the text of any of these submissions; their text is removed.

    Their tokens and costs stay, under a key that says nothing of what was asked.
    """
    s = ReplySubject
    with catalog.writing() as connection:
        found = rows_where(connection, select(s.reply_id).distinct(), s.subject, subjects)
        ids = sorted({row.reply_id for row in found})
        if ids and not dry_run:
            for batch in batches(ids):
                connection.execute(delete(s).where(s.reply_id.in_(batch)))
            for reply_id in ids:
                _forget(connection, reply_id)
    return len(ids)


def _forget(connection: Connection, reply_id: str) -> None:
    anew = str(uuid4())
    query = update(StoredReply).where(StoredReply.id == reply_id)
    connection.execute(query.values(id=anew, key=f"{_PURGED} {anew}", text="", refusal=""))


def _sums() -> list[Any]:
    """Columns that `_spent` reads."""
    r = StoredReply
    amounts = (r.n_prompt_tokens, r.n_cached_tokens, r.n_completion_tokens, r.cost_usd, r.seconds)
    return [
        func.count().label("n_replies"),
        (func.count() - func.count(r.cost_usd)).label("n_unpriced"),
        *(func.coalesce(func.sum(amount), 0).label(amount.key) for amount in amounts),
    ]


def _spent(row: Any) -> Spent:
    return Spent(**{name: row._mapping[name] for name in Spent.__dataclass_fields__})
