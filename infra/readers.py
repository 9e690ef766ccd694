"""A pool of reader processes that extract documents, so that no file can harm the run."""

from __future__ import annotations

import atexit
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from domain.documents.extraction import Extraction

SECONDS_A_FILE = 60.0


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
            text=True,
            encoding="utf-8",
        )

    def ask(self, path: Path, seconds: float) -> Read | Refused:
        """Reads one file; on a time-out or a death the process is gone and `alive` is False."""
        assert self._process.stdin and self._process.stdout
        timer = threading.Timer(seconds, self._process.kill)
        timer.start()
        try:
            self._process.stdin.write(json.dumps({"path": str(path)}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            expired = not timer.is_alive()
            timer.cancel()
        if not line:
            self._process.wait()
            what = f"took more than {seconds:.0f} s" if expired else "made its reader fail"
            return Refused(f"{path.name} {what}: open and save it again in its own program, then retry")
        return _parsed(json.loads(line))

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        if self.alive:
            self._process.kill()
        self._process.wait()


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
        self._threads = ThreadPoolExecutor(n_readers, thread_name_prefix="reader")

    def read_all(
        self, paths: Sequence[Path], each: Callable[[], None] = lambda: None
    ) -> list[Read | Refused]:
        """Reads all `paths`, in their order; `each` is called after every file."""

        def read(path: Path) -> Read | Refused:
            outcome = self._read(path)
            each()
            return outcome

        return list(self._threads.map(read, paths))

    def _read(self, path: Path) -> Read | Refused:
        reader = self._idle.get() or _Reader()
        try:
            return reader.ask(path, self._seconds)
        finally:
            self._idle.put(reader if reader.alive else None)

    def stop(self) -> None:
        self._threads.shutdown(wait=True)
        while not self._idle.empty():
            if reader := self._idle.get_nowait():
                reader.stop()


@lru_cache(maxsize=1)
def reader_pool(n_readers: int) -> ReaderPool:
    """This process's pool, stopped when the process ends."""
    pool = ReaderPool(n_readers)
    atexit.register(pool.stop)
    return pool
