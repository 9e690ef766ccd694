"""Replies are written when they arrive, before anyone uses them: those that came together, together."""

from __future__ import annotations

import asyncio
import queue
import threading

from infra.catalog import Catalog, ReplyRow, save_replies

_MOST = 256
"""Rows in one transaction."""


class ReplyWriter:
    """A thread that owns the pen. While it commits, the next replies gather (group commit)."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._arrived: queue.SimpleQueue[_Arrival | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="llm-replies", daemon=True)
        self._thread.start()

    async def keep(self, row: ReplyRow) -> None:
        """Returns once the reply is committed. Raises what the catalog raises."""
        arrival = _Arrival(row, asyncio.get_running_loop())
        self._arrived.put(arrival)
        # Shielded: a caller that gives up does not take back a reply that was paid for.
        await asyncio.shield(arrival.kept)

    def close(self) -> None:
        """Returns when all that arrived is committed."""
        self._arrived.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (first := self._arrived.get()) is not None:
            batch, more = [first], True
            while more and len(batch) < _MOST:
                try:
                    arrival = self._arrived.get_nowait()
                except queue.Empty:
                    break
                if arrival is None:
                    self._arrived.put(None)
                    more = False
                else:
                    batch.append(arrival)
            self._commit(batch)

    def _commit(self, batch: list[_Arrival]) -> None:
        try:
            save_replies(self._catalog, [arrival.row for arrival in batch])
            error = None
        except Exception as failed:
            error = failed
        for loop in {arrival.loop for arrival in batch}:
            told = [arrival for arrival in batch if arrival.loop is loop]
            loop.call_soon_threadsafe(_settle, told, error)


class _Arrival:
    def __init__(self, row: ReplyRow, loop: asyncio.AbstractEventLoop) -> None:
        self.row, self.loop = row, loop
        self.kept: asyncio.Future[None] = loop.create_future()


def _settle(batch: list[_Arrival], error: Exception | None) -> None:
    for arrival in batch:
        if arrival.kept.done():
            continue
        if error is None:
            arrival.kept.set_result(None)
        else:
            arrival.kept.set_exception(error)
