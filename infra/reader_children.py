"""Reader processes and those who wait for them, whatever is read: see `infra.reader_server`.

A crew lends its readers one at a time; a reader that was killed, by its file or for taking too long, is
replaced. What is asked and answered is the business of `infra.readers` and `infra.picture_readers`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from domain.errors import OutsideError
from infra.fork_server import ForkServer
from infra.processes import MARK
from infra.reader_server import READY, Program

log = logging.getLogger(__name__)

_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH", MARK)
_LOOK_SECONDS = 0.2


class LostError(Exception):
    """The reader ended without an answer. `ready` says whether it had started at all."""

    def __init__(self, *, ready: bool) -> None:
        self.ready = ready


def do_not_start() -> OutsideError:
    return OutsideError(
        f"the processes that read files do not start: `{sys.executable} -m infra.reader_server` says why"
    )


class ReaderChild:
    """One child process of the server's."""

    def __init__(self, server: ForkServer) -> None:
        self._server = server
        self._number, self._socket = server.fork()
        self._answers = self._socket.makefile("rb")
        self._clock, self._deadline = threading.Lock(), float("inf")
        self.expired = self.ready = False
        self.alive = True

    def ask(self, questions: bytes) -> None:
        """Sends whole lines. That the reader is gone is told by its silence, to `line`."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._socket.sendall(questions)
        self.ready = self.ready or self._greeted(self._read_line(65_536))

    def line(self, longest: int) -> bytes:
        """The next line of the answer. Raises LostError at the end of the reader, or of its time."""
        line = self._read_line(longest)
        if not line.endswith(b"\n"):
            raise LostError(ready=self.ready)
        return line

    def content(self, n_bytes: int) -> bytes:
        """The next bytes of the answer. Raises LostError as `line` does."""
        try:
            read = self._answers.read(n_bytes)
        except ConnectionResetError:
            read = b""
        if len(read) != n_bytes:
            raise LostError(ready=self.ready)
        return read

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Ends the process, `expired`, when what is done here takes longer."""
        self._allow(seconds)
        try:
            yield
        finally:
            self._allow(float("inf"))

    def look(self, now: float) -> None:
        """Ends the process when its time is over."""
        # Locked, so that the time that one file took cannot end the reader at the next.
        with self._clock:
            if now > self._deadline:
                self.expired = True
                self._server.kill(self._number)

    def stop(self) -> None:
        if self.alive:
            self.alive = False
            self._server.kill(self._number)
            self._answers.close()
            self._socket.close()

    def _allow(self, seconds: float) -> None:
        with self._clock:
            self._deadline = time.monotonic() + seconds

    def _read_line(self, longest: int) -> bytes:
        try:
            return self._answers.readline(longest)
        except ConnectionResetError:
            return b""

    @staticmethod
    def _greeted(line: bytes) -> bool:
        """Whether the reader is there. Tells once which walls around readers this system lacks."""
        if not line.startswith(READY.encode()) or not line.endswith(b"\n"):
            return False
        _tell_missing(tuple(json.loads(line[len(READY) :])))
        return True


class ReaderCrew:
    """`n_readers` processes at most, forked when first needed."""

    def __init__(self, program: Program, n_readers: int, memory_bytes: int) -> None:
        command = (sys.executable, "-m", "infra.reader_server", program, str(memory_bytes))
        self.server = ForkServer(command, _environment)
        self._idle: queue.LifoQueue[ReaderChild | None] = queue.LifoQueue()
        for _ in range(n_readers):
            self._idle.put(None)
        self._busy: set[ReaderChild] = set()
        self._stopped = threading.Event()
        threading.Thread(target=self._watch, name="reader-watch", daemon=True).start()

    @contextmanager
    def lent(self) -> Iterator[ReaderChild]:
        """A reader of one's own; waits until one is idle. One left with answers to come must be stopped."""
        reader = self._idle.get()
        try:
            reader = reader or ReaderChild(self.server)
            self._busy.add(reader)
            yield reader
        finally:
            if reader:
                self._busy.discard(reader)
            self._idle.put(reader if reader and reader.alive else None)

    def stop(self) -> None:
        """Ends the readers, none of which may be lent any more, and their server."""
        self._stopped.set()
        while not self._idle.empty():
            if reader := self._idle.get_nowait():
                reader.stop()
        self.server.stop()

    def _watch(self) -> None:
        while not self._stopped.wait(_LOOK_SECONDS):
            for reader in list(self._busy):
                reader.look(time.monotonic())


@lru_cache(maxsize=1)
def _tell_missing(missing: tuple[str, ...]) -> None:
    if missing:
        log.warning("files are read with fewer walls around their readers: %s", "; ".join(missing))


def _environment() -> dict[str, str]:
    """What a reader needs and nothing else: it meets strangers' files, our keys are not for it."""
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    # Linear algebra's threads would not survive the fork, and readers are many already.
    return {**kept, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
