"""A pool of reader processes that extract documents, so that no file can harm the run."""

from __future__ import annotations

import atexit
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from domain.documents.extraction import Extraction
from infra.reader_children import LostError, ReaderChild, ReaderCrew, do_not_start
from infra.reader_server import Program
from infra.reader_walls import MEMORY_BYTES

SECONDS_A_FILE = 180.0
BATCH = 16
"""Files asked for at once, so that a reader need not wait for its next question after each."""
_BATCH_BYTES = 16_384
"""Well below what a socket holds, so that neither side ever waits for the other to read."""
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


def _parsed(reply: dict[str, object]) -> Read | Refused:
    if "refused" in reply:
        return Refused(str(reply["refused"]))
    extraction = Extraction.from_fields(reply["extraction"])  # type: ignore[arg-type]
    return Read(extraction, str(reply["text_sha256"]), bytes.fromhex(str(reply["signature"])))


class ReaderPool:
    """`n_readers` processes, started when first needed and replaced when a file kills one."""

    def __init__(
        self, n_readers: int, seconds: float = SECONDS_A_FILE, memory_bytes: int = MEMORY_BYTES
    ) -> None:
        self._seconds = seconds
        self._crew = ReaderCrew(Program.DOCUMENTS, n_readers, memory_bytes)
        self._threads = ThreadPoolExecutor(n_readers, thread_name_prefix="reader")

    def warm_up(self) -> None:
        """Begins the start of what readers come from, which takes about a second; returns at once."""
        self._crew.server.start()

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
                except LostError as loss:
                    # Once may be chance: someone, or a machine short of memory, killed the reader.
                    if lost_at == (lost_at := len(outcomes)):
                        outcomes.append(_fatal(batch[lost_at], loss))
                        each()
            return outcomes

        return [outcome for outcomes in self._threads.map(read, _batches(paths)) for outcome in outcomes]

    def _read(self, batch: list[Path]) -> Iterator[Read | Refused]:
        with self._crew.lent() as reader:
            yield from _ask(reader, batch, self._seconds)

    def stop(self) -> None:
        self._threads.shutdown(wait=True)
        self._crew.stop()


def _ask(reader: ReaderChild, paths: Sequence[Path], seconds: float) -> Iterator[Read | Refused]:
    """Reads `paths` in order, `seconds` for each at most. Ends early, the reader dead, with the file
    that took too long. Raises LostError, the reader dead, at a file that it died of."""
    questions = b"".join(json.dumps({"path": str(path)}).encode() + b"\n" for path in paths)
    unanswered = len(paths)
    try:
        reader.ask(questions)
        for path in paths:
            lost: LostError | None = None
            try:
                with reader.within(seconds):
                    line = reader.line(_LONGEST_REPLY)
            except LostError as loss:
                lost = loss
            if reader.expired:
                yield Refused(
                    f"{path.name} took more than {seconds:.0f} s: open and save it again in its own "
                    "program, or give it longer by TRAINYARD_READER_SECONDS if it has many scanned pages"
                )
                return
            if lost:
                raise lost
            unanswered -= 1
            yield _parsed(json.loads(line))
    finally:
        # Answers left in the socket would be taken for those to the next questions.
        if unanswered:
            reader.stop()


def _fatal(path: Path, loss: LostError) -> Refused:
    if not loss.ready:
        raise do_not_start()
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
