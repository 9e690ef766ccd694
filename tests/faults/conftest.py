"""A small production of one's own, whose parts can be killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from infra.catalog import upgrade
from infra.processes import Identity, stop
from infra.server_commands import prefect_command, prefect_environment, worker_command
from infra.settings import Settings
from tests.conftest import started_postgres
from tests.flows.conftest import free_port

WAIT_SECONDS = 180.0
_PIPELINE_SECONDS = 900.0
"""A whole pipeline, trained anew, on a machine that other work keeps busy."""


def until(question: Callable[[], Any], what: str, seconds: float = WAIT_SECONDS) -> Any:
    deadline = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.2)
    return answer


@dataclass
class Part:
    """A process of the production, in a session of its own."""

    command: list[str]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command, env=dict(self.environment), stdout=output, stderr=output, start_new_session=True
            )

    def kill(self) -> None:
        """-9, and nobody of its own helps."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None


@dataclass
class Production:
    """PostgreSQL for the catalog and MLflow, a Prefect server and a worker."""

    home: Path
    api: str
    environment: dict[str, str]
    server: Part
    worker: Part
    database: Any
    pipeline: str = ""
    known: set[int] = field(default_factory=set)

    def start_server(self) -> None:
        self.server.start()
        until(self._answers, "the Prefect server")

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.api}/health").is_success
        except httpx.HTTPError:
            return False

    def kill_database(self) -> None:
        """The postmaster dies by -9; its children end when they see that."""
        postmaster = psutil.Process(self.database.get_pid())
        family = [postmaster, *postmaster.children(recursive=True)]
        postmaster.kill()
        until(lambda: not any(map(runs, family)), "the end of PostgreSQL's processes")
        # Where nobody reaps orphans its number stays taken: a new server would think that the old one runs.
        for left in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            (self.database.pgdata / left).unlink(missing_ok=True)

    def start_database(self) -> None:
        self.database.ensure_postgres_running()

    def flow_processes(self) -> list[psutil.Process]:
        """The processes in which the worker's flow runs run, whoever their parent is by now."""
        found = []
        for process in psutil.process_iter():
            try:
                mine = process.environ().get("TRAINYARD_HOME") == str(self.home)
                if mine and "PREFECT__FLOW_RUN_ID" in process.environ() and runs(process):
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return found

    def asked(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The server's answer; a busy one is asked again."""

        def answer() -> list[Any]:
            try:
                told = httpx.request(method, f"{self.api}/{path}", json=body, timeout=60)
            except httpx.HTTPError:
                return []
            return [told.json()] if told.is_success else []

        return until(answer, f"an answer to {path}")[0]

    def ask_for(self, **parameters: Any) -> str:
        # The key keeps a request that is repeated from being two.
        body = {"parameters": parameters, "idempotency_key": uuid.uuid4().hex}
        return str(self.asked("POST", f"deployments/{self.pipeline}/create_flow_run", body)["id"])

    def state_of(self, flow_run: str) -> str:
        return str(self.asked("GET", f"flow_runs/{flow_run}")["state_type"])

    def left_running(self) -> list[str]:
        """The names of flow runs that are neither scheduled nor ended."""
        states = {"flow_runs": {"state": {"type": {"any_": ["RUNNING", "CANCELLING", "PENDING"]}}}}
        return [run["name"] for run in self.asked("POST", "flow_runs/filter", states)]

    def run(self, code: str, *arguments: str) -> str:
        """What this code prints, in a process of its own."""
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=_PIPELINE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()[-1]


def runs(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


DEPLOY = """
from prefect.client.orchestration import get_client
with get_client(sync_client=True) as client:
    flow = client.create_flow_from_name("pipeline")
    print(client.create_deployment(
        flow, "pipeline", work_pool_name="trainyard", entrypoint="flows.pipeline.pipeline"
    ))
"""


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    home = tmp_path_factory.mktemp("production")
    database = started_postgres()
    urls = {}
    for name in ("catalog", "mlflow"):
        database.psql(f"CREATE DATABASE {name};")
        urls[name] = str(database.get_uri(name)).replace("postgresql://", "postgresql+psycopg://")
    settings = Settings(home=home, prefect_port=free_port())
    api = f"http://127.0.0.1:{settings.prefect_port}/api"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TRAINYARD_")},
        **prefect_environment(settings),
        "TRAINYARD_HOME": str(home),
        "TRAINYARD_CATALOG_URL": urls["catalog"],
        "TRAINYARD_MLFLOW_TRACKING_URI": urls["mlflow"],
        "TRAINYARD_PREFECT_API_URL": api,
        "PREFECT_API_URL": api,
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    upgrade(urls["catalog"])
    server = Part(prefect_command(settings), environment, home / "server.log")
    worker = Part(worker_command(), environment, home / "worker.log")
    made = Production(home, api, environment, server, worker, database)
    try:
        made.start_server()
        worker.start()
        pool = f"{api}/work_pools/trainyard"
        until(lambda: httpx.get(pool).is_success, "the worker")
        made.pipeline = made.run(DEPLOY)
        yield made
    finally:
        worker.kill()
        stop([Identity.of("flow run", process.pid) for process in made.flow_processes()], 2)
        server.kill()
        database.cleanup()
