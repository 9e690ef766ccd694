"""Column types that mean the same on SQLite and PostgreSQL, and text that both accept."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, Text, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB

_NAMESPACE = uuid.UUID("6f0d4a3e-6d0c-5f5e-9a55-2f6f1b6d7c11")
_UNSTORABLE = {0: None, **dict.fromkeys(range(0xD800, 0xE000), "\ufffd")}


def scrub(text: str) -> str:
    """`text` without NUL characters and lone surrogates, which PostgreSQL refuses."""
    if text.isascii() and "\0" not in text:
        return text
    return text.translate(_UNSTORABLE)


def storable(value: Any) -> Any:
    """A JSON value that both databases take: texts scrubbed, NaN and infinities become null.

    Tuples become lists, numpy's numbers Python's. Raises TypeError for what JSON cannot say.
    """
    if isinstance(value, str):
        return scrub(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {scrub(str(key)): storable(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [storable(entry) for entry in value]
    if hasattr(value, "item"):
        return storable(value.item())
    raise TypeError(f"{value!r} ({type(value).__name__}) cannot be kept as JSON")


def named(*parts: str) -> str:
    """The UUID (version 5) of a row named by `parts`: the same in every catalog."""
    joined = "\x1f".join(part.replace("\x1f", "\x1f\x1f") for part in parts)
    return str(uuid.uuid5(_NAMESPACE, scrub(joined)))


def now() -> datetime:
    return datetime.now(UTC)


class Words(TypeDecorator[str]):
    """Text from outside, scrubbed on its way in."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else scrub(value)


class Structure(TypeDecorator[Any]):
    """JSON on SQLite, JSONB on PostgreSQL."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(JSONB() if dialect.name == "postgresql" else JSON())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002
        return storable(value)


class Instant(TypeDecorator[datetime]):
    """A moment in UTC; SQLite forgets the zone, so it is given back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value} has no time zone: the catalog keeps UTC only")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
