import os
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CHAR, JSON, Column, Connection, MetaData, Uuid, inspect, select, text

from domain.errors import OutsideError, SettingError
from infra.catalog import Catalog, upgrade
from infra.catalog.connection import REVISIONS, make_engine, parse_url
from infra.catalog.tables import Base
from infra.catalog.upgrading import alembic_config


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = make_engine(parse_url(url), 5.0)
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


def test_models_and_migrations_agree(catalog_url: str) -> None:
    with connected(catalog_url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_models_and_migrations_have_the_same_checks(catalog_url: str) -> None:
    """Alembic does not compare them, so a check that a migration forgot would go unnoticed."""
    with connected(catalog_url) as connection:
        inspector = inspect(connection)
        for table in Base.metadata.tables.values():
            found = {check["name"] for check in inspector.get_check_constraints(table.name)}
            declared = {
                f"ck_{table.name}_{check.name}".replace(
                    f"ck_{table.name}_ck_{table.name}", f"ck_{table.name}"
                )
                for check in table.constraints
                if type(check).__name__ == "CheckConstraint"
            }
            assert found == declared, table.name


def test_the_revisions_that_opening_knows_are_alembics(sqlite_url: str) -> None:
    upgrade(sqlite_url)
    with connected(sqlite_url) as connection:
        script = ScriptDirectory.from_config(alembic_config(connection))
        assert tuple(r.revision for r in script.walk_revisions())[::-1] == REVISIONS


@pytest.mark.parametrize(("older", "n_tables"), [("0001", 13), ("0002", 14), ("0003", 17), ("0004", 18)])
def test_a_populated_older_catalog_upgrades_without_loss(
    empty_catalog_url: str, older: str, n_tables: int
) -> None:
    assert upgrade(empty_catalog_url, to=older).after == older
    with connected(empty_catalog_url) as connection:
        old = fill(connection)
        before = contents(connection, old)
    told = upgrade(empty_catalog_url)
    assert (told.before, told.after) == (older, REVISIONS[-1])
    with connected(empty_catalog_url) as connection:
        assert contents(connection, old) == before
        given = connection.execute(text("SELECT given_split, given_protocol FROM answers")).one()
    assert len(before) == n_tables
    assert all(len(rows) == 1 for rows in before.values())
    if older == "0001":
        assert tuple(given) == ("", "")


def test_every_table_of_today_can_be_filled(catalog_url: str) -> None:
    """What the next migration's test needs: a row that every check and reference accepts."""
    with connected(catalog_url) as connection:
        filled = contents(connection, fill(connection))
    assert set(filled) == set(Base.metadata.tables)
    assert all(len(rows) == 1 for rows in filled.values())


def test_upgrading_again_changes_nothing(empty_catalog_url: str) -> None:
    assert upgrade(empty_catalog_url).before == ""
    assert upgrade(empty_catalog_url).before == REVISIONS[-1]


def test_two_upgrades_at_once_make_one_schema(empty_catalog_url: str) -> None:
    script = "import sys; from infra.catalog import upgrade; print(upgrade(sys.argv[1]).before or 'empty')"
    both = [
        subprocess.Popen([sys.executable, "-c", script, empty_catalog_url], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = sorted(process.communicate()[0].strip() for process in both)
    assert said == [REVISIONS[-1], "empty"]
    Catalog.open(empty_catalog_url).close()


def test_a_failing_migration_leaves_the_schema_as_it_was(empty_catalog_url: str) -> None:
    upgrade(empty_catalog_url, to="0001")
    with connected(empty_catalog_url) as connection:
        connection.execute(text("CREATE TABLE reports (id INTEGER)"))  # in the way of the second migration
    with pytest.raises(Exception, match="reports"):
        upgrade(empty_catalog_url)
    with connected(empty_catalog_url) as connection:
        columns = {column["name"] for column in inspect(connection).get_columns("answers")}
        assert "given_split" not in columns
        connection.execute(text("DROP TABLE reports"))
    upgrade(empty_catalog_url)
    Catalog.open(empty_catalog_url).close()


def test_a_catalog_without_tables_is_refused_with_the_command(empty_catalog_url: str) -> None:
    with pytest.raises(SettingError, match="run `trainyard db upgrade`"):
        Catalog.open(empty_catalog_url)


def test_a_catalog_that_is_behind_is_refused_with_the_command(empty_catalog_url: str) -> None:
    upgrade(empty_catalog_url, to="0001")
    with pytest.raises(SettingError, match=r"at schema 0001.*run `trainyard db upgrade`"):
        Catalog.open(empty_catalog_url)


def test_a_newer_catalog_is_refused_and_not_upgraded(catalog_url: str) -> None:
    with connected(catalog_url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettingError, match=r"9999.*newer Trainyard"):
        Catalog.open(catalog_url)
    with pytest.raises(SettingError, match=r"9999.*newer Trainyard"):
        upgrade(catalog_url)


def test_opening_a_missing_catalog_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"There is no catalog at .*none\.db"):
        Catalog.open(f"sqlite:///{tmp_path / 'none.db'}")
    assert not (tmp_path / "none.db").exists()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").write_text("my essay about databases" * 100)
    with pytest.raises(SettingError, match=r"catalog\.db is not a catalog"):
        Catalog.open(f"sqlite:///{tmp_path / 'catalog.db'}")


def test_a_locked_database_is_named_with_the_remedy(sqlite_url: str) -> None:
    upgrade(sqlite_url)
    path = sqlite_url.removeprefix("sqlite:///")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with Catalog.open(sqlite_url, busy_seconds=0.2) as catalog:
        told = rf"{path} has been locked by another process for 0\.2 s"
        with pytest.raises(OutsideError, match=told), catalog.writing():
            pass
        holder.execute("ROLLBACK")
        with catalog.writing():
            pass
    holder.close()


def test_an_unreachable_database_is_named_without_its_password() -> None:
    with pytest.raises(OutsideError, match=r"localhost:1/x does not answer") as told:
        Catalog.open("postgresql://me:do-not-tell@localhost:1/x")
    assert "do-not-tell" not in str(told.value)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutsideError, match=r"file cannot be made.*TRAINYARD_HOME"):
        upgrade(f"sqlite:///{tmp_path}/file/catalog.db")


def test_another_kind_of_database_is_refused_with_what_is_possible() -> None:
    with pytest.raises(SettingError, match=r"mysql://…@host/db.*postgresql://user:password@host/database"):
        Catalog.open("mysql://me:secret@host/db")


def test_a_connection_that_the_server_closed_is_replaced(postgres_url: str) -> None:
    upgrade(postgres_url)
    with Catalog.open(postgres_url) as catalog, connected(postgres_url) as other:
        other.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                 "AND datname = current_database()")
        )  # fmt: skip
        with catalog.reading() as connection:
            assert connection.execute(text("SELECT 1")).scalar() == 1


def test_opening_does_not_import_alembic(sqlite_url: str) -> None:
    upgrade(sqlite_url)
    script = (
        "import sys; from infra.catalog import Catalog; Catalog.open(sys.argv[1]).close()\n"
        "print(any(name.startswith('alembic') for name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, sqlite_url], capture_output=True, text=True, env=os.environ, check=True
    )
    assert done.stdout.strip() == "False"


LEGAL: dict[tuple[str, str], object] = {
    ("documents", "role"): "guide",
    ("files", "outcome"): "document",
    ("extractions", "error"): "",
    ("parses", "outcome"): "ok",
    ("dataset_answers", "split"): "train",
    ("jobs", "state"): "running",
    ("replies", "mode"): "schema",
    ("llm_endpoints", "mode"): "json",
    ("reviews", "kind"): "guide",
    ("reviews", "state"): "open",
    ("reviews", "choice"): "",
    ("image_tensors", "channels"): 3,
    ("preparations", "state"): "ready",
    ("preparations", "error"): "",
}
"""What the checks on these columns ask for; any text does elsewhere."""


def fill(connection: Connection) -> MetaData:
    """Puts one row into every table of whatever schema is there; its tables. All ids are the same."""
    metadata = MetaData()
    metadata.reflect(connection)
    for table in metadata.sorted_tables:
        if table.name != "alembic_version":
            connection.execute(table.insert(), {column.name: value(column) for column in table.columns})
    return metadata


def value(column: Column[Any]) -> object:
    kind = column.type
    if isinstance(kind, Uuid):
        return uuid.UUID(int=1)
    if isinstance(kind, CHAR):
        return uuid.UUID(int=1).hex
    if isinstance(kind, JSON):
        return {"kept": [1, "ü"]}
    by_type = {
        datetime: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        bytes: b"\0\1",
        bool: False,
        int: 7,
        float: 0.5,
    }
    legal = LEGAL.get((column.table.name, column.name), f"{column}, ü")
    return by_type.get(kind.python_type, legal) if isinstance(legal, str) else legal


def contents(connection: Connection, metadata: MetaData) -> dict[str, list[dict[str, object]]]:
    """The rows of those tables, in the columns they had then."""
    return {
        table.name: [dict(row._mapping) for row in connection.execute(select(table))]
        for table in metadata.sorted_tables
        if table.name != "alembic_version"
    }
