"""Child processes that never outlive us: whole trees are stopped, also when we are killed with -9.

A child runs in a session of its own, so that Ctrl-C reaches only us and we stop the children in order.
`Guard` is a small second process that waits for our end of a pipe to close, which the kernel does however
we die, and then stops what is left.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from domain.errors import OutsideError, SettingError

log = logging.getLogger(__name__)

MARK = "_TRAINYARD_UP"
"""The variable in which children, and theirs, carry whose they are."""
PATIENT_THREADS = ("OMP_WAIT_POLICY", "PASSIVE")
"""The variable, and its value, by which threads of numerical libraries sleep while they wait."""
_LOG_LIMIT_BYTES = 5_000_000
_LOGS_KEPT = 3


@dataclass(frozen=True)
class Identity:
    """A process, told from a later one with the same number by when it was created (Unix seconds)."""

    name: str
    pid: int
    created: float

    @staticmethod
    def of(name: str, pid: int) -> Identity:
        return Identity(name, pid, psutil.Process(pid).create_time())

    def process(self) -> psutil.Process | None:
        """The live process, None when it is gone."""
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.created) > 1 or process.status() == psutil.STATUS_ZOMBIE:
                return None
        except psutil.NoSuchProcess:
            return None
        return process


class Child:
    """A running command whose output goes to `log_file`; of our open files it gets `handed_over` alone."""

    def __init__(
        self, name: str, command: list[str], environment: Mapping[str, str], log_file: Path, *handed_over: int
    ) -> None:
        _rotate(log_file)
        self.log_file = log_file
        with log_file.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=handed_over,
            )
        self.identity = Identity.of(name, self._process.pid)

    def exit_code(self) -> int | None:
        return self._process.poll()

    def check(self) -> None:
        """Raises OutsideError, with the end of its log, when the process has ended."""
        if (code := self.exit_code()) is not None:
            raise OutsideError(
                f"the {self.identity.name} ended with exit code {code}; the end of {self.log_file}:\n"
                f"{self.last_lines()}"
            )

    def last_lines(self, n: int = 12) -> str:
        with contextlib.suppress(OSError):
            return "\n".join(self.log_file.read_text("utf-8", "replace").splitlines()[-n:])
        return ""


class Guard:
    """Stops the processes it was told of, and all of that mark, when this process is gone."""

    def __init__(self, mark: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "infra.processes", mark],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def watch(self, identity: Identity) -> None:
        pipe = self._pipe()
        pipe.write(json.dumps([identity.name, identity.pid, identity.created]) + "\n")
        pipe.flush()

    def release(self) -> None:
        """Ends the guard; what it watches and still lives is stopped."""
        self._pipe().close()
        self._process.wait()

    def _pipe(self) -> IO[str]:
        pipe = self._process.stdin
        if pipe is None:
            raise OutsideError("the guard process has no pipe")
        return pipe


def stop(identities: Iterable[Identity], grace_seconds: float = 10) -> None:
    """Ends these processes and all their descendants: asks (SIGTERM), waits, then kills.

    They are asked first, so that a worker can end its flow runs itself; then what they left is asked.
    """
    roots = [process for identity in identities if (process := identity.process())]
    # Before the first is asked: an orphan no longer tells whose child it was.
    family = {process.pid: process for root in roots for process in [root, *_descendants(root)]}
    for asked in (roots, list(family.values())):
        for process in filter(_runs, asked):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
        alive = _left_after(grace_seconds, asked)
    # What was started while we waited, or outlived the parent that we asked.
    alive += [child for process in alive for child in _descendants(process)]
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _left_after(5, alive)


def _left_after(seconds: float, processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Waits until they have ended, at most `seconds`; returns those that have not."""
    deadline = time.monotonic() + seconds
    alive = list(processes)
    while alive := [process for process in alive if _runs(process)]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    return alive


def _runs(process: psutil.Process) -> bool:
    # Not psutil.wait_procs: an orphan that init does not reap stays a zombie, which it waits for.
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def marked(mark: str) -> list[Identity]:
    """The processes that carry `mark` in their environment, whoever their parent is by now.

    A worker that dies leaves its flow runs behind, in sessions of their own.
    """
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK) == mark:
                found.append(Identity(process.name(), process.pid, process.create_time()))
    return found


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.children(recursive=True)
    return []


def need_free_port(port: int, setting: str) -> None:
    """Raises SettingError, naming who listens there, when `port` of the loopback is taken."""
    with socket.socket() as probe:
        # As the servers do: a port whose last connections are still winding down counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SettingError(
                f"port {port} is taken by {_listener(port)}: stop that, or set {setting} to a free port"
            ) from error


def _listener(port: int) -> str:
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.status == "LISTEN":
                if connection.pid is None:
                    break
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return "another process"


def _rotate(log_file: Path) -> None:
    log_file.parent.mkdir(parents=True, exist_ok=True)
    if not log_file.exists() or log_file.stat().st_size < _LOG_LIMIT_BYTES:
        return
    for n in range(_LOGS_KEPT - 1, 0, -1):
        older = log_file.with_suffix(f".log.{n}")
        if older.exists():
            older.replace(log_file.with_suffix(f".log.{n + 1}"))
    log_file.replace(log_file.with_suffix(".log.1"))


def _guard() -> None:
    """What the guard's process does: collect names until the pipe closes, then stop them."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    watched = [Identity(*json.loads(line)) for line in sys.stdin]
    stop(watched)
    stop(marked(sys.argv[1]))


if __name__ == "__main__":
    _guard()
