"""A pool of reader processes that extract documents, so that no file can harm the run."""

from __future__ import annotations

import atexit
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from domain.documents.extraction import Extraction

SECONDS_A_FILE = 60.0
BATCH = 16
"""Files asked for at once, so that a reader need not wait for its next question after each."""
_BATCH_BYTES = 16_384
"""Well below what a pipe holds, so that neither side ever waits for the other to read."""
_LOOK_SECONDS = 0.2


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


class _Reader:
    """One child process. It ends by itself when its input closes, so it never outlives the parent."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "domain.documents.reader"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._deadline = float("inf")
        self._expired = False

    def ask(self, paths: Sequence[Path], seconds: float) -> Iterator[Read | Refused]:
        """Reads `paths` in order, `seconds` for each at most. Ends early, the reader dead, with the file
        that took too long or made it fail."""
        assert self._process.stdin and self._process.stdout
        questions = b"".join(json.dumps({"path": str(path)}).encode() + b"\n" for path in paths)
        try:
            self._process.stdin.write(questions)
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it died while idle; the first file is refused below
        unanswered = len(paths)
        try:
            for path in paths:
                self._deadline = time.monotonic() + seconds
                line = self._process.stdout.readline()
                self._deadline = float("inf")
                if not line.endswith(b"\n"):
                    what = f"took more than {seconds:.0f} s" if self._expired else "made its reader fail"
                    yield Refused(
                        f"{path.name} {what}: open and save it again in its own program, then retry"
                    )
                    return
                unanswered -= 1
                yield _parsed(json.loads(line))
        finally:
            # Answers left in the pipe would be taken for those to the next questions.
            if unanswered:
                self.stop()

    def look(self, now: float) -> None:
        """Ends the process when its file's time is over."""
        if now > self._deadline:
            self._expired = True
            self._process.kill()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        if self.alive:
            self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue


def _parsed(reply: dict[str, object]) -> Read | Refused:
    if "refused" in reply:
        return Refused(str(reply["refused"]))
    extraction = Extraction.from_json(reply["extraction"])  # type: ignore[arg-type]
    return Read(extraction, str(reply["text_sha256"]), bytes.fromhex(str(reply["signature"])))


class ReaderPool:
    """`n_readers` processes, started when first needed and replaced when a file kills one."""

    def __init__(self, n_readers: int, seconds: float = SECONDS_A_FILE) -> None:
        self._seconds = seconds
        self._idle: queue.LifoQueue[_Reader | None] = queue.LifoQueue()
        for _ in range(n_readers):
            self._idle.put(None)
        self._busy: set[_Reader] = set()
        self._threads = ThreadPoolExecutor(n_readers, thread_name_prefix="reader")
        self._stopped = threading.Event()
        threading.Thread(target=self._watch, name="reader-watch", daemon=True).start()

    def read_all(
        self, paths: Sequence[Path], each: Callable[[], None] = lambda: None
    ) -> list[Read | Refused]:
        """Reads all `paths`, in their order; `each` is called after every file."""

        def read(batch: list[Path]) -> list[Read | Refused]:
            outcomes: list[Read | Refused] = []
            while len(outcomes) < len(batch):
                for outcome in self._read(batch[len(outcomes) :]):
                    outcomes.append(outcome)
                    each()
            return outcomes

        return [outcome for outcomes in self._threads.map(read, _batches(paths)) for outcome in outcomes]

    def _read(self, batch: list[Path]) -> Iterator[Read | Refused]:
        reader = self._idle.get() or _Reader()
        self._busy.add(reader)
        try:
            yield from reader.ask(batch, self._seconds)
        finally:
            self._busy.discard(reader)
            self._idle.put(reader if reader.alive else None)

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


def reader_pool(n_readers: int) -> ReaderPool:
    """This process's pool, stopped when the process ends."""
    # The cache alone lets two threads that ask at once make a pool each.
    with _making:
        return _pool(n_readers)


@lru_cache(maxsize=1)
def _pool(n_readers: int) -> ReaderPool:
    pool = ReaderPool(n_readers)
    atexit.register(pool.stop)
    return pool
