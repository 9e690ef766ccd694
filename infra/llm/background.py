"""One event loop in a thread, for callers that wait: all of a process's requests meet there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import wait
from typing import Any, TypeVar

T = TypeVar("T")
_HEED_SECONDS = 0.5


class Background:
    """A running loop. `run` may be called from any thread but its own."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], heed: Callable[[], None] | None = None) -> T:
        """What the coroutine returns; when the caller is interrupted, the coroutine is cancelled.

        `heed` is called while it waits; what it raises interrupts.
        """
        future = asyncio.run_coroutine_threadsafe(work, self.loop)
        try:
            while heed is not None and not wait([future], _HEED_SECONDS).done:
                heed()
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
