"""The simulator for tests: in a thread of the test's process, or in a process of its own.

    with running_simulator(latency=0.05, faults={"error_503": 0.2}) as server:
        client = OpenAI(base_url=server.base_url, api_key="any", max_retries=0)
        ...
        assert server.counts()["answered"] == 20

Options are the fields of `infra.llm_simulator.behaviour.Behaviour`. Both servers have `base_url` (ends
in /v1), `root_url` (for DeepSeek's paths, and as base of the groq SDK), `groq_url`, `port`, `counts()`,
`set(**options)` and `stop()`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.llm_simulator.behaviour import behaviour_of
from infra.llm_simulator.server import Simulator

_ROOT = Path(__file__).parent.parent


@contextmanager
def running_simulator(**options: Any) -> Iterator[Simulator]:
    """A server in a thread of this process."""
    simulator = Simulator(behaviour_of(options)).start()
    try:
        yield simulator
    finally:
        simulator.stop()


class SimulatorProcess:
    """A server in a process of its own: what it costs is not this process's, and it survives its kill.

    Options must be JSON, so `responders` cannot be given.
    """

    def __init__(self, **options: Any) -> None:
        command = [sys.executable, "-m", "infra.llm_simulator", "--options", json.dumps(options)]
        self.process = subprocess.Popen(
            command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.base_url = self.process.stdout.readline().strip()
        assert self.base_url, "the simulator did not start: its complaint is on stderr"
        self.root_url = self.base_url.removesuffix("/v1")
        self.groq_url = f"{self.root_url}/openai/v1"
        self.port = int(self.root_url.rsplit(":", 1)[1])

    def counts(self) -> dict[str, Any]:
        return dict(self._control("counts"))

    def set(self, **options: Any) -> None:
        self._control("behaviour", json.dumps(options).encode())

    def stop(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def _control(self, what: str, body: bytes | None = None) -> Any:
        try:
            with urllib.request.urlopen(f"{self.root_url}/control/{what}", body, timeout=30) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            raise ValueError(error.read().decode()) from None


@contextmanager
def simulator_process(**options: Any) -> Iterator[SimulatorProcess]:
    """A server in a process of its own."""
    simulator = SimulatorProcess(**options)
    try:
        yield simulator
    finally:
        simulator.stop()
