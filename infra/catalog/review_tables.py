"""The table of what a person is to decide: two readings of one guide that do not say the same."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from infra.catalog.tables import Base, _id, _one_of, _to
from infra.catalog.types import now


class Review(Base):
    """One difference. The values are part of its identity, so the same one found again is the same row,
    settled or not, and a reading that changes is a new question."""

    __tablename__ = "reviews"
    __table_args__ = (
        UniqueConstraint("document_id", "kind", "item", "field", "values_digest"),
        Index(None, "owner", "state"),
        _one_of("kind", "guide"),
        _one_of("state", "open", "settled"),
        _one_of("choice", "", "rule", "model", "none"),
        CheckConstraint("(state = 'open') = (choice = '')", name="settled_has_choice"),
    )
    id: Mapped[str] = _id()
    owner: Mapped[str]
    document_id: Mapped[str] = _to("documents.id")
    kind: Mapped[str]
    item: Mapped[str]
    """The item's number; empty where the guide as a whole is meant."""
    field: Mapped[str]
    rule_value: Mapped[Any]
    model_value: Mapped[Any]
    values_digest: Mapped[str]
    evidence: Mapped[Any] = mapped_column(default=list)
    reason: Mapped[str]
    model: Mapped[str]
    """The language model that read the other value, as provider:name."""
    state: Mapped[str] = mapped_column(default="open")
    choice: Mapped[str] = mapped_column(default="")
    """Whose value is taken; "none" where the question is no longer there."""
    settled_by: Mapped[str] = mapped_column(default="")
    settled_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
