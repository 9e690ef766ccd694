"""What a payer may still spend. A request is sent only where its dearest outcome fits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Self

from domain.errors import ReplyError
from domain.language_models import Request
from infra.catalog import Spent

_CHARS_PER_TOKEN = 3.0
"""English prose has more than 4, other languages and JSON fewer: an estimate that is rather too high."""
_TOKENS_PER_MESSAGE = 8


@dataclass(frozen=True)
class Budget:
    """The most that one payer may spend in all its calls together; None where there is no such limit."""

    usd: float | None = None
    tokens: int | None = None

    @property
    def limited(self) -> bool:
        return self.usd is not None or self.tokens is not None


@dataclass(frozen=True)
class Amount:
    tokens: int = 0
    usd: float = 0.0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.tokens + other.tokens, self.usd + other.usd)

    def __sub__(self, other: Amount) -> Amount:
        return Amount(self.tokens - other.tokens, self.usd - other.usd)


def estimated_prompt(request: Request) -> int:
    """About how many tokens the request has, its schema included."""
    n_chars = sum(len(message.content) for message in request.messages) + len(str(request.schema or ""))
    return int(n_chars / _CHARS_PER_TOKEN) + _TOKENS_PER_MESSAGE * len(request.messages)


class Purse:
    """One payer's spending in this process: what is paid, and what requests under way may yet cost.

    Belongs to one event loop. Equal to the reply table as of `begin_with`, which counts other processes.
    """

    def __init__(self) -> None:
        self._paid = Amount()
        self._held = Amount()
        self._n_held = 0
        self._settled = asyncio.Condition()

    def begin_with(self, spent: Spent) -> None:
        """Takes over what the table says; what this process knows to be more stays."""
        self._paid = Amount(max(self._paid.tokens, spent.n_tokens), max(self._paid.usd, spent.cost_usd))

    async def hold(self, most: Amount, budget: Budget) -> Hold:
        """Sets `most` aside once it fits. Raises ReplyError("budget") when it never will."""
        if not budget.limited:
            return Hold(None, most)
        async with self._settled:
            while not self._fits(most, budget):
                if self._n_held == 0:
                    raise ReplyError(self._told(most, budget), "budget")
                # Those under way mostly cost less than they might have.
                await self._settled.wait()
            self._held += most
            self._n_held += 1
        return Hold(self, most)

    async def settle(self, held: Amount, paid: Amount) -> None:
        async with self._settled:
            self._held -= held
            self._n_held -= 1
            self._paid += paid
            self._settled.notify_all()

    def _fits(self, most: Amount, budget: Budget) -> bool:
        after = self._paid + self._held + most
        return (budget.tokens is None or after.tokens <= budget.tokens) and (
            budget.usd is None or after.usd <= budget.usd
        )

    def _told(self, most: Amount, budget: Budget) -> str:
        parts = []
        if budget.tokens is not None:
            parts.append(f"{self._paid.tokens} of {budget.tokens} tokens (TRAINYARD_LLM_BUDGET_TOKENS)")
        if budget.usd is not None:
            parts.append(f"${self._paid.usd:.4f} of ${budget.usd:.4f} (TRAINYARD_LLM_BUDGET_USD)")
        return (
            f"not asked: {' and '.join(parts)} are spent, and this request may take {most.tokens} tokens"
            f"{f' or ${most.usd:.4f}' if budget.usd is not None else ''}"
        )


class Hold:
    """Money set aside for one request; given back on leaving, less what was `paid`."""

    def __init__(self, purse: Purse | None, most: Amount) -> None:
        self._purse, self._most = purse, most
        self.paid = Amount()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._purse is not None:
            await self._purse.settle(self._most, self.paid)
