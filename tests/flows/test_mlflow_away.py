"""MLflow away at the start, in the middle and at the end of a training: nothing lost, nothing doubled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from mlflow.tracking import MlflowClient

from infra import catalog as records
from infra.catalog import Catalog, Job, JobState
from infra.server_commands import mlflow_command, mlflow_environment
from infra.settings import Settings
from tests.flows.conftest import CommandLine, free_port

Wait = Callable[[Callable[[], Any], float], Any]
N = 8


class Mlflow:
    """A real server that comes and goes; what it was told stays."""

    def __init__(self, home: Path, wait_for: Wait) -> None:
        home.mkdir()
        self._settings = Settings(home=home, mlflow_port=free_port())
        self._wait_for = wait_for
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"http://127.0.0.1:{self._settings.mlflow_port}"

    def start(self) -> None:
        self._process = subprocess.Popen(
            mlflow_command(self._settings),
            env=mlflow_environment(self._settings),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._wait_for(self._answers, 120)

    def kill(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health").is_success
        except httpx.HTTPError:
            return False

    def curve(self, job: Job) -> list[int]:
        """The iterations of which it has a figure, one entry a point."""
        points = MlflowClient(self.url).get_metric_history(job.mlflow_run_id, "qwk")
        return sorted(point.step for point in points)

    def runs(self) -> list[Any]:
        store = MlflowClient(self.url)
        return list(store.search_runs([one.experiment_id for one in store.search_experiments()]))


@pytest.fixture
def mlflow(tmp_path: Path, wait_for: Wait) -> Iterator[Mlflow]:
    server = Mlflow(tmp_path / "mlflow", wait_for)
    yield server
    server.kill()


def job_of(trainyard: CommandLine) -> Job:
    with Catalog.open(trainyard.catalog_url) as catalog:
        (job,) = records.jobs(catalog, "local")
        return job


@pytest.mark.timeout(900)
def test_a_training_outlives_its_mlflow_and_tells_it_all_later_once(
    trainyard: CommandLine, class_set: Path, mlflow: Mlflow
) -> None:
    trainyard.environment["TRAINYARD_MLFLOW_TRACKING_URI"] = mlflow.url
    material = ["--guides", class_set / "guides", "--submissions", class_set / "papers"]
    command = ["pipeline", *material, "--strategy", "native", "--set", f"iterations={N}"]
    command += ["--set", f"patience={N}"]

    said = trainyard.kill_at("iteration 3:", *command)
    assert "sent later" in said, "away at the start"
    assert job_of(trainyard).mlflow_run_id == ""
    mlflow.start()
    settled = trainyard.json("settle")["settled"]
    assert ("figures", "sent") in [(one["what"], one["now"]) for one in settled]
    assert mlflow.curve(job_of(trainyard))[:2] == [1, 2]
    assert [run.info.status for run in mlflow.runs()] == ["KILLED"]

    process = trainyard.start(*command)
    assert process.stderr
    assert any("iteration 5:" in line for line in process.stderr)
    mlflow.kill()
    assert any("sent later" in line for line in process.stderr), "away in the middle"
    assert any(f"iteration {N}:" in line for line in process.stderr)
    mlflow.start()
    process.communicate(timeout=200)
    assert process.returncode == 0
    job = job_of(trainyard)
    assert job.state is JobState.FINISHED
    assert mlflow.curve(job) == list(range(1, N + 1))
    (run,) = mlflow.runs()
    assert run.info.status == "FINISHED"
    assert run.data.metrics["qwk"] == pytest.approx(last_qwk(trainyard, job))
    assert len(MlflowClient(mlflow.url).search_model_versions("name='grader-default'")) == 1


def last_qwk(trainyard: CommandLine, job: Job) -> float:
    with Catalog.open(trainyard.catalog_url) as catalog:
        return float(records.iterations(catalog, job.id)[-1].metrics["qwk"] or 0)


TRAIN = """
from tasks.launch import attended, launch
launch()
from domain.errors import OutsideError
from flows.train import train
from tasks.runs import open_run, register_model
# The same outage in fewer minutes.
open_run.retries = register_model.retries = 0
with attended():
    try:
        train(strategy="native", hyperparameters=["iterations=1"], otherwise="transfer")
    except OutsideError as error:
        print(type(error).__name__, error)
"""


def test_no_other_strategy_takes_over_from_one_whose_model_only_waits_for_mlflow(
    trainyard: CommandLine, class_set: Path
) -> None:
    trainyard.run("prepare", "--guides", class_set / "guides", "--submissions", class_set / "papers")
    away = {"TRAINYARD_HOME": str(trainyard.home), "TRAINYARD_CATALOG_URL": trainyard.catalog_url}
    away["TRAINYARD_MLFLOW_TRACKING_URI"] = f"http://127.0.0.1:{free_port()}"
    environment = {**os.environ, **trainyard.environment, **away}
    done = subprocess.run(
        [sys.executable, "-c", TRAIN], env=environment, capture_output=True, text=True, timeout=240
    )
    assert done.stdout.startswith("OutsideError"), done.stderr
    # It is resumed, and only registers; one that was given up is not.
    assert job_of(trainyard).broken_off
