"""The catalog's connection: readers and writers on SQLite and PostgreSQL, and their errors in words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from domain.errors import FullError, OutsideError, SettingError
from infra.full_disks import is_full

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008")
"""The migrations in order. A constant, so that opening the catalog need not import Alembic."""

_WRITING = {"trainyard_writing": True}


class Catalog:
    """What is known of the material, the datasets and the jobs. One per process is enough; threads may
    share it. Not to be carried through a fork: a child opens its own."""

    def __init__(self, engine: Engine, busy_seconds: float) -> None:
        self._engine = engine
        self._writer = engine.execution_options(**_WRITING)
        self._busy_seconds = busy_seconds

    @staticmethod
    def open(url: str, *, busy_seconds: float = 30.0) -> Catalog:
        """The catalog at `url`. A writer waits `busy_seconds` for another on SQLite.

        Raises SettingError when its schema is not this version's, OutsideError when it cannot be reached.
        """
        parsed = parse_url(url)
        if parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).exists():
            raise SettingError(f"There is no catalog at {parsed.database}: run `trainyard db upgrade`")
        catalog = Catalog(make_engine(parsed, busy_seconds), busy_seconds)
        try:
            with catalog.reading() as connection:
                check_revision(revision(connection), catalog.place)
        except BaseException:
            catalog.close()
            raise
        return catalog

    @property
    def place(self) -> str:
        """Where it is, for people: a path, or a URL without its password."""
        return place(self._engine.url)

    @property
    def dialect(self) -> str:
        return self._engine.dialect.name

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction that sees one state and changes nothing."""
        with explained(self.place, self._busy_seconds), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """One transaction whose queries all see one moment, also where others write meanwhile."""
        level = "REPEATABLE READ" if self.dialect == "postgresql" else None
        engine = self._engine.execution_options(isolation_level=level) if level else self._engine
        with explained(self.place, self._busy_seconds), engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction; on SQLite it has the only pen from its first moment."""
        with explained(self.place, self._busy_seconds), self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Catalog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def parse_url(url: str) -> URL:
    """A URL with its driver. Raises SettingError for what is neither SQLite nor PostgreSQL."""
    try:
        parsed = make_url(url)
        if parsed.drivername in ("postgresql", "postgres"):
            parsed = parsed.set(drivername="postgresql+psycopg")
        if parsed.get_dialect().name in ("sqlite", "postgresql"):
            return parsed
    except (ArgumentError, NoSuchModuleError):
        pass
    raise SettingError(
        f"TRAINYARD_CATALOG_URL is {place(url)!r}, which is not a database Trainyard knows: use "
        "sqlite:////path/to/catalog.db or postgresql://user:password@host/database"
    )


def place(url: URL | str) -> str:
    if isinstance(url, str):
        head, at, tail = url.rpartition("@")
        return f"{head.split(':')[0]}://…@{tail}" if at else url
    return str(url.database) if url.get_backend_name() == "sqlite" else url.render_as_string()


def make_engine(url: URL, busy_seconds: float, *, foreign_keys: bool = True) -> Engine:
    """An engine whose transactions begin as their readers and writers need."""
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10})
    engine = create_engine(url, connect_args={"timeout": busy_seconds})

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        # The driver's own transactions begin too late for BEGIN IMMEDIATE.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        # With WAL, NORMAL loses no committed row when the process dies.
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA foreign_keys={'ON' if foreign_keys else 'OFF'}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A reader that turns writer late can fail at once with "locked"; a writer that says so first waits.
        writing = connection.get_execution_options().get("trainyard_writing")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def revision(connection: Connection) -> str | None:
    """The schema's revision, None where there is no schema."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def check_revision(found: str | None, where: str) -> None:
    """Raises SettingError unless `found` is the revision this version works with."""
    if found == REVISIONS[-1]:
        return
    if found is None:
        raise SettingError(f"The catalog {where} has no tables yet: run `trainyard db upgrade`")
    if found in REVISIONS:
        raise SettingError(
            f"The catalog {where} is at schema {found}, this version needs {REVISIONS[-1]}: "
            "run `trainyard db upgrade`"
        )
    raise SettingError(
        f"The catalog {where} is at schema {found}, which this version (up to {REVISIONS[-1]}) does not "
        "know: it was made by a newer Trainyard; install that one"
    )


@contextmanager
def explained(where: str, busy_seconds: float) -> Iterator[None]:
    """Turns the driver's errors about the connection into ours, with a remedy."""
    try:
        yield
    except DBAPIError as error:
        told = (str(error.orig).strip() or type(error.orig).__name__).splitlines()[0]
        if "database is locked" in told or "database is busy" in told:
            raise OutsideError(
                f"The catalog {where} has been locked by another process for {busy_seconds:g} s: "
                "wait until that one is done or stop it (`trainyard status` shows what runs), then run again"
            ) from error
        if is_full(error):
            raise FullError(
                f"The catalog {where} has no room left on its disk ({told}): make room there and run again"
            ) from error
        if "not a database" in told or "malformed" in told:
            raise SettingError(
                f"{where} is not a catalog ({told}): restore it from a copy, or move it away and run "
                "`trainyard db upgrade`"
            ) from error
        if error.connection_invalidated or type(error).__name__ in ("OperationalError", "InterfaceError"):
            raise OutsideError(
                f"The catalog {where} does not answer ({told}): check that the database is there and "
                "may be written, and TRAINYARD_CATALOG_URL"
            ) from error
        raise
