"""The tables of pictures: what was decoded of which archive, and how a dataset's preparation stands.

A picture has no row of its own: which there are, their classes and splits is a table in the store
(`datasets.rows_key`), since there may be millions of them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from infra.catalog.tables import Base, _id, _one_of, _to
from infra.catalog.types import now


class Tensor(Base):
    """An archive's pictures decoded to one shape by one version of the decoder; never done again."""

    __tablename__ = "image_tensors"
    __table_args__ = (
        UniqueConstraint("listing_key", "decoder_version", "size", "channels"),
        CheckConstraint("channels IN (1, 3)", name="channels"),
        CheckConstraint("(images_key = '') = (rows_key = '')", name="whole_or_unfinished"),
    )
    id: Mapped[str] = _id()
    listing_key: Mapped[str]
    """Of the archive's listing in the store, which names the archive by what is in it."""
    decoder_version: Mapped[str]
    size: Mapped[int]
    channels: Mapped[int]
    n_members: Mapped[int]
    images_key: Mapped[str] = mapped_column(default="")
    """Of the array of points; empty until every part is decoded."""
    rows_key: Mapped[str] = mapped_column(default="")
    """Of the table that says which picture each row of the array is."""
    n_images: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)


class TensorPart(Base):
    """A run of an archive's members that is decoded; gone once the tensor is whole."""

    __tablename__ = "image_tensor_parts"
    tensor_id: Mapped[str] = mapped_column(
        Uuid(as_uuid=False), ForeignKey("image_tensors.id"), primary_key=True
    )
    start: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    stop: Mapped[int]
    points_key: Mapped[str]
    outcomes_key: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Preparation(Base):
    """How a dataset that was asked for stands, from the first word to the dataset or the error."""

    __tablename__ = "preparations"
    __table_args__ = (
        _one_of("state", "draft", "processing", "ready", "error"),
        CheckConstraint("(state = 'ready') = (dataset_id IS NOT NULL)", name="ready_has_dataset"),
        CheckConstraint("(state = 'error') = (error <> '')", name="error_has_words"),
        Index(None, "owner", "updated_at"),
    )
    id: Mapped[str] = _id()
    owner: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    sources: Mapped[Any] = mapped_column(default=dict)
    """Role → path of what was given."""
    state: Mapped[str] = mapped_column(default="draft")
    error: Mapped[str] = mapped_column(default="")
    dataset_id: Mapped[str | None] = _to("datasets.id", index=True, nullable=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)
