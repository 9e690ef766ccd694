"""The tables by which processes keep out of each other's way, and know what was announced."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from infra.catalog.tables import Base, _id
from infra.catalog.types import now


class Claim(Base):
    """One piece of work and the process that is at it; gone when the work is done."""

    __tablename__ = "claims"
    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    machine: Mapped[str]
    pid: Mapped[int]
    process_created: Mapped[float]
    renewed_at: Mapped[datetime] = mapped_column(default=now)


class Announcement(Base):
    """An event that was sent, once a subject: what it asked for can be looked up if nobody heard it."""

    __tablename__ = "announcements"
    __table_args__ = (UniqueConstraint("owner", "event", "subject"),)
    id: Mapped[str] = _id()
    owner: Mapped[str]
    event: Mapped[str]
    subject: Mapped[str]
    payload: Mapped[Any] = mapped_column(default=dict)
    followed: Mapped[bool]
    """Whether whoever sent it goes on with the next step itself."""
    created_at: Mapped[datetime] = mapped_column(default=now)
