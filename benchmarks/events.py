"""From a new dataset to its training, with nobody at the keyboard: how long, and is anything trained twice?

    python benchmarks/events.py [--datasets 5] [--minutes 10]

`trainyard up` runs with its worker and the triggers of prefect.yaml, in a TRAINYARD_HOME of its own.
Datasets are made one after the other by a process of their own, as a schedule would; each event is sent
twice, as happens to events. Seconds are those between the event's note in the catalog and the running flow
that its trigger asked for: matching, the worker's look, and the start of a process; `seconds_to_job` also
hold the choice of a strategy. Where the seconds go is told too: `seconds_to_ask` end when the server has
asked for the flow run, `seconds_to_claim` when the worker has taken it; then its process starts. `duplicates`
are jobs beyond one a dataset, and iterations trained twice. Trainings are of one iteration: they are waited
for, so that each event finds a machine at rest. What was measured until the minutes are over is told.
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

_BEGUN = time.monotonic()
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


def measure(n_datasets: int, home: Path, minutes: float) -> dict[str, float]:
    """The figures, from the catalog and the server."""
    end = time.monotonic() + 60 * minutes
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
        api = f"http://127.0.0.1:{environment['TRAINYARD_PREFECT_PORT']}/api"
        train_quickly(api)
        say("trainyard up is ready")
        for number in range(n_datasets):
            write_class(home / f"class-{number}", number)
            subprocess.run(
                [sys.executable, "-c", PREPARE, home / f"class-{number}", f"class-{number}"],
                env=environment,
                check=True,
                stdout=subprocess.DEVNULL,
            )
            say(f"dataset {number + 1} of {n_datasets} is made, and its event sent")
            if not wait_for_jobs(home, number + 1, end):
                break
            say(f"dataset {number + 1} of {n_datasets} is trained on")
            wait_for_rest(api, end)
        return figures(home, api)
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(60)


def say(words: str) -> None:
    print(f"{time.monotonic() - _BEGUN:6.1f} s  {words} (load {os.getloadavg()[0]:.1f})", flush=True)


def train_quickly(api: str) -> None:
    """The sweep's trainings from now on: of the strategy that is there everywhere, and of one iteration."""
    (sweep,) = asked(api, "deployments/filter", {"deployments": {"name": {"any_": ["sweep"]}}})
    quick = {"parameters": {"strategy": "native", "hyperparameters": ["iterations=1"]}}
    asked(api, f"deployments/{sweep['id']}", quick, method="PATCH")


def wait_for_jobs(home: Path, n_finished: int, end: float) -> bool:
    """Whether so many trainings have finished before `end`."""
    from infra import catalog as records

    with records.Catalog.open(f"sqlite:///{home}/catalog.db") as catalog:
        while len(records.jobs(catalog, "local", states=[records.JobState.FINISHED])) < n_finished:
            if time.monotonic() > end:
                say(f"the time is over before the training of dataset {n_finished}")
                return False
            time.sleep(0.5)
    return True


def wait_for_rest(api: str, end: float) -> None:
    """Returns when the flow runs that the events asked for have ended."""
    states = ["PENDING", "RUNNING", "CANCELLING"]
    busy = {"flow_runs": {"state": {"type": {"any_": states}}}}
    while asked(api, "flow_runs/count", busy) and time.monotonic() < end:
        time.sleep(0.5)


def figures(home: Path, api: str) -> dict[str, float]:
    from infra import catalog as records

    with records.Catalog.open(f"sqlite:///{home}/catalog.db") as catalog:
        told = records.announcements(catalog, "local", event="trainyard.dataset.created")
        jobs = records.jobs(catalog, "local", limit=10_000)
        dataset_of = {d.fingerprint: d.id for d in records.datasets(catalog, "local")}
        begun = {job.dataset_id: job.created_at for job in reversed(jobs)}
        n_iterations = sum(len(records.iterations(catalog, job.id)) for job in jobs)
    sweeps = first_sweeps(api)
    told = [one for one in told if one.subject in sweeps and dataset_of[one.subject] in begun]
    if not told:
        raise SystemExit("no event was followed by a training in time: more --minutes")

    def until(phase: str) -> list[float]:
        return [(sweeps[one.subject][phase] - one.created_at).total_seconds() for one in told]

    seconds = until("running")
    to_job = [(begun[dataset_of[one.subject]] - one.created_at).total_seconds() for one in told]
    return {
        "seconds_median": round(statistics.median(seconds), 2),
        "seconds_p95": round(sorted(seconds)[max(0, -(-95 * len(seconds) // 100) - 1)], 2),
        "seconds_max": round(max(seconds), 2),
        "seconds_to_ask": round(statistics.median(until("asked")), 2),
        "seconds_to_claim": round(statistics.median(until("claimed")), 2),
        "seconds_to_job": round(statistics.median(to_job), 2),
        "duplicates": len(jobs) - len(told) + (n_trained(api) - n_iterations),
        "datasets": len(told),
    }


def first_sweeps(api: str) -> dict[str, dict[str, datetime]]:
    """Fingerprint of a dataset → when the first sweep that its event asked for was "asked", "claimed" and
    "running"."""
    runs = asked(api, "flow_runs/filter", {"flows": {"name": {"any_": ["sweep"]}}})
    begun: dict[str, dict[str, datetime]] = {}
    for run in runs:
        dataset = run["parameters"].get("dataset", "")
        if not run["start_time"]:
            continue
        states = asked(api, f"flow_run_states/?flow_run_id={run['id']}", method="GET")
        claims = [datetime.fromisoformat(one["timestamp"]) for one in states if one["type"] == "PENDING"]
        moments = {
            "asked": datetime.fromisoformat(run["created"]),
            "claimed": min(claims),
            "running": datetime.fromisoformat(run["start_time"]),
        }
        if dataset not in begun or moments["running"] < begun[dataset]["running"]:
            begun[dataset] = moments
    return begun


def asked(api: str, path: str, body: Any = None, method: str = "POST") -> Any:
    """The server's answer. One whose database is busy says 503, and is asked again."""
    for _ in range(20):
        token = (
            httpx.get(f"{api}/csrf-token", params={"client": "events"}, timeout=60).json().get("token", "")
        )
        headers = {"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": "events"}
        told = httpx.request(method, f"{api}/{path}", json=body, headers=headers, timeout=60)
        if told.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
        time.sleep(1)
    return told.raise_for_status().json() if told.content else None


def n_trained(api: str) -> int:
    """Iterations that did their work, as Prefect counted them; those found done are called Cached."""
    wanted = {"name": {"like_": "iteration "}, "state": {"name": {"any_": ["Completed"]}}}
    return int(asked(api, "task_runs/count", {"task_runs": wanted}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datasets", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=10, help="after which no more is waited for")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="trainyard-events-") as folder:
        outcome = measure(given.datasets, Path(folder), given.minutes)
    for name, value in outcome.items():
        print(f"{name:>16} {value:g}")
    print(json.dumps(outcome))


if __name__ == "__main__":
    main()
