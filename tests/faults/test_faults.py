"""Worker, server, database or the training itself killed with -9 at random moments: all ends well, and once.

Three rounds by default, one after the other on the same production; `--fault-rounds 50` for the whole matrix.
"""

from __future__ import annotations

import json
import logging
import random
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from mlflow.tracking import MlflowClient

from infra import catalog as records
from infra.catalog import Catalog, Job, JobState
from infra.job_logs import lines_of
from tests.faults.conftest import Production, runs, until
from tests.flows.conftest import write_class_set

log = logging.getLogger(__name__)

N_ITERATIONS, N_PAPERS = 8, 24
MOST_WORK = 1.3
_LATER = 0.6
VICTIMS = ("task", "worker", "server", "database")
FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
RECOVER = """
import json, sys
from tasks.launch import attended, launch
launch()
from flows.pipeline import pipeline
from flows.settle import settle
with attended():
    settled = settle()
    done = pipeline(**json.loads(sys.argv[1]))
print(json.dumps({"settled": settled["settled"], "job": done["train"]["job_id"]}))
"""


@dataclass
class Rounds:
    """What was asked for so far, and what it took."""

    production: Production
    pool: Path
    folder: Path
    n_papers: int = N_PAPERS
    n_jobs: int = 0
    n_broken_off: int = 0

    def parameters(self) -> dict[str, Any]:
        """Of a pipeline that no round had yet: two more papers, and a seed."""
        self.n_papers += 2
        self.n_jobs += 1
        papers = sorted((self.pool / "papers").iterdir())[: self.n_papers]
        for paper in papers:
            shutil.copy(paper, self.folder)
        seed = f"seed={self.n_jobs}"
        return {
            "guides": str(self.pool / "guides"),
            "submissions": str(self.folder),
            "strategy": "native",
            "hyperparameters": [f"iterations={N_ITERATIONS}", f"patience={N_ITERATIONS}", seed],
            "promote": "always",
        }


# For fifty rounds on a busy machine; every wait in it is bounded by itself.
@pytest.mark.timeout(5 * 3600)
def test_whatever_is_killed_all_ends_well_and_nothing_is_doubled(
    production: Production, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    n_rounds = request.config.getoption("--fault-rounds")
    chance = random.Random(request.config.getoption("--fault-seed"))
    write_class_set(tmp_path / "pool", N_PAPERS + 2 * (n_rounds + 1))
    (tmp_path / "papers").mkdir()
    rounds = Rounds(production, tmp_path / "pool", tmp_path / "papers")
    # The first one pays for what later ones find ready: kills are to fall into their time.
    seconds = _LATER * undisturbed(rounds)
    order = [VICTIMS[n % len(VICTIMS)] for n in range(n_rounds)]
    chance.shuffle(order)
    for victim in order:
        moment, away = chance.uniform(0, seconds), chance.uniform(0, 2)
        parameters = rounds.parameters()
        flow_run = production.ask_for(**parameters)
        until(production.flow_processes, "the flow run's process")
        time.sleep(moment)
        family = [child for one in production.flow_processes() for child in children(one)]
        kill(production, victim)
        time.sleep(away)
        bring_back(production, victim)
        until(lambda: production.state_of(flow_run) in FINAL or not production.flow_processes(), "its end")  # noqa: B023
        rounds.n_broken_off += any(job.state is not JobState.FINISHED for job in jobs(production))
        told = json.loads(production.run(RECOVER, json.dumps(parameters)))
        log.info("%s at %.1f s: settled %s", victim, moment, [one["what"] for one in told["settled"]])
        check(rounds)
        assert_gone(family)
    work = executed(production) + rounds.n_broken_off
    share = work / (N_ITERATIONS * rounds.n_jobs)
    log.info("%d rounds, %d broken off, work %.3f of undisturbed", n_rounds, rounds.n_broken_off, share)
    assert share <= MOST_WORK


def undisturbed(rounds: Rounds) -> float:
    """How long a pipeline takes from the start of its process, in seconds."""
    flow_run = rounds.production.ask_for(**rounds.parameters())
    until(rounds.production.flow_processes, "the flow run's process")
    begun = time.monotonic()
    until(lambda: rounds.production.state_of(flow_run) in FINAL, "an undisturbed pipeline")
    seconds = time.monotonic() - begun
    assert rounds.production.state_of(flow_run) == "COMPLETED"
    check(rounds)
    return seconds


def kill(production: Production, victim: str) -> None:
    if victim == "task":
        for process in production.flow_processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()
    elif victim == "worker":
        production.worker.kill()
    elif victim == "server":
        production.server.kill()
    else:
        production.kill_database()


def bring_back(production: Production, victim: str) -> None:
    if victim == "worker":
        production.worker.start()
    elif victim == "server":
        production.start_server()
    elif victim == "database":
        production.start_database()


def check(rounds: Rounds) -> None:
    """Everything that was asked for is there, finished, once; and nothing else is."""
    production = rounds.production
    until(lambda: not production.flow_processes(), "the end of all flow runs' processes", 30)
    assert production.left_running() == []
    with Catalog.open(production.environment["TRAINYARD_CATALOG_URL"]) as catalog:
        found = records.jobs(catalog, "local", limit=1000)
        assert len(found) == rounds.n_jobs
        for job in found:
            assert job.state is JobState.FINISHED, job.error
            assert [row.iteration for row in records.iterations(catalog, job.id)] == [
                *range(1, N_ITERATIONS + 1)
            ]
        assert len(records.files(catalog, "local")) == 1 + rounds.n_papers
        assert len(records.answers_frame(catalog, "local")) == 2 * rounds.n_papers
        assert len(records.datasets(catalog, "local")) == rounds.n_jobs
    store = MlflowClient(production.environment["TRAINYARD_MLFLOW_TRACKING_URI"])
    runs = store.search_runs([one.experiment_id for one in store.search_experiments()], max_results=1000)
    states = {run.info.run_id: run.info.status for run in runs}
    assert {states[job.mlflow_run_id] for job in found} == {"FINISHED"}
    assert "RUNNING" not in states.values()
    versions = store.search_model_versions("name='grader-default'")
    assert sorted(version.tags["job_id"] for version in versions) == sorted(job.id for job in found)
    for job in found:
        points = store.get_metric_history(job.mlflow_run_id, "qwk")
        assert sorted(point.step for point in points) == list(range(1, N_ITERATIONS + 1))


def jobs(production: Production) -> list[Job]:
    with Catalog.open(production.environment["TRAINYARD_CATALOG_URL"]) as catalog:
        return records.jobs(catalog, "local", limit=1000)


def executed(production: Production) -> int:
    """How many iterations were trained to their end, those included that were trained again."""
    told = [line["message"] for job in jobs(production) for line in lines_of(production.home, job.id)]
    return sum(message.startswith("iteration ") and "(" in message for message in told)


def assert_gone(family: list[psutil.Process]) -> None:
    until(lambda: not [one for one in family if runs(one)], "the end of all that a killed one began", 30)


def children(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return process.children(recursive=True)
    return []
