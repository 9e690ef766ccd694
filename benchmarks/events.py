"""From a new dataset to its training, with nobody at the keyboard: how long, and is anything trained twice?

    python benchmarks/events.py [--datasets 10]

`trainyard up` runs with its worker and the triggers of prefect.yaml, in a TRAINYARD_HOME of its own.
Datasets are made one after the other by a process of their own, as a schedule would; each event is sent
twice, as happens to events. Seconds are those between the event's note in the catalog and the running flow
that its trigger asked for: matching, the worker's look, and the start of a process; `seconds_to_job` also
hold the choice of a strategy. `duplicates` are jobs beyond one a dataset, and iterations trained twice.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

GUIDE = """Plants {n}

Question 1 (2 marks)
How do plants of garden {n} make food?
Model answer: Leaves absorb sunlight and roots take up water.
Marking points:
- leaves absorb sunlight [1]
- roots take up water [1]

Total: 2 marks
"""
PREPARE = """
import sys
from tasks.launch import launch
launch()
from flows.prepare import prepare
from tasks.events import DATASET_CREATED, send
made = prepare(guides=sys.argv[1] + "/guides", submissions=sys.argv[1] + "/papers", dataset=sys.argv[2])
send(DATASET_CREATED, made["dataset"]["fingerprint"], dict(made["dataset"]))
"""


WORDS = """
I think that this maybe has something to do with our garden where my uncle grows beans corn roses and herbs
every spring after rain when it gets warm outside but nobody ever told me why plants turn green so quickly or
how they know about summer winter night day soil air wind stones bees worms and birds
"""


def write_class(folder: Path, number: int) -> None:
    """A guide and 80 graded papers that no other class has, each in words of its own."""
    chance = random.Random(number)
    (folder / "guides").mkdir(parents=True)
    (folder / "papers").mkdir()
    (folder / "guides" / f"plants-{number}.txt").write_text(GUIDE.format(n=number))
    points = ("leaves absorb sunlight", "roots take up water")
    for student in range(80):
        made = [point for point in points if chance.random() < 0.6]
        # Near copies would be set aside.
        own = " ".join(chance.sample(WORDS.split(), 6))
        text = f"{' and '.join(made) or 'magic happens'}, {own} {number} {student}"
        paper = f"Student: S{student}\nGuide: Plants {number}\n\nQuestion 1\n{text}\nScore: {len(made)}/2\n"
        (folder / "papers" / f"{number}-{student}.txt").write_text(paper)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def measure(n_datasets: int, home: Path) -> dict[str, float]:
    """The figures, from the catalog."""
    environment = {
        **os.environ,
        "TRAINYARD_HOME": str(home),
        "TRAINYARD_PREFECT_PORT": str(free_port()),
        "TRAINYARD_MLFLOW_PORT": str(free_port()),
    }
    up = subprocess.Popen(
        [sys.executable, "-m", "flows", "up"], env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        assert up.stderr
        if not any("Ctrl-C" in line for line in up.stderr):
            raise SystemExit("trainyard up did not start")
        for number in range(n_datasets):
            write_class(home / f"class-{number}", number)
            subprocess.run(
                [sys.executable, "-c", PREPARE, home / f"class-{number}", f"class-{number}"],
                env=environment,
                check=True,
                stdout=subprocess.DEVNULL,
            )
            wait_for_jobs(home, number + 1)
            print(f"dataset {number + 1} of {n_datasets}: trained", flush=True)
        return figures(home, f"http://127.0.0.1:{environment['TRAINYARD_PREFECT_PORT']}/api")
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(60)


def wait_for_jobs(home: Path, n_finished: int) -> None:
    from infra import catalog as records

    deadline = time.monotonic() + 300
    with records.Catalog.open(f"sqlite:///{home}/catalog.db") as catalog:
        while len(records.jobs(catalog, "local", states=[records.JobState.FINISHED])) < n_finished:
            if time.monotonic() > deadline:
                raise SystemExit(f"no training of dataset {n_finished} within 300 s")
            time.sleep(0.5)


def figures(home: Path, api: str) -> dict[str, float]:
    from infra import catalog as records

    with records.Catalog.open(f"sqlite:///{home}/catalog.db") as catalog:
        told = records.announcements(catalog, "local", event="trainyard.dataset.created")
        jobs = records.jobs(catalog, "local", limit=10_000)
        dataset_of = {d.fingerprint: d.id for d in records.datasets(catalog, "local")}
        begun = {job.dataset_id: job.created_at for job in reversed(jobs)}
        n_iterations = sum(len(records.iterations(catalog, job.id)) for job in jobs)
    to_job = [(begun[dataset_of[one.subject]] - one.created_at).total_seconds() for one in told]
    running = first_sweeps(api)
    seconds = [(running[one.subject] - one.created_at).total_seconds() for one in told]
    return {
        "seconds_median": round(statistics.median(seconds), 2),
        "seconds_p95": round(sorted(seconds)[max(0, -(-95 * len(seconds) // 100) - 1)], 2),
        "seconds_to_job": round(statistics.median(to_job), 2),
        "duplicates": len(jobs) - len(told) + (n_trained(api) - n_iterations),
        "datasets": len(told),
    }


def first_sweeps(api: str) -> dict[str, datetime]:
    """Fingerprint of a dataset → when the first sweep that its event asked for ran."""
    runs = asked(api, "flow_runs/filter", {"flows": {"name": {"any_": ["sweep"]}}})
    begun: dict[str, datetime] = {}
    for run in runs:
        moment = datetime.fromisoformat(run["start_time"]) if run["start_time"] else None
        dataset = run["parameters"].get("dataset", "")
        if moment is not None and (dataset not in begun or moment < begun[dataset]):
            begun[dataset] = moment
    return begun


def asked(api: str, path: str, body: Any) -> Any:
    token = httpx.get(f"{api}/csrf-token", params={"client": "events"}).json()["token"]
    headers = {"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": "events"}
    return httpx.post(f"{api}/{path}", json=body, headers=headers).raise_for_status().json()


def n_trained(api: str) -> int:
    """Iterations that did their work, as Prefect counted them; those found done are called Cached."""
    wanted = {"name": {"like_": "iteration "}, "state": {"name": {"any_": ["Completed"]}}}
    return int(asked(api, "task_runs/count", {"task_runs": wanted}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", type=int, default=10)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="trainyard-events-") as folder:
        outcome = measure(given.datasets, Path(folder))
    for name, value in outcome.items():
        print(f"{name:>16} {value:g}")
    print(json.dumps(outcome))


if __name__ == "__main__":
    main()
