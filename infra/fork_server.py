"""A process that others are forked from (`infra.forking`), started when needed and anew when it is gone."""

from __future__ import annotations

import contextlib
import itertools
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence

from infra.forking import FORK, KILL, MESSAGE


class ForkServer:
    """Runs `command`, which must call `serve_forks`, in the environment that `environment` returns."""

    def __init__(self, command: Sequence[str], environment: Callable[[], Mapping[str, str]]) -> None:
        self._command = list(command)
        self._environment = environment
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def start(self) -> None:
        """Starts it where it does not run; it warms up meanwhile."""
        with self._lock:
            self._started()

    def fork(self) -> tuple[int, socket.socket]:
        """A new child's number and our end of its socket."""
        ours, theirs = socket.socketpair()
        with self._lock, theirs:
            number = next(self._numbers)
            try:
                socket.send_fds(self._started(), [MESSAGE.pack(FORK, number)], [theirs.fileno()])
            except OSError:
                # It died just now; the child's socket, which nobody serves, says so.
                self._end()
        return number, ours

    def kill(self, number: int) -> None:
        with self._lock:
            if self._control:
                # Without a server there is no child left either.
                with contextlib.suppress(OSError):
                    self._control.send(MESSAGE.pack(KILL, number))

    def stop(self) -> None:
        """Ends it and its children."""
        with self._lock:
            self._end()

    def _started(self) -> socket.socket:
        if self._process and self._process.poll() is not None:
            self._end()
        if self._control is None:
            self._control, theirs = socket.socketpair()
            with theirs:
                self._process = subprocess.Popen(
                    self._command,
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=dict(self._environment()),
                )
        return self._control

    def _end(self) -> None:
        if self._control and self._process:
            self._control.close()
            self._process.wait()
        self._control = self._process = None
