"""Events that were announced: each once for its subject, however often the work is run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from infra.catalog import coordination_tables as tables
from infra.catalog.connection import Catalog
from infra.catalog.types import named, now
from infra.catalog.writing import add_missing


@dataclass(frozen=True)
class Announcement:
    """`followed`: whoever announced it went on with the next step itself."""

    id: str
    owner: str
    event: str
    subject: str
    payload: Mapping[str, Any]
    followed: bool
    created_at: datetime


def announce_once(
    catalog: Catalog, owner: str, event: str, subject: str, payload: Mapping[str, Any], *, followed: bool
) -> bool:
    """Notes the event; False where it was noted before, by whomever."""
    a = tables.Announcement
    row = {
        "id": named("announcement", owner, event, subject), "owner": owner, "event": event,
        "subject": subject, "payload": dict(payload), "followed": followed, "created_at": now(),
    }  # fmt: skip
    with catalog.writing() as connection:
        there = connection.execute(select(a.id).where(a.id == row["id"])).one_or_none()
        add_missing(connection, a, [row])
    return there is None


def announcements(
    catalog: Catalog, owner: str, *, event: str | None = None, followed: bool | None = None
) -> list[Announcement]:
    """The owner's, oldest first; of that event and of those that were (not) followed, where given."""
    a = tables.Announcement
    columns = (getattr(a, name) for name in Announcement.__dataclass_fields__)
    query = select(*columns).where(a.owner == owner).order_by(a.created_at, a.id)
    if event is not None:
        query = query.where(a.event == event)
    if followed is not None:
        query = query.where(a.followed == followed)
    with catalog.reading() as connection:
        return [Announcement(**row._mapping) for row in connection.execute(query)]
