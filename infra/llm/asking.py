"""From requests to replies: what the table does not hold is asked, kept, and only then used.

table ─ (hit) ────────────────────────────────────────────► judge ─► Reply or ReplyError
  └─ share ─► choose a channel ─► hold money ─► gate ─► send ─► keep ─┘   │
               ▲   (next model) ◄── failure ──┘                          └─► one repair turn
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace

from domain.errors import ReplyError
from domain.language_models import Answered, Reply
from infra.catalog import Spent
from infra.llm.budget import Purse
from infra.llm.calls import Call, Desk, ElsewhereError, Patience, Terms
from infra.llm.channels import Channel
from infra.llm.orders import Order
from infra.llm.writer import ReplyWriter

log = logging.getLogger(__name__)


class Asker:
    """Belongs to one event loop, in which all threads' requests meet."""

    def __init__(self, writer: ReplyWriter, *, concurrency: int, deadline_seconds: float) -> None:
        self._desk = Desk(asyncio.Semaphore(concurrency), writer)
        self._concurrency = concurrency
        self._deadline_seconds = deadline_seconds
        self._purses: dict[str, Purse] = {}
        self._under_way: dict[str, asyncio.Task[Answered]] = {}

    async def answer(self, orders: Sequence[Order], terms: Terms, spent: Spent) -> list[Answered]:
        """What became of each order. Raises SettingError, and OutsideError when the catalog fails."""
        purse = self._purses.setdefault(terms.payer, Purse())
        purse.begin_with(spent)
        answers: dict[int, Answered] = {}
        left = iter(enumerate(orders))

        async def work() -> None:
            for n, order in left:
                answers[n] = await self._share(order, terms, purse)

        # More than can be under way, since some rest between two tries; but not a task for each of a million.
        workers = [asyncio.create_task(work()) for _ in range(min(len(orders), 4 * self._concurrency))]
        try:
            await asyncio.gather(*workers)
        except BaseException:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            raise
        return [answers[n] for n in range(len(orders))]

    async def _share(self, order: Order, terms: Terms, purse: Purse) -> Answered:
        """Equal requests, from whichever caller, have one call between them."""
        key = order.keys[0]
        while (other := self._under_way.get(key)) is not None:
            await asyncio.wait([other])
            if not other.cancelled() and other.exception() is None:
                answered = other.result()
                if isinstance(answered, Reply):
                    return replace(answered, reused=True)
                # Another's empty purse is not this one's.
                if answered.kind != "budget":
                    return answered
            if self._under_way.get(key) is other:
                del self._under_way[key]
        task = asyncio.create_task(self._answer(order, terms, purse))
        self._under_way[key] = task
        try:
            return await task
        finally:
            task.cancel()
            if self._under_way.get(key) is task:
                del self._under_way[key]

    async def _answer(self, order: Order, terms: Terms, purse: Purse) -> Answered:
        patience = Patience(self._deadline_seconds)
        failed: dict[Channel, str] = {}
        try:
            while left := [channel for channel in order.channels if channel not in failed]:
                channel = min(left, key=lambda one: one.circuit.wait())
                rivals = tuple(other for other in left if other is not channel)
                call = Call(self._desk, order, channel, rivals, terms, purse, patience)
                try:
                    return await call.answer()
                except ElsewhereError as error:
                    if error.lasting:
                        failed[channel] = str(error)
                        if rivals:
                            log.warning("%s: %s; asking the next model", channel.name, error)
        except ReplyError as error:
            return error
        return ReplyError("; ".join(f"{one.name}: {why}" for one, why in failed.items()), "unavailable")
