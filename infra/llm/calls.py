"""One request at one endpoint: its turn, its tries, its repair; and when to look elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from domain.errors import ReplyError, SettingError
from domain.language_models import Answered, Request
from infra.catalog import ReplyRow
from infra.llm.budget import Amount, Budget, Purse
from infra.llm.channels import Channel
from infra.llm.judging import judge, reply
from infra.llm.orders import Order, judged_again
from infra.llm.retry import MOST_TRIES, Fate, ProviderError, backoff
from infra.llm.structured import UnreadableError, repair
from infra.llm.wire import LADDER, Mode, NotAReplyError, Said, body_of, read
from infra.llm.writer import ReplyWriter


@dataclass(frozen=True)
class Terms:
    """Who pays, for which part of its work, and how much at most."""

    payer: str
    occasion: str
    budget: Budget


@dataclass(frozen=True)
class Desk:
    """What all calls share: so many may be under way at once, and one writer keeps what they bring."""

    slots: asyncio.Semaphore
    writer: ReplyWriter


class ElsewhereError(Exception):
    """This channel has no reply for the request; `lasting` where asking it again is no use."""

    def __init__(self, reason: str, *, lasting: bool = True) -> None:
        super().__init__(reason)
        self.lasting = lasting


class Patience:
    """How long a request may still be tried for. Only tries and the waits between them use it up, waiting
    for its turn does not: a thousand requests under a low limit are in order."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds

    def left(self, channel: Channel) -> float:
        """Seconds; an outage that has lasted for longer than the request counts as if it had seen it all."""
        return self._left - channel.circuit.open_seconds

    def lacks(self, seconds: float) -> bool:
        return seconds > self._left

    @contextmanager
    def used(self) -> Iterator[None]:
        begun = time.monotonic()
        try:
            yield
        finally:
            self._left -= time.monotonic() - begun


@dataclass
class Call:
    """One order at one channel."""

    desk: Desk
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
            return await self._ask(request, self.channel.key(request), mode, n_most=3, probing=True)
        except ElsewhereError as error:
            raise ReplyError(str(error), "unavailable") from None

    async def _ask(
        self, request: Request, key: str, mode: Mode | None, n_most: int, probing: bool = False
    ) -> ReplyRow:
        """The kept reply, tried as long as makes sense. Raises ReplyError, ElsewhereError, SettingError."""
        n_tries = n_limited = 0
        while True:
            await self._admitted()
            async with self.desk.slots:
                # What happened while this one waited for its turn counts.
                if self.channel.circuit.enter():
                    quirks = self.channel.manner.quirks
                    try:
                        return await self._send(request, key, mode, quirks)
                    except ProviderError as failure:
                        adapted = await self._adapted(failure, mode, quirks)
                        # A probe asks about its mode and no other.
                        if adapted is not None and (not probing or adapted == mode):
                            mode = adapted if mode is not None else None
                            continue
                        # To be told to come back later is no failed try; the deadline ends that.
                        n_limited += failure.limited
                        n_tries += not failure.limited
                        self._check(failure, n_tries, n_most)
                        seconds = self._wait_after(failure, n_limited if failure.limited else n_tries)
                        if failure.limited:
                            # With the slot: the others would only meet the same refusal.
                            await self._rest(seconds)
                            continue
                else:
                    continue
            await self._rest(seconds)

    async def _adapted(
        self, failure: ProviderError, mode: Mode | None, quirks: frozenset[str]
    ) -> Mode | None:
        """The mode to ask again with at once, after a rejection that taught something."""
        if failure.fate is not Fate.REJECTED:
            return None
        return await self.channel.manner.adapt(failure, mode, quirks)

    async def _rest(self, seconds: float) -> None:
        with self.patience.used():
            await asyncio.sleep(seconds)

    async def _admitted(self) -> None:
        """Waits while the circuit is open, unless another model can be asked meanwhile."""
        if self.channel.spent:
            raise ElsewhereError("the account has no credit left")
        circuit = self.channel.circuit
        while (seconds := circuit.wait()) > 0:
            if any(rival.circuit.wait() == 0 for rival in self.rivals):
                raise ElsewhereError(circuit.why, lasting=False)
            with self.patience.used():
                if circuit.probing and not self.patience.lacks(0.0):
                    await circuit.probed(seconds)
                elif self.patience.left(self.channel) < seconds:
                    raise ElsewhereError(f"no answer until the deadline; lately: {circuit.why}")
                else:
                    await asyncio.sleep(seconds)

    async def _send(self, request: Request, key: str, mode: Mode | None, quirks: frozenset[str]) -> ReplyRow:
        """One try. Raises ProviderError, or ReplyError("budget")."""
        channel, most = self.channel, self.channel.most(request)
        async with await self.purse.hold(most, self.terms.budget) as hold:
            await channel.limiter.enter(most.tokens)
            body = body_of(
                request,
                channel.endpoint.model,
                mode or LADDER[-1],
                quirks,
                channel.endpoint.extra,
            )
            try:
                with self.patience.used():
                    received = await channel.provider.send(body)
                said = _read(received.body)
            except ProviderError as failure:
                await self._note(failure)
                raise
            row = channel.row(key, request, said, received, mode or LADDER[-1])
            row = replace(row, payer=self.terms.payer, occasion=self.terms.occasion)
            # Kept before it is used: a reply is paid for once.
            await self.desk.writer.keep(row)
            hold.paid = _paid(row, most)
        channel.circuit.succeeded()
        channel.credit(True)
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
        if failure.fate is Fate.SPENT:
            channel.credit(False)

    def _check(self, failure: ProviderError, n_tries: int, n_most: int) -> None:
        """Raises what is to become of a request that is not to be tried again."""
        channel, account = self.channel, self.channel.endpoint.account
        match failure.fate:
            case Fate.KEY:
                raise SettingError(
                    f"{account.address} refuses the key of {account.provider} ({failure.reason}): correct "
                    f"{_key_variable(account.provider)}"
                )
            case Fate.MODEL:
                raise SettingError(
                    f"{account.address} knows no model {channel.endpoint.model!r} ({failure.reason}): "
                    "`trainyard models` lists what it offers; name one in TRAINYARD_LLM_MODELS, or correct "
                    "the address (it ends in /v1 for most servers)"
                )
            case Fate.SPENT:
                raise ElsewhereError(f"the account has no credit left ({failure.reason})")
            case Fate.REJECTED:
                raise ReplyError(f"{channel.name} rejects the request: {failure.reason}", "rejected")
        if n_tries >= n_most:
            raise ElsewhereError(f"gave up after {n_tries} tries: {failure.reason}")

    def _wait_after(self, failure: ProviderError, n_times: int) -> float:
        """Seconds until the next try. Raises ElsewhereError where the deadline is before that."""
        asked_for = failure.retry_after
        # Those who were told the same moment do not come back at once.
        seconds = backoff(n_times) if asked_for is None else asked_for + backoff(min(n_times, 3)) / 10
        if self.patience.lacks(seconds):
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
