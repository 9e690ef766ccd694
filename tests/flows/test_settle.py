"""What kill -9 leaves RUNNING is settled; what lives is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
from mlflow.tracking import MlflowClient

from infra import catalog as records
from infra.catalog import Catalog, JobState
from tests.conftest import catalog_of
from tests.flows.conftest import CommandLine


def train(folder: Path, iterations: int) -> list[str | Path]:
    material = ["--guides", folder / "guides", "--submissions", folder / "papers"]
    return ["pipeline", *material, "--strategy", "native", "--set", f"iterations={iterations}"]


def job_of(home: Path) -> records.Job:
    with Catalog.open(catalog_of(home)) as catalog:
        (job,) = records.jobs(catalog, "local")
        return job


def mlflow_status(home: Path, run_id: str) -> str:
    return str(MlflowClient(f"sqlite:///{home}/mlflow.db").get_run(run_id).info.status)


def flow_run(api: str, name: str) -> Any:
    return httpx.get(f"{api}/flow_runs/{name}").json()


def test_a_killed_training_is_settled_once_and_resumed(
    trainyard: CommandLine, class_set: Path, prefect_api: str
) -> None:
    trainyard.kill_at("iteration 1:", *train(class_set, 3))
    left = job_of(trainyard.home)
    assert left.state is JobState.RUNNING
    assert mlflow_status(trainyard.home, left.mlflow_run_id) == "RUNNING"
    assert flow_run(prefect_api, left.flow_run_id)["state_type"] == "RUNNING"

    outcome = trainyard.json("settle")
    settled = {one["id"]: one["what"] for one in outcome["settled"]}
    # Other tests' killed runs are on the same server.
    mine = {left.id: "job", left.mlflow_run_id: "MLflow run", left.flow_run_id: "flow run"}
    assert mine.items() <= settled.items()
    assert job_of(trainyard.home).state is JobState.FAILED
    assert "run the same command again" in job_of(trainyard.home).error
    assert mlflow_status(trainyard.home, left.mlflow_run_id) == "KILLED"
    assert flow_run(prefect_api, left.flow_run_id)["state_type"] == "CRASHED"
    assert trainyard.json("settle")["settled"] == []

    again = trainyard.json(*train(class_set, 3))
    assert again["train"]["n_trained"] + again["train"]["n_reused"] == 3
    assert job_of(trainyard.home).state is JobState.FINISHED
    assert mlflow_status(trainyard.home, left.mlflow_run_id) == "FINISHED"


def test_a_training_that_lives_is_left_alone(
    trainyard: CommandLine, class_set: Path, prefect_api: str
) -> None:
    process = trainyard.start(*train(class_set, 40))
    assert process.stderr
    assert any("iteration 1:" in line for line in process.stderr)
    outcome = trainyard.json("settle")
    mine = job_of(trainyard.home)
    touched = {one["id"] for one in [*outcome["settled"], *outcome["left"]]}
    assert not touched & {mine.id, mine.mlflow_run_id, mine.flow_run_id}
    for _ in process.stderr:
        pass
    assert process.wait(timeout=200) == 0
    assert job_of(trainyard.home).state is JobState.FINISHED
