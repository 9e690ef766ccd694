"""A pool of reader processes that extract documents, so that no file can harm the run."""

from __future__ import annotations

import atexit
import contextlib
import json
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from domain.documents.extraction import Extraction
from domain.errors import OutsideError
from infra.fork_server import ForkServer
from infra.processes import MARK
from infra.reader_server import READY
from infra.reader_walls import MEMORY_BYTES

log = logging.getLogger(__name__)

_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH", MARK)
SECONDS_A_FILE = 180.0
BATCH = 16
"""Files asked for at once, so that a reader need not wait for its next question after each."""
_BATCH_BYTES = 16_384
"""Well below what a socket holds, so that neither side ever waits for the other to read."""
_LOOK_SECONDS = 0.2
_LONGEST_REPLY = 256_000_000
"""Bytes. What `domain.documents.extraction.Limits` lets through, as JSON at its worst; a reader that was
taken over may send without end."""


@dataclass(frozen=True)
class Read:
    """A file that was read: `signature` is its MinHash, see `domain.documents.near_duplicates`."""

    extraction: Extraction
    text_sha256: str
    signature: bytes


@dataclass(frozen=True)
class Refused:
    """A file that was not read; the reason names the file and the remedy."""

    reason: str


class _LostError(Exception):
    """The reader ended without an answer. `ready` says whether it had started at all."""

    def __init__(self, *, ready: bool) -> None:
        self.ready = ready


class _Reader:
    """One child process of the server's."""

    def __init__(self, server: ForkServer) -> None:
        self._server = server
        self._number, self._socket = server.fork()
        self._answers = self._socket.makefile("rb")
        self._clock, self._deadline = threading.Lock(), float("inf")
        self._expired = self._ready = False
        self.alive = True

    def ask(self, paths: Sequence[Path], seconds: float) -> Iterator[Read | Refused]:
        """Reads `paths` in order, `seconds` for each at most. Ends early, the reader dead, with the file
        that took too long. Raises _LostError, the reader dead, at a file that it died of."""
        questions = b"".join(json.dumps({"path": str(path)}).encode() + b"\n" for path in paths)
        unanswered = len(paths)
        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # told by its silence below
                self._socket.sendall(questions)
            self._ready = self._ready or self._greeted(self._line())
            for path in paths:
                self._allow(seconds)
                line = self._line()
                self._allow(float("inf"))
                if self._expired:
                    yield Refused(
                        f"{path.name} took more than {seconds:.0f} s: open and save it again in its own "
                        "program, or give it longer by TRAINYARD_READER_SECONDS if it has many scanned pages"
                    )
                    return
                if not line.endswith(b"\n"):
                    raise _LostError(ready=self._ready)
                unanswered -= 1
                yield _parsed(json.loads(line))
        finally:
            # Answers left in the socket would be taken for those to the next questions.
            if unanswered:
                self.stop()

    @staticmethod
    def _greeted(line: bytes) -> bool:
        """Whether the reader is there. Tells once which walls around readers this system lacks."""
        if not line.startswith(READY.encode()) or not line.endswith(b"\n"):
            return False
        _tell_missing(tuple(json.loads(line[len(READY) :])))
        return True

    def _allow(self, seconds: float) -> None:
        with self._clock:
            self._deadline = time.monotonic() + seconds

    def _line(self) -> bytes:
        try:
            return self._answers.readline(_LONGEST_REPLY)
        except ConnectionResetError:
            return b""

    def look(self, now: float) -> None:
        """Ends the process when its file's time is over."""
        # Locked, so that the time that one file took cannot end the reader at the next.
        with self._clock:
            if now > self._deadline:
                self._expired = True
                self._server.kill(self._number)

    def stop(self) -> None:
        if self.alive:
            self.alive = False
            self._server.kill(self._number)
            self._answers.close()
            self._socket.close()


@lru_cache(maxsize=1)
def _tell_missing(missing: tuple[str, ...]) -> None:
    if missing:
        log.warning("files are read with fewer walls around their readers: %s", "; ".join(missing))


def _parsed(reply: dict[str, object]) -> Read | Refused:
    if "refused" in reply:
        return Refused(str(reply["refused"]))
    extraction = Extraction.from_fields(reply["extraction"])  # type: ignore[arg-type]
    return Read(extraction, str(reply["text_sha256"]), bytes.fromhex(str(reply["signature"])))


def _environment() -> dict[str, str]:
    """What a reader needs and nothing else: it meets strangers' files, our keys are not for it."""
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    # Linear algebra's threads would not survive the fork, and readers are many already.
    return {**kept, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class ReaderPool:
    """`n_readers` processes, started when first needed and replaced when a file kills one."""

    def __init__(
        self, n_readers: int, seconds: float = SECONDS_A_FILE, memory_bytes: int = MEMORY_BYTES
    ) -> None:
        self._seconds = seconds
        self._server = ForkServer(
            (sys.executable, "-m", "infra.reader_server", str(memory_bytes)), _environment
        )
        self._idle: queue.LifoQueue[_Reader | None] = queue.LifoQueue()
        for _ in range(n_readers):
            self._idle.put(None)
        self._busy: set[_Reader] = set()
        self._threads = ThreadPoolExecutor(n_readers, thread_name_prefix="reader")
        self._stopped = threading.Event()
        threading.Thread(target=self._watch, name="reader-watch", daemon=True).start()

    def warm_up(self) -> None:
        """Begins the start of what readers come from, which takes about a second; returns at once."""
        self._server.start()

    def read_all(
        self, paths: Sequence[Path], each: Callable[[], None] = lambda: None
    ) -> list[Read | Refused]:
        """Reads all `paths`, in their order; `each` is called after every file.

        A file that two readers died of is refused. Raises OutsideError when readers do not start.
        """

        def read(batch: list[Path]) -> list[Read | Refused]:
            outcomes: list[Read | Refused] = []
            lost_at = -1
            while (at := len(outcomes)) < len(batch):
                try:
                    for outcome in self._read(batch[at:]):
                        outcomes.append(outcome)
                        each()
                except _LostError as loss:
                    # Once may be chance: someone, or a machine short of memory, killed the reader.
                    if lost_at == (lost_at := len(outcomes)):
                        outcomes.append(_fatal(batch[lost_at], loss))
                        each()
            return outcomes

        return [outcome for outcomes in self._threads.map(read, _batches(paths)) for outcome in outcomes]

    def _read(self, batch: list[Path]) -> Iterator[Read | Refused]:
        reader = self._idle.get()
        try:
            reader = reader or _Reader(self._server)
            self._busy.add(reader)
            yield from reader.ask(batch, self._seconds)
        finally:
            if reader:
                self._busy.discard(reader)
            self._idle.put(reader if reader and reader.alive else None)

    def _watch(self) -> None:
        while not self._stopped.wait(_LOOK_SECONDS):
            for reader in list(self._busy):
                reader.look(time.monotonic())

    def stop(self) -> None:
        self._threads.shutdown(wait=True)
        self._stopped.set()
        while not self._idle.empty():
            if reader := self._idle.get_nowait():
                reader.stop()
        self._server.stop()


def _fatal(path: Path, loss: _LostError) -> Refused:
    if not loss.ready:
        raise OutsideError(
            f"the processes that read files do not start: `{sys.executable} -m infra.reader_server` says why"
        )
    return Refused(f"{path.name} made its reader fail: open and save it again in its own program, then retry")


def _batches(paths: Sequence[Path]) -> Iterator[list[Path]]:
    batch: list[Path] = []
    n_bytes = 0
    for path in paths:
        # Six bytes for each character that JSON escapes, at worst.
        length = 6 * len(str(path))
        if batch and (len(batch) == BATCH or n_bytes + length > _BATCH_BYTES):
            yield batch
            batch, n_bytes = [], 0
        batch.append(path)
        n_bytes += length
    if batch:
        yield batch


_making = threading.Lock()


def reader_pool(
    n_readers: int, seconds: float = SECONDS_A_FILE, memory_bytes: int = MEMORY_BYTES
) -> ReaderPool:
    """This process's pool, stopped when the process ends; `seconds` and `memory_bytes` are a file's."""
    # The cache alone lets two threads that ask at once make a pool each.
    with _making:
        return _pool(n_readers, seconds, memory_bytes)


@lru_cache(maxsize=1)
def _pool(n_readers: int, seconds: float, memory_bytes: int) -> ReaderPool:
    pool = ReaderPool(n_readers, seconds, memory_bytes)
    atexit.register(pool.stop)
    return pool
