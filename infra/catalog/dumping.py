"""The whole catalog as lines of JSON and back: the same lines from SQLite and PostgreSQL.

A dump says which schema it has. It is loaded into that schema and then upgraded, so an old dump is of use
to a newer Trainyard.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, LargeBinary, MetaData, Table, column, func, insert, select
from sqlalchemy import table as bare_table

from domain.errors import InputError, SettingError
from infra.catalog import image_tables, reply_tables, review_tables  # noqa: F401 - their tables are dumped too
from infra.catalog.connection import REVISIONS, Catalog, explained, make_engine, parse_url, place, revision
from infra.catalog.tables import Base
from infra.catalog.types import Instant
from infra.catalog.upgrading import upgrade

_BATCH = 500


@contextmanager
def dumped(catalog: Catalog) -> Iterator[tuple[str, Iterator[tuple[str, Iterator[bytes]]]]]:
    """The schema's revision and, for each table, its name and lines; all of one moment."""
    with catalog.snapshot() as connection:
        yield revision(connection) or "", _tables(connection)


def _tables(connection: Connection) -> Iterator[tuple[str, Iterator[bytes]]]:
    for table in Base.metadata.sorted_tables:
        yield table.name, _lines(connection, table)


def _lines(connection: Connection, table: Table) -> Iterator[bytes]:
    query = select(table).order_by(*table.primary_key)
    for row in connection.execution_options(yield_per=_BATCH).execute(query):
        told = {name: _said(value) for name, value in row._mapping.items()}
        yield json.dumps(told, ensure_ascii=False, sort_keys=True).encode() + b"\n"


def _said(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat() if isinstance(value, datetime) else value


def n_rows(catalog: Catalog) -> int:
    """How many rows there are in all tables."""
    with catalog.reading() as connection:
        counts = (
            connection.execute(select(func.count()).select_from(t)).scalar_one()
            for t in Base.metadata.sorted_tables
        )
        return sum(counts)


def load_dump(
    url: str, found: str, tables: Mapping[str, Iterable[bytes]], *, busy_seconds: float = 30.0
) -> int:
    """Puts the rows of a dump of revision `found` in the place of all there are; their number.

    One transaction: either all of it is there afterwards or what was before. Then the schema is upgraded.
    Raises SettingError for a dump of a newer Trainyard, InputError for one that does not fit its schema.
    """
    if found not in REVISIONS:
        raise SettingError(
            f"the backup's catalog has schema {found}, which this version (up to {REVISIONS[-1]}) does not "
            "know: restore it with the Trainyard that made it, or a newer one"
        )
    before = upgrade(url, to=found, busy_seconds=busy_seconds) if _revision(url) is None else None
    if before is None and _revision(url) != found:
        raise SettingError(
            f"the catalog {place(parse_url(url))} has another schema than the backup ({found}): restore into "
            "a database without tables"
        )
    engine = make_engine(parse_url(url), busy_seconds).execution_options(trainyard_writing=True)
    try:
        with explained(place(parse_url(url)), busy_seconds), engine.begin() as connection:
            n = _replace(connection, tables)
    finally:
        engine.dispose()
    upgrade(url, busy_seconds=busy_seconds)
    return n


def _revision(url: str) -> str | None:
    engine = make_engine(parse_url(url), 30.0)
    try:
        with explained(place(parse_url(url)), 30.0), engine.connect() as connection:
            return revision(connection)
    finally:
        engine.dispose()


def _replace(connection: Connection, tables: Mapping[str, Iterable[bytes]]) -> int:
    there = MetaData()
    there.reflect(connection)
    for table in reversed(there.sorted_tables):
        if table.name != "alembic_version":
            connection.execute(table.delete())
    unknown = set(tables) - set(there.tables)
    if unknown:
        raise InputError(f"the backup has tables that its schema lacks: {', '.join(sorted(unknown))}")
    n = 0
    for table in there.sorted_tables:
        for rows in _batches(tables.get(table.name, ())):
            connection.execute(_insertion(table.name, rows[0]), [_meant(table.name, row) for row in rows])
            n += len(rows)
    return n


def _batches(lines: Iterable[bytes]) -> Iterator[list[dict[str, Any]]]:
    batch = []
    for line in lines:
        batch.append(json.loads(line))
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _insertion(name: str, row: Mapping[str, Any]) -> Any:
    """An insertion of the columns that the dump has: an older schema lacks those that came later."""
    there = Base.metadata.tables.get(name)
    known: Mapping[str, Any] = {} if there is None else dict(there.columns)
    missing = [one for one in row if one not in known]
    if missing:
        raise InputError(f"the backup's table {name} has columns that are not known: {', '.join(missing)}")
    return insert(bare_table(name, *(column(one, known[one].type) for one in row)))


def _meant(name: str, row: dict[str, Any]) -> dict[str, Any]:
    columns = Base.metadata.tables[name].columns
    for key, value in row.items():
        if value is None:
            continue
        if isinstance(columns[key].type, LargeBinary):
            row[key] = base64.b64decode(value)
        elif isinstance(columns[key].type, Instant):
            row[key] = datetime.fromisoformat(value)
    return row
