"""A training that is asked to end, or whose time is over, ends at once and goes on when run again."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from mlflow.tracking import MlflowClient

from infra import catalog as records
from infra.catalog import Catalog, Job, JobState
from tests.flows.conftest import CommandLine

Wait = Callable[[Callable[[], Any], float], Any]


def command(folder: Path, *more: str) -> list[str | Path]:
    """Its iterations take a quarter of an hour, but for `more`."""
    material = ["--guides", folder / "guides", "--submissions", folder / "papers"]
    long = ["--set", "iterations=2", *(more or ("--set", "steps=10000", "--set", "rounds=1000"))]
    return ["pipeline", *material, "--strategy", "native", *long]


def in_its_iteration(trainyard: CommandLine, folder: Path, wait_for: Wait) -> tuple[Any, Job]:
    process = trainyard.start(*command(folder))
    assert process.stderr
    assert any(": native on dataset" in line for line in process.stderr)
    wait_for(lambda: job_of(trainyard).mlflow_run_id, 60)
    return process, job_of(trainyard)


def job_of(trainyard: CommandLine) -> Job:
    with Catalog.open(trainyard.catalog_url) as catalog:
        (job,) = records.jobs(catalog, "local")
        return job


def run_status(trainyard: CommandLine) -> str:
    store = MlflowClient(f"sqlite:///{trainyard.home}/mlflow.db")
    return str(store.get_run(job_of(trainyard).mlflow_run_id).info.status)


def ended(process: subprocess.Popen[str], family: list[psutil.Process]) -> str:
    """What it said at last; none of its processes is left."""
    said = process.communicate(timeout=30)[1]
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive
    return said


def family_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def test_trainyard_cancel_ends_a_long_iteration_and_leaves_what_can_be_resumed(
    trainyard: CommandLine, class_set: Path, prefect_api: str, wait_for: Wait
) -> None:
    process, job = in_its_iteration(trainyard, class_set, wait_for)
    family = family_of(process)
    cancelled = trainyard.json("cancel", job.id[:8])
    assert (cancelled["job_id"], cancelled["state"]) == (job.id, "cancelled")
    assert "run the same command again" in ended(process, family)
    assert process.returncode == 1
    assert run_status(trainyard) == "KILLED"
    told = httpx.get(f"{prefect_api}/flow_runs/{job.flow_run_id}").json()
    assert told["state_type"] == "CANCELLED"
    assert "only a running job" in trainyard.run("cancel", job.id[:8], code=1).stderr

    trainyard.environment["TRAINYARD_TIME_LIMIT_SECONDS"] = "8"
    assert "its time" not in job_of(trainyard).error
    assert "TRAINYARD_TIME_LIMIT_SECONDS is over" in trainyard.run(*command(class_set), code=1).stderr
    assert job_of(trainyard).state is JobState.FAILED
    assert "its time was over" in job_of(trainyard).error
    assert run_status(trainyard) == "KILLED"


def test_a_training_that_is_cancelled_on_prefects_pages_ends(
    trainyard: CommandLine, class_set: Path, prefect_api: str, wait_for: Wait
) -> None:
    process, job = in_its_iteration(trainyard, class_set, wait_for)
    family = family_of(process)
    token = httpx.get(f"{prefect_api}/csrf-token", params={"client": "test"}).json()["token"]
    httpx.post(
        f"{prefect_api}/flow_runs/{job.flow_run_id}/set_state",
        json={"state": {"type": "CANCELLING"}},
        headers={"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": "test"},
    ).raise_for_status()
    ended(process, family)
    told = httpx.get(f"{prefect_api}/flow_runs/{job.flow_run_id}").json()
    assert told["state_type"] == "CANCELLED"
    assert job_of(trainyard).state is JobState.CANCELLED
    assert run_status(trainyard) == "KILLED"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_a_job_that_can_be_resumed(
    number: signal.Signals, trainyard: CommandLine, class_set: Path, wait_for: Wait
) -> None:
    process, _ = in_its_iteration(trainyard, class_set, wait_for)
    family = family_of(process)
    process.send_signal(number)
    ended(process, family)
    assert run_status(trainyard) == "KILLED"
    job = job_of(trainyard)
    # Ctrl-C is a wish, a signal an accident: the next sweep goes on with what was broken off.
    assert (job.state is JobState.CANCELLED, job.broken_off) == (
        number == signal.SIGINT,
        number == signal.SIGTERM,
    )
