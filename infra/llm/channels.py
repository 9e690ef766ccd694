"""One endpoint, open for asking: its client, its gate, its breaker and its manner."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime

from domain.language_models import Request
from infra.catalog import Catalog, ReplyRow, endpoint_row, models_seen
from infra.llm.budget import Amount, estimated_prompt
from infra.llm.capabilities import Manner
from infra.llm.circuit import Circuit
from infra.llm.endpoints import Endpoint
from infra.llm.fingerprints import reply_key
from infra.llm.limits import Limiter
from infra.llm.prices import Prices
from infra.llm.providers import Provider, Received
from infra.llm.structured import MOST_CHARS
from infra.llm.wire import Mode, Said
from infra.settings import Settings

log = logging.getLogger(__name__)

_COUNT_WHAT_IS_TAKEN = ("groq", "deepseek")
"""OpenAI counts max_tokens against the limit, whatever a reply takes; these count the reply."""
_SPENT_IN_A_ROW = 8
_SPENT_SECONDS = 60.0


class Channel:
    """Made in the event loop that uses it; the breaker is shared by the models of a provider."""

    def __init__(
        self,
        endpoint: Endpoint,
        provider: Provider,
        circuit: Circuit,
        catalog: Catalog,
        prices: Prices,
        settings: Settings,
    ) -> None:
        account = endpoint.account
        row = endpoint_row(catalog, account.provider, account.address, endpoint.model)
        self.endpoint = endpoint
        self.provider = provider
        self.circuit = circuit
        self.manner = Manner(catalog, row)
        self.limiter = Limiter(
            catalog,
            row,
            most_requests=settings.llm_requests_per_minute,
            most_tokens=settings.llm_tokens_per_minute,
        )
        self._n_spent = 0
        self._spent_until = 0.0
        self._prices = prices
        self._names = {
            seen.response_model
            for seen in models_seen(catalog)
            if (seen.provider, seen.base_url, seen.model)
            == (account.provider, account.address, endpoint.model)
        }

    @property
    def name(self) -> str:
        return self.endpoint.name

    def key(self, request: Request) -> str:
        return reply_key(request, self.endpoint)

    def most(self, request: Request) -> Amount:
        """What the request takes if its reply is as long as it may be; 0 dollars where no price is known."""
        n_prompt = estimated_prompt(request)
        cost = self._cost(n_prompt, 0, request.max_tokens)
        return Amount(n_prompt + request.max_tokens, cost or 0.0)

    def settle(self, granted: Amount, taken: int | None) -> None:
        """Tells the limiter what a reply took, where the provider counts that."""
        if self.endpoint.account.provider in _COUNT_WHAT_IS_TAKEN:
            self.limiter.settle(granted.tokens, taken)

    def row(self, key: str, request: Request, said: Said, received: Received, mode: Mode) -> ReplyRow:
        """The reply as it is kept, priced at this moment's price; who pays is left open."""
        account, moment = self.endpoint.account, datetime.now(UTC)
        n_prompt, n_completion = said.n_prompt_tokens, said.n_completion_tokens
        cost = None
        if n_prompt is not None and n_completion is not None:
            cost = self._cost(n_prompt, min(said.n_cached_tokens or 0, n_prompt), n_completion)
        price = self._prices.find(account.provider, self.endpoint.model, moment)
        return ReplyRow(
            key=key,
            provider=account.provider,
            base_url=account.address,
            model=self.endpoint.model,
            mode=mode,
            text=said.text[: MOST_CHARS + 1],
            response_model=said.response_model,
            fingerprint=said.fingerprint,
            finish_reason=said.finish_reason,
            refusal=said.refusal,
            n_prompt_tokens=n_prompt,
            n_cached_tokens=said.n_cached_tokens,
            n_completion_tokens=n_completion,
            cost_usd=cost,
            price_source=price.told() if price is not None and cost is not None else "",
            seconds=received.seconds,
            purpose=request.purpose,
            created_at=moment,
            subjects=request.subjects,
        )

    @property
    def spent(self) -> bool:
        """Whether the account had no credit lately, time after time: not worth asking for a while."""
        return time.monotonic() < self._spent_until

    def credit(self, there: bool) -> None:
        """Takes note that a request was paid for, or could not be."""
        self._n_spent = 0 if there else self._n_spent + 1
        if self._n_spent >= _SPENT_IN_A_ROW:
            self._spent_until = time.monotonic() + _SPENT_SECONDS

    def notice(self, response_model: str) -> None:
        """Warns, once a name, when the model calls itself otherwise than it did."""
        if response_model in self._names:
            return
        if self._names:
            before = ", ".join(sorted(self._names))
            log.warning(
                "%s now answers as %s (before: %s): results before and after may differ",
                self.name, response_model, before,
            )  # fmt: skip
        self._names.add(response_model)

    def _cost(self, n_prompt: int, n_cached: int, n_completion: int) -> float | None:
        provider, model = self.endpoint.account.provider, self.endpoint.model
        return self._prices.cost(provider, model, datetime.now(UTC), n_prompt, n_cached, n_completion)
