"""A pool of reader processes that list archives and decode pictures, so that no file can harm the run."""

from __future__ import annotations

import atexit
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from domain.errors import InputError
from domain.vision.images import Shape
from domain.vision.reader import from_fields
from domain.vision.records import Listed, Look, Member
from infra.reader_children import LostError, ReaderChild, ReaderCrew, do_not_start
from infra.reader_server import Program
from infra.reader_walls import MEMORY_BYTES

SECONDS_A_PICTURE = 30.0
SECONDS_A_LISTING = 120.0
"""Without a word; a listing of millions of members takes longer, but speaks all the while."""
_AT_ONCE = 256
_BYTES_AT_ONCE = 16 << 20
"""Of points that come back, and of packed pictures that are read."""
_LONGEST_LINE = 16 << 20


@dataclass(frozen=True)
class Seen:
    """A picture that was decoded; `points` are as many bytes as its shape has."""

    look: Look
    points: bytes


@dataclass(frozen=True)
class Unseen:
    """A picture that was not; the reason does not name it."""

    reason: str


class PicturePool:
    """`n_readers` processes, started when first needed and replaced when a picture kills one."""

    def __init__(
        self, n_readers: int, seconds: float = SECONDS_A_PICTURE, memory_bytes: int = MEMORY_BYTES
    ) -> None:
        self._seconds, self._n_readers = seconds, n_readers
        self._crew = ReaderCrew(Program.PICTURES, n_readers, memory_bytes)
        self._threads = ThreadPoolExecutor(n_readers, thread_name_prefix="picture-reader")

    def list_archive(self, path: Path, each: Callable[[int], None] = lambda _: None) -> Iterator[Listed]:
        """What is in an archive, in its order; `each` is told how many more were found.

        Raises InputError for an archive that is refused as a whole.
        """
        with self._crew.lent() as reader:
            ended = False
            try:
                reader.ask(_line({"list": str(path)}))
                while not ended:
                    with reader.within(SECONDS_A_LISTING):
                        reply = json.loads(reader.line(_LONGEST_LINE))
                    ended = "listed" not in reply
                    if "refused" in reply:
                        raise InputError(str(reply["refused"]))
                    listed = [from_fields(fields) for fields in reply.get("listed", [])]
                    each(len(listed))
                    yield from listed
            except LostError as loss:
                if not loss.ready:
                    raise do_not_start() from loss
                raise InputError(f"{path.name} made its reader fail: pack the folder again") from loss
            finally:
                if not ended:
                    reader.stop()

    def decode(
        self,
        path: Path,
        members: Sequence[Member],
        shape: Shape,
        each: Callable[[int], None] = lambda _: None,
    ) -> Iterator[Seen | Unseen]:
        """Decodes `members` of the archive at `path`, in their order; `each` is told how many more are done.

        A picture that two readers died of, or that takes too long, is not seen. Raises OutsideError when
        readers do not start.
        """

        def read(batch: list[Member]) -> list[Seen | Unseen]:
            outcomes = self._batch(path, batch, shape)
            each(len(outcomes))
            return outcomes

        # Not map: it would hold every point that is decoded before it is asked for.
        waiting: deque[Future[list[Seen | Unseen]]] = deque()
        try:
            for batch in batches(members, shape):
                waiting.append(self._threads.submit(read, batch))
                if len(waiting) > 2 * self._n_readers:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _batch(self, path: Path, batch: list[Member], shape: Shape) -> list[Seen | Unseen]:
        # Once may be chance: someone, or a machine short of memory, killed the reader.
        for last in (False, True):
            try:
                with self._crew.lent() as reader:
                    return self._ask(reader, path, batch, shape)
            except LostError as loss:
                if not loss.ready:
                    raise do_not_start() from loss
                if len(batch) > 1:
                    # One of them did it: each alone tells which.
                    break
                if last:
                    return [Unseen("it made its reader fail: save the picture anew")]
            except TimeoutError:
                if len(batch) > 1:
                    break
                return [Unseen(f"it took more than {self._seconds:.0f} s: make the picture smaller")]
        return [outcome for member in batch for outcome in self._batch(path, [member], shape)]

    def _ask(self, reader: ReaderChild, path: Path, batch: list[Member], shape: Shape) -> list[Seen | Unseen]:
        """Raises LostError or TimeoutError, the reader dead, where one of them does it harm."""
        whole = False
        try:
            asked = {
                "decode": str(path),
                "members": [member.to_fields() for member in batch],
                "size": shape.size,
                "channels": shape.channels,
            }
            reader.ask(_line(asked))
            with reader.within(self._seconds):
                outcomes = _outcomes(json.loads(reader.line(_LONGEST_LINE)), reader, len(batch), shape)
            whole = True
            return outcomes
        except LostError:
            if reader.expired:
                raise TimeoutError from None
            raise
        except (ValueError, TypeError, KeyError) as nonsense:
            # A reader that was taken over says anything.
            raise LostError(ready=True) from nonsense
        finally:
            # Answers left in the socket would be taken for those to the next questions.
            if not whole or reader.expired:
                reader.stop()

    def stop(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._crew.stop()


def _outcomes(reply: dict[str, Any], reader: ReaderChild, n: int, shape: Shape) -> list[Seen | Unseen]:
    looks = reply["looks"]
    n_seen = sum(isinstance(look, list) for look in looks)
    if len(looks) != n or reply["n_bytes"] != n_seen * shape.n_bytes:
        raise ValueError("the answer is not as long as it should be")
    points = memoryview(reader.content(n_seen * shape.n_bytes))
    outcomes: list[Seen | Unseen] = []
    at = 0
    for look in looks:
        if isinstance(look, list):
            width, height, notes = look
            seen = Look(int(width), int(height), tuple(str(note) for note in notes))
            outcomes.append(Seen(seen, bytes(points[at : at + shape.n_bytes])))
            at += shape.n_bytes
        else:
            outcomes.append(Unseen(str(look)))
    return outcomes


def _line(question: dict[str, Any]) -> bytes:
    return json.dumps(question).encode() + b"\n"


def batches(members: Sequence[Member], shape: Shape) -> Iterator[list[Member]]:
    """`members` in parts that one question asks for."""
    most = max(1, min(_AT_ONCE, _BYTES_AT_ONCE // shape.n_bytes))
    batch: list[Member] = []
    n_bytes = 0
    for member in members:
        if batch and (
            len(batch) == most or n_bytes + member.stored_bytes + member.size_bytes > _BYTES_AT_ONCE
        ):
            yield batch
            batch, n_bytes = [], 0
        batch.append(member)
        n_bytes += member.stored_bytes + member.size_bytes
    if batch:
        yield batch


_making = threading.Lock()


def picture_pool(
    n_readers: int, seconds: float = SECONDS_A_PICTURE, memory_bytes: int = MEMORY_BYTES
) -> PicturePool:
    """This process's pool, stopped when the process ends; `seconds` and `memory_bytes` are a batch's."""
    # The cache alone lets two threads that ask at once make a pool each.
    with _making:
        return _pool(n_readers, seconds, memory_bytes)


@lru_cache(maxsize=1)
def _pool(n_readers: int, seconds: float, memory_bytes: int) -> PicturePool:
    pool = PicturePool(n_readers, seconds, memory_bytes)
    atexit.register(pool.stop)
    return pool
