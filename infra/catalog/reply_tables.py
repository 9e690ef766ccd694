"""The tables of language models: what they replied, about whom, and how each endpoint is to be asked.

    llm_endpoints (how)        replies (what, at what price) ──► reply_subjects (about which submissions)

What was asked is not kept, only its fingerprint: prompts hold students' texts, and are long.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from infra.catalog.tables import Base, _id, _one_of, _to
from infra.catalog.types import now


class StoredReply(Base):
    """One paid exchange. A purged one keeps its numbers, so that what was spent stays true."""

    __tablename__ = "replies"
    __table_args__ = (
        UniqueConstraint("key"),
        Index(None, "payer"),
        Index(None, "provider", "base_url", "model"),
        _one_of("mode", "schema", "json", "tool", "text"),
        CheckConstraint("cost_usd >= 0", name="cost_usd"),
    )
    id: Mapped[str] = _id()
    key: Mapped[str]
    """Fingerprint of the request (`infra.llm.fingerprints`); "purged …" once its text is gone."""
    provider: Mapped[str]
    base_url: Mapped[str]
    """Without user and password."""
    model: Mapped[str]
    """As it was asked for."""
    response_model: Mapped[str] = mapped_column(default="")
    fingerprint: Mapped[str] = mapped_column(default="")
    mode: Mapped[str]
    text: Mapped[str]
    finish_reason: Mapped[str] = mapped_column(default="")
    refusal: Mapped[str] = mapped_column(default="")
    n_prompt_tokens: Mapped[int | None]
    n_cached_tokens: Mapped[int | None]
    n_completion_tokens: Mapped[int | None]
    cost_usd: Mapped[float | None]
    """None where the price is unknown."""
    price_source: Mapped[str] = mapped_column(default="")
    seconds: Mapped[float] = mapped_column(default=0.0)
    purpose: Mapped[str] = mapped_column(default="")
    payer: Mapped[str] = mapped_column(default="")
    """The job that paid for it; empty where there was none."""
    occasion: Mapped[str] = mapped_column(default="")
    """Which part of the payer's work it was for ("iteration 3")."""
    created_at: Mapped[datetime] = mapped_column(default=now)


class ReplySubject(Base):
    """A submission whose text was in the request."""

    __tablename__ = "reply_subjects"
    reply_id: Mapped[str] = _to("replies.id", primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True, index=True)


class LlmEndpoint(Base):
    """A model at an address: how its replies can be bound to a schema, and how fast it may be asked.

    Moments are seconds since 1970 on the database's clock: workers on several machines share them.
    """

    __tablename__ = "llm_endpoints"
    __table_args__ = (
        UniqueConstraint("provider", "base_url", "model"),
        _one_of("mode", "", "schema", "json", "tool", "text"),
    )
    id: Mapped[str] = _id()
    provider: Mapped[str]
    base_url: Mapped[str]
    model: Mapped[str]
    mode: Mapped[str] = mapped_column(default="")
    """How replies are bound to a schema; empty until it was tried."""
    mode_at: Mapped[datetime | None]
    learned: Mapped[Any] = mapped_column(default=dict)
    """What else the server's answers taught ("max_completion_tokens", "no_seed")."""
    requests_per_minute: Mapped[float | None]
    """As the server's headers say."""
    tokens_per_minute: Mapped[float | None]
    next_request_at: Mapped[float] = mapped_column(default=0.0)
    """When the next request may be sent, if all that were granted are."""
    next_token_at: Mapped[float] = mapped_column(default=0.0)
    blocked_until: Mapped[float] = mapped_column(default=0.0)
    """Until when the server asked to be left alone."""
