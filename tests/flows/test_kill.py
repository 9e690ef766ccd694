"""kill -9 at any moment, then the same command again: finished, nothing repeated, nothing doubled."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from mlflow.tracking import MlflowClient

from infra import catalog as records
from infra.catalog import Catalog, JobState
from tests.flows.conftest import CommandLine, write_class_set


@pytest.fixture(scope="module")
def large_class(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    write_class_set(folder, 120)
    return folder


def command(folder: Path) -> list[str | Path]:
    material = ["--guides", folder / "guides", "--submissions", folder / "papers"]
    return ["pipeline", *material, "--strategy", "native", "--set", "iterations=4"]


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("reading submission files", id="extraction"),
        pytest.param("iteration 2:", id="training"),
        pytest.param("held-out answers:", id="report"),
    ],
)
def test_a_killed_pipeline_is_finished_by_running_it_again(
    trainyard: CommandLine, large_class: Path, moment: str
) -> None:
    trainyard.environment["TRAINYARD_CHUNK_SIZE"] = "20"
    before = trainyard.kill_at(moment, *command(large_class))
    outcome = trainyard.json(*command(large_class))

    trained = len(re.findall(r"iteration \d+:", before))
    train = outcome["train"]
    assert train["n_trained"] + train["n_reused"] == 4
    # The iteration that was told of last may have been killed before its result was kept.
    assert train["n_reused"] >= trained - 1

    with Catalog.open(trainyard.catalog_url) as catalog:
        (job,) = records.jobs(catalog, "local")
        assert job.state is JobState.FINISHED
        assert [row.iteration for row in records.iterations(catalog, job.id)] == [1, 2, 3, 4]
        assert len(records.files(catalog, "local")) == 121
        assert len(records.answers_frame(catalog, "local")) == 240
        assert len(records.datasets(catalog, "local")) == 1
    store = MlflowClient(f"sqlite:///{trainyard.home}/mlflow.db")
    (run,) = store.search_runs([e.experiment_id for e in store.search_experiments()])
    assert run.info.status == "FINISHED"
    assert len(store.get_metric_history(run.info.run_id, "qwk")) == 4
    assert len(store.search_model_versions("name='grader-default'")) == 1
    assert Path(outcome["report"]["html"]).exists()


def test_chunks_that_were_recorded_before_a_kill_are_not_read_again(
    trainyard: CommandLine, large_class: Path
) -> None:
    trainyard.environment["TRAINYARD_CHUNK_SIZE"] = "10"
    trainyard.kill_at("submissions: ", *command(large_class))
    outcome = trainyard.json(*command(large_class))
    assert sum(part["n_read"] for part in outcome["prepare"]["ingested"]) == 0


def test_a_killed_command_leaves_no_process_behind(
    tmp_path: Path, large_class: Path, wait_for: Callable[[Callable[[], Any], float], Any]
) -> None:
    alone = CommandLine(tmp_path / "home", {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120"})
    process = alone.start(*command(large_class))
    assert process.stderr
    assert any("reading submission files" in line for line in process.stderr), "it ended before"
    family = psutil.Process(process.pid).children(recursive=True)
    assert any("uvicorn" in " ".join(child.cmdline()) for child in family), "Prefect's temporary server"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    wait_for(lambda: not any(map(_lives, family)), 30)


def _lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
