"""Events and triggers on real servers: the next step happens by itself, once, also when an event is lost."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra import catalog as records
from infra.catalog import Catalog, Job, JobState
from tests.flows.conftest import CommandLine, free_port

Wait = Callable[[Callable[[], Any], float], Any]
PREPARE = """
import json, sys
from tasks.launch import launch
launch()
from flows.prepare import prepare
from flows.sweep import sweep
guides, papers = sys.argv[1:]
made = prepare(guides=guides, submissions=papers)
print(json.dumps([made["dataset"]["fingerprint"], sweep(), sweep()]))
"""


@dataclass
class Server:
    """Prefect's API, as a page of it is used."""

    api: str

    def headers(self) -> dict[str, str]:
        token = httpx.get(f"{self.api}/csrf-token", params={"client": "test"}).json()["token"]
        return {"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": "test"}

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        asked = httpx.post(f"{self.api}/{path}", json=body or {}, headers=self.headers())
        return asked.raise_for_status().json()

    def deployments(self) -> dict[str, dict[str, Any]]:
        return {d["name"]: d for d in self.post("deployments/filter")}

    def automations(self) -> list[str]:
        return sorted(a["name"] for a in self.post("automations/filter"))

    def events(self, prefix: str = "trainyard.") -> list[str]:
        found = self.post("events/filter", {"filter": {"event": {"prefix": [prefix]}}, "limit": 50})
        return [event["event"] for event in found["events"]]

    def runs(self, flow: str) -> list[dict[str, Any]]:
        return list(self.post("flow_runs/filter", {"flows": {"name": {"any_": [flow]}}}))


@pytest.fixture
def up(tmp_path: Path) -> Iterator[tuple[CommandLine, Server]]:
    ports = {"TRAINYARD_PREFECT_PORT": str(free_port()), "TRAINYARD_MLFLOW_PORT": str(free_port())}
    trainyard = CommandLine(tmp_path / "home", ports)
    process = trainyard.start("up")
    try:
        said = ""
        assert process.stderr
        while "Ctrl-C" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        yield trainyard, Server(f"http://127.0.0.1:{ports['TRAINYARD_PREFECT_PORT']}/api")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def jobs_of(trainyard: CommandLine) -> list[Job]:
    with Catalog.open(trainyard.catalog_url) as catalog:
        return records.jobs(catalog, "local")


def reported(trainyard: CommandLine) -> bool:
    with Catalog.open(trainyard.catalog_url) as catalog:
        return any(records.find_report(catalog, job.id) for job in records.jobs(catalog, "local"))


@pytest.mark.timeout(900)
def test_a_dataset_made_by_the_worker_is_trained_on_evaluated_and_reported_by_itself_once(
    up: tuple[CommandLine, Server], class_set: Path, wait_for: Wait
) -> None:
    trainyard, server = up
    before = {name: one["id"] for name, one in server.deployments().items()}, server.automations()
    assert before[1] == ["evaluate a new model", "report on an evaluated model", "train on a new dataset"]
    trainyard.run("deploy")
    assert ({name: one["id"] for name, one in server.deployments().items()}, server.automations()) == before
    schedules = {
        n: [s["slug"] for s in d["schedules"]] for n, d in server.deployments().items() if d["schedules"]
    }
    own = {"sweep": ["hourly"], "nightly": ["nightly"], "retrain": ["weekly"]}
    assert schedules == {**own, "drift": ["nightly"], "settle": ["every-quarter"]}

    headers = server.headers()
    quick = {"parameters": {"strategy": "native", "hyperparameters": ["iterations=1"]}}
    httpx.patch(
        f"{server.api}/deployments/{before[0]['sweep']}", json=quick, headers=headers
    ).raise_for_status()
    prepare = before[0]["prepare"]
    given = {"guides": str(class_set / "guides"), "submissions": str(class_set / "papers")}
    for _ in range(2):
        server.post(f"deployments/{prepare}/create_flow_run", {"parameters": given})
    wait_for(lambda: reported(trainyard), 480)
    (job,) = jobs_of(trainyard)
    assert (job.state, job.strategy) == (JobState.FINISHED, "native")
    (swept,) = [run for run in server.runs("sweep") if not run["auto_scheduled"]]
    assert job.dataset_id
    assert len(swept["parameters"]["dataset"]) == 64
    wait_for(lambda: server.runs("sweep") and _state(server, swept["id"]) == "COMPLETED", 60)
    told = wait_for(lambda: "trainyard.model.promoted" in (e := server.events()) and e, 30)
    assert told.count("trainyard.dataset.created") == 1
    assert told.count("trainyard.ingest.finished") == 4
    assert told.count("trainyard.model.registered") == told.count("trainyard.model.promoted") == 1


def _state(server: Server, run_id: str) -> str:
    return str(httpx.get(f"{server.api}/flow_runs/{run_id}").json()["state"]["type"])


def test_what_an_event_missed_the_sweep_finds_and_does_once(trainyard: CommandLine, class_set: Path) -> None:
    """No automation listens on this server: every event is lost."""
    done = subprocess.run(
        [sys.executable, "-c", PREPARE, class_set / "guides", class_set / "papers"],
        env=trainyard.whole_environment,
        capture_output=True,
        text=True,
        check=True,
    )
    dataset, first, second = json.loads(done.stdout.splitlines()[-1])
    (job,) = jobs_of(trainyard)
    assert first == {"done": [f"train {dataset}", f"evaluate {job.id}", f"report {job.id}"], "failed": []}
    assert second == {"done": [], "failed": []}
    assert reported(trainyard)


def test_two_trainings_of_one_dataset_and_configuration_at_once_train_once(
    trainyard: CommandLine, class_set: Path
) -> None:
    trainyard.run("prepare", "--guides", class_set / "guides", "--submissions", class_set / "papers")
    command = ("train", "--strategy", "native", "--set", "iterations=3", "--json")
    both = [trainyard.start(*command) for _ in range(2)]
    said = [process.communicate(timeout=240) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    outcomes = [json.loads(out) for out, _ in said]
    assert sorted(o["n_trained"] for o in outcomes) == [0, 3]
    assert outcomes[0]["model"] == outcomes[1]["model"]
    assert len(jobs_of(trainyard)) == 1


def test_too_many_broken_rows_are_an_event(trainyard: CommandLine, tmp_path: Path, wait_for: Wait) -> None:
    table = tmp_path / "answers.csv"
    rows = [f"Why {n}?,Because,2,S{m},since {n}{m},{9 if m % 2 else 1}" for n in range(3) for m in range(20)]
    table.write_text("\n".join(["question,model_answer,max_score,student,answer,score", *rows]))
    trainyard.run("prepare", "--answers", table, code=1)
    server = Server(trainyard.environment["TRAINYARD_PREFECT_API_URL"])
    # The server takes events in and writes them down later.
    assert wait_for(lambda: "trainyard.contract.failed" in server.events(), 60)
