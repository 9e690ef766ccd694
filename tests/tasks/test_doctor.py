"""The doctor on real settings, whole and broken: each finding names the thing and what mends it."""

import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from infra.catalog import upgrade
from infra.mlflow_access import make_database
from infra.settings import Settings
from tasks.doctor import State, examine

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def settings(tmp_path, free_ports):
    prefect_port, mlflow_port = free_ports
    return Settings(_env_file=None, home=tmp_path, prefect_port=prefect_port, mlflow_port=mlflow_port)


@pytest.fixture
def free_ports():
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    ports = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def found(settings, name):
    (check,) = [check for check in examine(settings) if check.name == name]
    return check


def changed(settings, **values):
    return settings.model_copy(update=values)


def test_a_fresh_home_is_healthy_and_says_what_will_be_made(settings):
    checks = examine(settings)
    assert [check for check in checks if check.state is State.FAIL] == []
    assert "first run makes" in found(settings, "catalog").found
    assert "first training makes" in found(settings, "MLflow runs").found


def test_a_home_in_use_is_healthy(settings):
    upgrade(settings.catalog_url)
    make_database(settings.mlflow_tracking_uri)
    assert "up to date" in found(settings, "catalog").found
    assert found(settings, "MLflow runs").state is State.OK


def test_a_catalog_that_is_behind_gets_the_command(settings):
    with sqlite3.connect(settings.home / "catalog.db") as old:
        old.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        old.execute("INSERT INTO alembic_version VALUES ('0001')")
    check = found(settings, "catalog")
    assert (check.state, check.remedy) == (State.FAIL, "trainyard db upgrade")


def test_databases_that_are_not_there_fail_with_the_variable_and_without_the_password(settings, free_ports):
    url = f"postgresql://someone:hidden@127.0.0.1:{free_ports[0]}/nothing"
    broken = changed(settings, catalog_url=url, mlflow_tracking_uri=url)
    for name, variable in (
        ("catalog", "TRAINYARD_CATALOG_URL"),
        ("MLflow runs", "TRAINYARD_MLFLOW_TRACKING_URI"),
    ):
        check = found(broken, name)
        assert check.state is State.FAIL
        assert variable in check.remedy
        assert "hidden" not in check.found


def test_a_file_that_is_no_database_fails(settings):
    (settings.home / "mlflow.db").write_bytes(b"not a database, but long enough to look at" * 10)
    assert found(settings, "MLflow runs").state is State.FAIL


def test_a_store_that_cannot_be_written_fails_with_its_variable(settings):
    (settings.home / "file").write_text("in the way")
    check = found(changed(settings, store_url=str(settings.home / "file" / "store")), "store")
    assert check.state is State.FAIL
    assert "TRAINYARD_STORE_URL" in check.remedy


def test_a_store_that_works_is_left_as_it_was(settings):
    examine(settings)
    assert [path for path in (settings.home / "store").rglob("*") if path.is_file()] == []


def test_a_home_that_cannot_be_made_fails(settings):
    (settings.home / "file").write_text("in the way")
    check = found(changed(settings, home=settings.home / "file" / "home"), "home")
    assert check.state is State.FAIL
    assert "TRAINYARD_HOME" in check.remedy


def test_servers_that_are_named_but_silent_fail(settings, free_ports):
    silent = f"http://127.0.0.1:{free_ports[0]}"
    broken = changed(settings, prefect_api_url=f"{silent}/api", mlflow_tracking_uri=silent)
    for name in ("Prefect", "MLflow runs"):
        check = found(broken, name)
        assert check.state is State.FAIL
        assert "does not answer" in check.found


def test_a_port_that_up_could_not_have_is_a_warning(settings):
    with socket.create_server(("127.0.0.1", settings.mlflow_port)):
        check = found(settings, "ports")
    assert check.state is State.WARN
    assert "TRAINYARD_MLFLOW_PORT" in check.remedy


def test_keys_are_said_to_be_set_and_never_shown(settings):
    with_keys = changed(
        settings, groq_api_key=SecretStr("gsk-hidden"), embeddings_api_key=SecretStr("sk-hidden")
    )
    assert found(with_keys, "strategy llm").found == "keys set: groq"
    assert "key set" in found(with_keys, "embeddings API").found
    assert "hidden" not in str(examine(with_keys))
    assert "TRAINYARD_OPENAI_API_KEY" in found(settings, "strategy llm").remedy


def test_a_variable_that_is_no_setting_is_a_warning(settings, monkeypatch):
    monkeypatch.setenv("TRAINYARD_STORE_URI", "x")
    check = found(settings, "settings")
    assert check.state is State.WARN
    assert "TRAINYARD_STORE_URL" in check.found


def test_the_doctor_is_quick_because_it_loads_nothing_heavy(tmp_path):
    script = (
        "import sys; from pathlib import Path;"
        "from infra.settings import Settings; from tasks.doctor import examine;"
        f"examine(Settings(_env_file=None, home=Path({str(tmp_path)!r})));"
        "print([name for name in ('torch', 'mlflow', 'prefect', 'sklearn') if name in sys.modules])"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"
