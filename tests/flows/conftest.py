"""What the flow tests share: a class set on disk, one Prefect server, and the command line itself."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from infra.servers import serving
from infra.settings import Settings
from tests.conftest import catalog_of

GUIDE = """Plants and rust

Question 1 (2 marks)
How do plants make food?
Model answer: Leaves absorb sunlight and roots take up water to make sugar.
Marking points:
- leaves absorb sunlight [1]
- roots take up water [1]

Question 2 (2 marks)
Why does iron rust?
Model answer: Iron reacts with oxygen and needs moisture.
Marking points:
- reacts with oxygen [1]
- needs moisture [1]

Total: 4 marks
"""
POINTS = (
    (
        ("leaves absorb sunlight", "sunlight is taken in by the leaves"),
        ("roots take up water", "water from the roots"),
    ),
    (
        ("it reacts with oxygen", "oxygen combines with the iron"),
        ("moisture is needed", "it needs to be wet"),
    ),
)
FILLERS = ("I think", "because", "as we learned", "well,", "in my view", "probably")
WRONG = ("magic happens", "it eats soil", "the wind does it", "nobody knows why")


def write_class_set(folder: Path, n_students: int = 30) -> None:
    """A guide and one graded paper a student: a mark for each point that the answer makes."""
    chance = np.random.default_rng(0)
    (folder / "guides").mkdir(parents=True)
    (folder / "papers").mkdir()
    (folder / "guides" / "plants.txt").write_text(GUIDE)
    for number in range(n_students):
        lines = [f"Student: S{number:03d}", "Guide: Plants and rust", ""]
        for item, points in enumerate(POINTS, 1):
            made = [p for p in points if chance.random() < 0.6]
            said = [str(chance.choice(p)) for p in made] or [str(chance.choice(WRONG))]
            opening = " ".join(chance.choice(FILLERS, 2, replace=False))
            lines += [
                f"Question {item}",
                f"{opening} {' and '.join(said)} {number}",
                f"Score: {len(made)}/2",
                "",
            ]
        (folder / "papers" / f"paper-{number:03d}.txt").write_text("\n".join(lines))


@dataclass
class CommandLine:
    """`trainyard` in processes of its own, with a home of its own."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def catalog_url(self) -> str:
        return self.environment.get("TRAINYARD_CATALOG_URL") or catalog_of(self.home)

    @property
    def whole_environment(self) -> dict[str, str]:
        """Of a process that works in this home, as `trainyard` does."""
        here = {"TRAINYARD_CATALOG_URL": self.catalog_url, "TRAINYARD_HOME": str(self.home)}
        return {**os.environ, **here, **self.environment}

    def start(self, *arguments: str | Path, **extra: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "flows", *map(str, arguments)],
            env={**self.whole_environment, **extra},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str | Path, code: int = 0, **extra: str) -> subprocess.CompletedProcess[str]:
        """Runs to the end and checks the exit code."""
        process = self.start(*arguments, **extra)
        out, err = process.communicate(timeout=240)
        assert process.returncode == code, f"exit {process.returncode}\n{out}\n{err}"
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def json(self, *arguments: str | Path, code: int = 0, **extra: str) -> Any:
        return json.loads(self.run(*arguments, "--json", code=code, **extra).stdout)

    def kill_at(self, word: str, *arguments: str | Path, **extra: str) -> str:
        """Kills the whole process group with SIGKILL when `word` appears on stderr; what came before it."""
        process = self.start(*arguments, **extra)
        assert process.stderr
        said = ""
        deadline = time.monotonic() + 200
        for line in process.stderr:
            said += line
            if word in line:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
                return said
            assert time.monotonic() < deadline, said
        raise AssertionError(f"{word!r} was never said:\n{said}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Prefect server of this session's own, so that each command need not start one."""
    home = tmp_path_factory.mktemp("servers")
    settings = Settings(
        home=home,
        prefect_port=free_port(),
        mlflow_port=free_port(),
        mlflow_tracking_uri=f"sqlite:///{home}/mlflow.db",
        mlflow_artifact_root=str(home / "mlartifacts"),
    )
    with serving(settings, worker=False) as servers:
        yield servers.prefect_api_url


@pytest.fixture
def trainyard(tmp_path: Path, prefect_api: str) -> CommandLine:
    return CommandLine(tmp_path / "home", {"TRAINYARD_PREFECT_API_URL": prefect_api})


@pytest.fixture(scope="session")
def class_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("class")
    write_class_set(folder)
    return folder


@pytest.fixture
def wait_for() -> Callable[[Callable[[], Any], float], Any]:
    """Asks until the answer is true, or fails after so many seconds."""

    def wait(question: Callable[[], Any], seconds: float) -> Any:
        deadline = time.monotonic() + seconds
        while not (answer := question()):
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.5)
        return answer

    return wait
