"""Asking on behalf of a search, within its budgets of calls and money, and what that took."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

from domain.errors import ModelAwayError, ReplyError
from domain.language_models import Answered, Reply, Request
from strategies.base import Ask, Effect, Outcome


@dataclass
class Asking:
    """What a search has asked so far, counted on from earlier iterations.

    `most_calls` and `most_usd` are 0 for no limit. `cost_usd` is None once a price is unknown: then only
    the calls bound the search. `spent` says, once nothing more is asked, why.
    """

    most_calls: int
    most_usd: float
    n_calls: int = 0
    n_tokens: int = 0
    cost_usd: float | None = 0.0
    spent: str = ""

    def ask(self, requests: Sequence[Request]) -> Generator[Effect, Outcome, list[Answered]]:
        """What became of each request; those beyond a budget are not sent and say so.

        Raises ModelAwayError where no server answered any.
        """
        room = self._room(len(requests))
        sent, kept_back = requests[:room], requests[room:]
        answered: list[Answered] = []
        if sent:
            answered = list((yield Ask(tuple(sent))))
            self._note(answered)
        return [*answered, *(ReplyError(self.spent, "budget") for _ in kept_back)]

    def _room(self, n: int) -> int:
        if self.most_usd and (self.cost_usd or 0.0) >= self.most_usd:
            self.spent = self.spent or f"{self.cost_usd:.4f} USD are spent, of at most {self.most_usd:g}"
        if self.spent:
            return 0
        if self.most_calls and self.n_calls + n > self.most_calls:
            self.spent = f"{self.n_calls} requests were made, of at most {self.most_calls}"
            return self.most_calls - self.n_calls
        return n

    def _note(self, answered: Sequence[Answered]) -> None:
        self.n_calls += len(answered)
        for one in answered:
            if isinstance(one, Reply):
                self.n_tokens += (one.n_prompt_tokens or 0) + (one.n_completion_tokens or 0)
                known = self.cost_usd is not None and one.cost_usd is not None
                self.cost_usd = round((self.cost_usd or 0.0) + (one.cost_usd or 0.0), 9) if known else None
        errors = [one for one in answered if isinstance(one, ReplyError)]
        refused = next((one for one in errors if one.kind == "budget"), None)
        if refused is not None:
            self.spent = str(refused)
        if errors and all(one.kind == "unavailable" for one in errors) and len(errors) == len(answered):
            raise ModelAwayError(f"none of {len(answered)} requests had an answer: {errors[0]}")
