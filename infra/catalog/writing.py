"""Bulk reading and writing that is safe to repeat and safe beside others, on both databases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute

Row = dict[str, Any]
Query = Any
"""A select. Its own type counts its columns, and mypy cannot match one count with any count."""
T = TypeVar("T")

_BATCH = 1000
"""Values in one IN list; SQLite takes 32,766 parameters, PostgreSQL 65,535."""


def add_missing(connection: Connection, model: type[DeclarativeBase], rows: Sequence[Row]) -> None:
    """Inserts the rows whose primary key is not there yet; the others stay as they are."""
    _insert(connection, model, rows, ())


def add_or_change(
    connection: Connection, model: type[DeclarativeBase], rows: Sequence[Row], *, change: Sequence[str]
) -> None:
    """Inserts the rows; where the primary key is there already, only the columns in `change` are set."""
    _insert(connection, model, rows, change)


def _insert(
    connection: Connection, model: type[DeclarativeBase], rows: Sequence[Row], change: Sequence[str]
) -> None:
    if not rows:
        return
    table = model.__table__
    assert isinstance(table, Table)
    key = [column.name for column in table.primary_key]
    # One order everywhere: two writers that meet wait for each other instead of locking up.
    unique = {tuple(row[name] for name in key): row for row in rows}
    ordered = [unique[name] for name in sorted(unique)]
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table)
    if change:
        statement = statement.on_conflict_do_update(
            index_elements=key, set_={name: statement.excluded[name] for name in change}
        )
    else:
        # Without a named key: the natural key's constraint counts as well.
        statement = statement.on_conflict_do_nothing()
    connection.execute(statement, ordered)


def batches(values: Iterable[T], size: int = _BATCH) -> Iterator[list[T]]:
    """`values` without repeats, in lists of at most `size`."""
    unique = list(dict.fromkeys(values))
    for start in range(0, len(unique), size):
        yield unique[start : start + size]


def rows_where(
    connection: Connection,
    query: Query,
    column: InstrumentedAttribute[Any],
    values: Iterable[Any] | None,
) -> Iterator[Any]:
    """The query's rows; unless `values` is None only those with `column` among them, in batches."""
    if values is None:
        yield from connection.execute(query)
        return
    for batch in batches(values):
        yield from connection.execute(query.where(column.in_(batch)))
