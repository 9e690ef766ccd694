"""From requests to replies: what the table does not hold is asked, kept, and only then used.

find ─ (hit) ─────────────────────────────────────────────► judge ─► Reply or ReplyError
  └─ share ─► choose a channel ─► hold money ─► gate ─► send ─► keep ─┘   │
               ▲   (next model) ◄── failure ──┘                          └─► one repair turn
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.errors import ReplyError, SettingError
from domain.language_models import Answered, Request
from infra.catalog import ReplyRow, Spent
from infra.llm.budget import Amount, Budget, Purse
from infra.llm.channels import Channel
from infra.llm.judging import judge, reply
from infra.llm.orders import Order, judged_again
from infra.llm.retry import MOST_TRIES, Fate, ProviderError, backoff
from infra.llm.structured import UnreadableError, repair
from infra.llm.wire import LADDER, Mode, NotAReplyError, Said, body_of, read
from infra.llm.writer import ReplyWriter

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Terms:
    """Who pays, for which part of its work, and how much at most."""

    payer: str
    occasion: str
    budget: Budget


class ElsewhereError(Exception):
    """This channel has no reply for the request; `lasting` where asking it again is no use."""

    def __init__(self, reason: str, *, lasting: bool = True) -> None:
        super().__init__(reason)
        self.lasting = lasting


class Patience:
    """How long a request may still be tried for. The clock starts when it first could have been sent:
    waiting for its turn costs it nothing."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._begun: float | None = None

    def begin(self) -> None:
        if self._begun is None:
            self._begun = time.monotonic()

    def left(self, channel: Channel | None = None) -> float:
        """Seconds; where the channel's circuit has been open for longer than this, that counts."""
        waited = 0.0 if self._begun is None else time.monotonic() - self._begun
        if channel is not None:
            waited = max(waited, channel.circuit.open_seconds)
        return self._seconds - waited


class Asker:
    """Belongs to one event loop, in which all threads' requests meet."""

    def __init__(self, writer: ReplyWriter, *, concurrency: int, deadline_seconds: float) -> None:
        self._writer = writer
        self._slots = asyncio.Semaphore(concurrency)
        self._deadline_seconds = deadline_seconds
        self._purses: dict[str, Purse] = {}
        self._under_way: dict[str, asyncio.Task[Answered]] = {}

    async def answer(self, orders: Sequence[Order], terms: Terms, spent: Spent) -> list[Answered]:
        """What became of each order. Raises SettingError, and OutsideError when the catalog fails."""
        purse = self._purses.setdefault(terms.payer, Purse())
        purse.begin_with(spent)
        tasks = [asyncio.create_task(self._share(order, terms, purse)) for order in orders]
        try:
            return await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    async def _share(self, order: Order, terms: Terms, purse: Purse) -> Answered:
        """Equal requests, from whichever caller, have one call between them."""
        key = order.keys[0]
        while (other := self._under_way.get(key)) is not None:
            await asyncio.wait([other])
            if not other.cancelled() and other.exception() is None:
                answered = other.result()
                # Another's empty purse is not this one's.
                if not (isinstance(answered, ReplyError) and answered.kind == "budget"):
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
                call = _Call(self, order, channel, rivals, terms, purse, patience)
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

    @property
    def slots(self) -> asyncio.Semaphore:
        return self._slots

    @property
    def writer(self) -> ReplyWriter:
        return self._writer


@dataclass
class _Call:
    """One order at one channel."""

    asker: Asker
    order: Order
    channel: Channel
    rivals: tuple[Channel, ...]
    """The other channels that are left for this order."""
    terms: Terms
    purse: Purse
    patience: Patience

    async def answer(self) -> Answered:
        """A reply, after a repair turn if need be. Raises ReplyError, ElsewhereError or SettingError."""
        request = self.order.request
        first = await self._row(request)
        try:
            return reply([first], judge(first, request), reused=first.key in self.order.found)
        except UnreadableError as error:
            again = repair(request, first.text, str(error))
        second = await self._row(again)
        reused = {first.key, second.key} <= set(self.order.found)
        return judged_again(self.channel, again, [first, second], reused)

    async def _row(self, request: Request) -> ReplyRow:
        key = self.channel.key(request)
        if key in self.order.found:
            return self.order.found[key]
        mode = None
        if request.schema is not None:
            mode = await self.channel.manner.mode(self._probe)
        row = await self._ask(request, key, mode, MOST_TRIES)
        if request is self.order.request and mode is not None:
            await self._observe(row, request)
        return row

    async def _observe(self, row: ReplyRow, request: Request) -> None:
        """Lets the manner know whether the schema was kept to; what was cut short or refused says nothing."""
        if row.refusal or row.finish_reason in ("length", "content_filter") or not row.text.strip():
            return
        try:
            judge(row, request)
            readable = True
        except UnreadableError:
            readable = False
        await self.channel.manner.observe(row.mode, readable)  # type: ignore[arg-type]

    async def _probe(self, request: Request, mode: Mode) -> ReplyRow:
        try:
            return await self._ask(request, self.channel.key(request), mode, n_most=3, adapting=False)
        except ElsewhereError as error:
            raise ReplyError(str(error), "unavailable") from None

    async def _ask(
        self, request: Request, key: str, mode: Mode | None, n_most: int, adapting: bool = True
    ) -> ReplyRow:
        """The kept reply, tried as long as makes sense. Raises ReplyError, ElsewhereError, SettingError."""
        n_tries = 0
        while True:
            await self._admitted()
            async with self.asker.slots:
                # What happened while this one waited for its turn counts.
                if self.channel.circuit.enter():
                    try:
                        return await self._send(request, key, mode)
                    except ProviderError as failure:
                        rejected = failure.fate is Fate.REJECTED
                        other = (
                            await self.channel.manner.adapt(failure, mode) if rejected and adapting else None
                        )
                        if other is not None:
                            mode = other if mode is not None else None
                            continue
                        n_tries += 1
                        seconds = self._wait_after(failure, n_tries, n_most)
                        if failure.limited:
                            # With the slot: the others would only meet the same refusal.
                            await asyncio.sleep(seconds)
                            continue
                else:
                    continue
            await asyncio.sleep(seconds)

    async def _admitted(self) -> None:
        """Waits while the circuit is open, unless another model can be asked meanwhile."""
        while (seconds := self.channel.circuit.wait()) > 0:
            self.patience.begin()
            why = self.channel.circuit.why
            if any(rival.circuit.wait() == 0 for rival in self.rivals):
                raise ElsewhereError(why, lasting=False)
            if self.patience.left(self.channel) < seconds:
                raise ElsewhereError(f"no answer until the deadline; lately: {why}")
            await asyncio.sleep(seconds)

    async def _send(self, request: Request, key: str, mode: Mode | None) -> ReplyRow:
        """One try. Raises ProviderError, or ReplyError("budget")."""
        channel, most = self.channel, self.channel.most(request)
        async with await self.purse.hold(most, self.terms.budget) as hold:
            await channel.limiter.enter(most.tokens)
            self.patience.begin()
            body = body_of(
                request,
                channel.endpoint.model,
                mode or LADDER[-1],
                channel.manner.quirks,
                channel.endpoint.extra,
            )
            try:
                received = await channel.provider.send(body)
                said = _read(received.body)
            except ProviderError as failure:
                await self._note(failure)
                raise
            row = channel.row(key, request, said, received, mode or LADDER[-1])
            row = replace(row, payer=self.terms.payer, occasion=self.terms.occasion)
            # Kept before it is used: a reply is paid for once.
            await self.asker.writer.keep(row)
            hold.paid = _paid(row, most)
        channel.circuit.succeeded()
        channel.n_spent_in_a_row = 0
        channel.settle(most, hold.paid.tokens)
        channel.notice(row.response_model)
        await channel.limiter.heard(received.headers)
        return row

    async def _note(self, failure: ProviderError) -> None:
        channel = self.channel
        if failure.outage:
            channel.circuit.failed(failure.reason)
        else:
            channel.circuit.succeeded()
        if failure.limited:
            await channel.limiter.refused(failure.retry_after)
        channel.n_spent_in_a_row += failure.fate is Fate.SPENT

    def _wait_after(self, failure: ProviderError, n_tries: int, n_most: int) -> float:
        """Seconds until the next try. Raises what is to become of the request where there is none."""
        name, account = self.channel.name, self.channel.endpoint.account
        match failure.fate:
            case Fate.KEY:
                raise SettingError(
                    f"{account.address} refuses the key of {account.provider} ({failure.reason}): correct "
                    f"{_key_variable(account.provider)}"
                )
            case Fate.MODEL:
                raise SettingError(
                    f"{account.address} knows no model {self.channel.endpoint.model!r} ({failure.reason}): "
                    "`trainyard models` lists what it offers; name one in TRAINYARD_LLM_MODELS, or correct "
                    "the address (it ends in /v1 for most servers)"
                )
            case Fate.SPENT:
                raise ElsewhereError(f"the account has no credit left ({failure.reason})")
            case Fate.REJECTED:
                raise ReplyError(f"{name} rejects the request: {failure.reason}", "rejected")
        if n_tries >= n_most:
            raise ElsewhereError(f"gave up after {n_tries} tries: {failure.reason}")
        asked_for = failure.retry_after
        seconds = backoff(n_tries) if asked_for is None else asked_for + backoff(1) / 10
        if seconds > self.patience.left():
            asked = "" if asked_for is None else f", which asks to come back in {asked_for:g} s"
            raise ElsewhereError(f"no answer until the deadline: {failure.reason}{asked}")
        return seconds


def _read(body: object) -> Said:
    try:
        return read(body)
    except NotAReplyError as error:
        raise ProviderError(str(error), status=200, broken=True) from None


def _paid(row: ReplyRow, most: Amount) -> Amount:
    """What the reply took, by the estimate where the server does not say."""
    if row.n_prompt_tokens is None or row.n_completion_tokens is None:
        return Amount(most.tokens, row.cost_usd or 0.0)
    return Amount(row.n_prompt_tokens + row.n_completion_tokens, row.cost_usd or 0.0)


def _key_variable(provider: str) -> str:
    return "TRAINYARD_LLM_API_KEY" if provider == "compatible" else f"TRAINYARD_{provider.upper()}_API_KEY"
