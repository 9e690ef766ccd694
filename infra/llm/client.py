"""`LanguageModels`: the one door to every language model."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime

from domain.errors import SettingError
from domain.language_models import Answered, Request
from infra.catalog import Catalog, SeenModel, Spent, models_seen, spent
from infra.llm.asking import Asker
from infra.llm.background import Background
from infra.llm.budget import Budget
from infra.llm.calls import Terms
from infra.llm.channels import Channel
from infra.llm.circuit import Circuit
from infra.llm.endpoints import Account, Endpoint, accounts, endpoint
from infra.llm.models import OfferedModel, offered
from infra.llm.orders import Order, answers_from_table
from infra.llm.prices import Prices
from infra.llm.providers import Provider
from infra.llm.retirement import Retiring, retiring
from infra.llm.writer import ReplyWriter
from infra.settings import Settings

log = logging.getLogger(__name__)

_LISTING_SECONDS = 10.0


class LanguageModels:
    """The models that the settings name, asked through the reply table. Threads may share it; one a
    process is enough, and it is not to be carried through a fork."""

    def __init__(self, settings: Settings, catalog: Catalog, prices: Prices) -> None:
        self._settings = settings
        self._catalog = catalog
        self._prices = prices
        self._accounts = accounts(settings)
        self._opening = threading.RLock()
        self._background: Background | None = None
        self._asker: Asker | None = None
        self._writer: ReplyWriter | None = None
        self._providers: dict[str, Provider] = {}
        self._circuits: dict[str, Circuit] = {}
        self._channels: dict[str, Channel] = {}
        self._names: tuple[str, ...] | None = None

    @staticmethod
    def open(settings: Settings, catalog: Catalog) -> LanguageModels:
        """Connects to nobody yet. Raises SettingError for a price file or model names that cannot be used."""
        models = LanguageModels(settings, catalog, Prices.load(settings.llm_price_file))
        for name in _named(settings.llm_models):
            endpoint(name, settings, models._prices, datetime.now(UTC))
        return models

    @property
    def names(self) -> tuple[str, ...]:
        """ "provider:model" in the order in which they are asked; empty where no model is set up.

        A compatible server without a named model is asked which one it offers; "compatible:" stands for it
        while it does not answer. Raises SettingError when it offers several.
        """
        with self._opening:
            if self._names is None:
                names = tuple(_named(self._settings.llm_models)) or self._recommended()
                if "compatible:" in names:
                    return names
                self._names = names
            return self._names

    def complete(
        self,
        requests: Sequence[Request],
        *,
        payer: str = "",
        occasion: str = "",
        budget: Budget | None = None,
        heed: Callable[[], None] | None = None,
    ) -> list[Answered]:
        """What became of each request, in order; those that the table answers cost nothing.

        `payer` (a job) pays, `occasion` says for which part of its work. Raises SettingError when no model is
        set up, a key is refused, a model is unknown or a budget in dollars meets an unknown price, and
        OutsideError when the catalog does not answer. All else concerns single requests. What was paid for
        until an error is kept. `heed` is called while replies are waited for; what it raises ends that.
        """
        if not requests:
            return []
        orders = [Order.of(request, self._channels_of(request)) for request in requests]
        limits = budget or Budget()
        self._check_prices(orders, limits)
        answered = answers_from_table(self._catalog, orders)
        missing = [n for n, one in enumerate(answered) if one is None]
        if missing:
            paid = spent(self._catalog, payer) if limits.limited else Spent()
            told = self._ask([orders[n] for n in missing], Terms(payer, occasion, limits), paid, heed)
            for n, one in zip(missing, told, strict=True):
                answered[n] = one
        return [one for one in answered if one is not None]

    def offered(self) -> list[OfferedModel]:
        """What each configured endpoint lists; a row with the `problem` for one that does not answer."""
        found: list[OfferedModel] = []
        in_use = [name for name in self._safe_names() if name != "compatible:"]
        for account in self._accounts.values():
            found += self._listed(account, in_use)
        return found

    def retiring(self, names: Iterable[str], today: date) -> list[Retiring]:
        """Those of `names` ("provider:model") that are switched off soon, or are not offered any more."""
        named = [name for name in names if not name.endswith(":")]
        moment = datetime.now(UTC)
        offers = self.offered() if named else []
        return retiring(
            named, offers, lambda provider, model: self._prices.shutdown(provider, model, moment), today
        )

    def changed_models(self) -> list[SeenModel]:
        """Of each model that called itself by several names over time, all those names, earliest first."""
        seen = models_seen(self._catalog)
        names: dict[tuple[str, str, str], set[str]] = {}
        for one in seen:
            names.setdefault((one.provider, one.base_url, one.model), set()).add(one.response_model)
        return [one for one in seen if len(names[one.provider, one.base_url, one.model]) > 1]

    def close(self) -> None:
        """Keeps what has arrived and lets go of connections and threads."""
        with self._opening:
            if self._background is None:
                return
            for provider in self._providers.values():
                self._background.run(provider.close())
            if self._writer is not None:
                self._writer.close()
            self._background.close()
            self._background = self._asker = self._writer = None
            self._providers.clear()
            self._channels.clear()

    def _recommended(self) -> tuple[str, ...]:
        moment, names = datetime.now(UTC), []
        for account in self._accounts.values():
            model = self._prices.recommended(account.provider, moment)
            if account.provider == "compatible" and model is None:
                model = self._only_model(account)
            if model is not None:
                names.append(f"{account.provider}:{model}")
        return tuple(names)

    def _only_model(self, account: Account) -> str:
        listed = self._listed(account, ())
        models = [one.model for one in listed if one.model]
        if len(models) > 1:
            raise SettingError(
                f"{account.address} offers {len(models)} models ({', '.join(models[:8])}): name one in "
                "TRAINYARD_LLM_MODELS, as compatible:NAME"
            )
        if not models:
            log.warning(
                "%s lists no models: %s", account.address, listed[0].problem if listed else "an empty list"
            )
        return models[0] if models else ""

    def _safe_names(self) -> tuple[str, ...]:
        try:
            return self.names
        except SettingError:
            return ()

    def _listed(self, account: Account, in_use: Iterable[str]) -> list[OfferedModel]:
        async def ask() -> list[OfferedModel]:
            provider = Provider(account, _LISTING_SECONDS, self._settings.secrets())
            try:
                return await offered(account, provider, self._prices, in_use)
            finally:
                await provider.close()

        return self._loop().run(ask())

    def _loop(self) -> Background:
        with self._opening:
            if self._background is None:
                self._background = Background("language-models")
            return self._background

    def _channels_of(self, request: Request) -> tuple[Channel, ...]:
        names = (request.model,) if request.model else self.names
        if not names:
            raise SettingError(
                "no language model is set up: export TRAINYARD_OPENAI_API_KEY, TRAINYARD_DEEPSEEK_API_KEY, "
                "TRAINYARD_GROQ_API_KEY or TRAINYARD_LLM_BASE_URL, or use --strategy native"
            )
        if "compatible:" in names:
            raise SettingError(
                f"{self._accounts['compatible'].address} does not say which models it offers: start it, or "
                "name its model in TRAINYARD_LLM_MODELS, as compatible:NAME"
            )
        with self._opening:
            return tuple(self._channels.get(name) or self._open_channel(name) for name in names)

    def _open_channel(self, name: str) -> Channel:
        found = endpoint(name, self._settings, self._prices, datetime.now(UTC))
        shutdown = self._prices.shutdown(found.account.provider, found.model, datetime.now(UTC))
        if shutdown is not None:
            log.warning(
                "%s is switched off on %s: name another in TRAINYARD_LLM_MODELS before", name, shutdown
            )
        account = found.account
        channel = self._loop().run(self._make_channel(found, account))
        self._channels[name] = channel
        return channel

    async def _make_channel(self, found: Endpoint, account: Account) -> Channel:
        """In the loop, to which clients and locks belong."""
        if account.provider not in self._providers:
            self._providers[account.provider] = Provider(
                account, self._settings.llm_timeout_seconds, self._settings.secrets()
            )
            self._circuits[account.provider] = Circuit(f"{account.provider} at {account.address}")
        provider, circuit = self._providers[account.provider], self._circuits[account.provider]
        return Channel(found, provider, circuit, self._catalog, self._prices, self._settings)

    def _check_prices(self, orders: Sequence[Order], budget: Budget) -> None:
        if budget.usd is None:
            return
        endpoints = {channel.name: channel.endpoint for order in orders for channel in order.channels}
        for name, one in endpoints.items():
            if not self._prices.known(one.account.provider, one.model, datetime.now(UTC)):
                raise SettingError(
                    f"the price of {name} is unknown, so a budget in dollars cannot be kept: state its price "
                    "in a file named by TRAINYARD_LLM_PRICE_FILE, or set TRAINYARD_LLM_BUDGET_TOKENS "
                    "instead of TRAINYARD_LLM_BUDGET_USD"
                )

    def _ask(
        self, orders: list[Order], terms: Terms, paid: Spent, heed: Callable[[], None] | None
    ) -> list[Answered]:
        async def ask() -> list[Answered]:
            if self._asker is None:
                self._writer = ReplyWriter(self._catalog)
                self._asker = Asker(
                    self._writer,
                    concurrency=self._settings.llm_concurrency,
                    deadline_seconds=self._settings.llm_deadline_seconds,
                )
            return await self._asker.answer(orders, terms, paid)

        return self._loop().run(ask(), heed)


def _named(models: str) -> list[str]:
    """The names in TRAINYARD_LLM_MODELS, each once."""
    return list(dict.fromkeys(name.strip() for name in models.split(",") if name.strip()))
