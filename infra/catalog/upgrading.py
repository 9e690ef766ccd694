"""Bringing the catalog's schema to this version, by Alembic only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from domain.errors import OutsideError, SettingError
from infra.catalog.connection import (
    REVISIONS,
    check_revision,
    explained,
    make_engine,
    parse_url,
    place,
    revision,
)

if TYPE_CHECKING:
    from alembic.config import Config

_ONE_AT_A_TIME = 7_205_759_403_792


@dataclass(frozen=True)
class Upgraded:
    """The schema before ("" for an empty database) and after."""

    before: str
    after: str


def upgrade(url: str, *, to: str = REVISIONS[-1], busy_seconds: float = 30.0) -> Upgraded:
    """Makes the catalog if need be and brings it to revision `to`, in one transaction.

    Two at once are safe: the second waits, then finds nothing to do.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        _make_folder(Path(str(parsed.database)).parent)
    # SQLite changes a table by rebuilding it, which the references to it must survive.
    engine = make_engine(parsed, busy_seconds, foreign_keys=False).execution_options(trainyard_writing=True)
    try:
        with explained(place(parsed), busy_seconds), engine.begin() as connection:
            return _upgrade(connection, to, place(parsed))
    finally:
        engine.dispose()


def _upgrade(connection: Connection, to: str, where: str) -> Upgraded:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
    before = revision(connection)
    if before is not None and before not in REVISIONS:
        check_revision(before, where)
    if before != to:
        from alembic import command

        command.upgrade(alembic_config(connection), to)
        _check_references(connection, where)
    return Upgraded(before or "", to)


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration for work on an open connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent.parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _check_references(connection: Connection, where: str) -> None:
    if connection.dialect.name == "sqlite":
        broken = connection.execute(text("PRAGMA foreign_key_check")).first()
        if broken is not None:
            raise SettingError(
                f"The catalog {where} has a row in {broken[0]} that refers to a missing row in {broken[2]}: "
                "nothing was changed; restore it from a copy"
            )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutsideError(f"{folder} cannot be made ({error.strerror}): set TRAINYARD_HOME") from error
