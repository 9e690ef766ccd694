"""What the configured endpoints offer: a row a model, and a row a server that does not answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from infra.llm.endpoints import Account
from infra.llm.prices import Prices
from infra.llm.providers import Provider
from infra.llm.retry import ProviderError

_MOST_MODELS = 2000


@dataclass(frozen=True)
class OfferedModel:
    """A model that a provider lists. Prices are US dollars per million tokens, None where unknown.

    `problem` says why the provider lists nothing; then `model` is "".
    """

    provider: str
    address: str
    model: str
    created: date | None = None
    shutdown: date | None = None
    input_usd: float | None = None
    output_usd: float | None = None
    price_source: str = ""
    in_use: bool = False
    problem: str = ""


async def offered(
    account: Account, provider: Provider, prices: Prices, in_use: Iterable[str]
) -> list[OfferedModel]:
    """What the account's server lists, by name. `in_use` are names like "openai:gpt-x"."""
    try:
        body = (await provider.models()).body
    except ProviderError as failure:
        return [OfferedModel(account.provider, account.address, "", problem=failure.reason)]
    listed = body.get("data") if isinstance(body, Mapping) else None
    if not isinstance(listed, list):
        return [OfferedModel(account.provider, account.address, "", problem="a reply that lists no models")]
    entries = [entry for entry in listed[:_MOST_MODELS] if isinstance(entry, Mapping) and entry.get("id")]
    found = [_model(account, entry, prices, frozenset(in_use)) for entry in entries]
    return sorted(found, key=lambda model: model.model)


def _model(
    account: Account, entry: Mapping[str, Any], prices: Prices, in_use: frozenset[str]
) -> OfferedModel:
    name, moment = str(entry["id"])[:200], datetime.now(UTC)
    price = prices.find(account.provider, name, moment)
    said = _day(entry.get("shutdown_date"))
    return OfferedModel(
        provider=account.provider,
        address=account.address,
        model=name,
        created=_created(entry.get("created")),
        shutdown=said or prices.shutdown(account.provider, name, moment),
        input_usd=price.input if price else None,
        output_usd=price.output if price else None,
        price_source=price.told() if price and price.known else "",
        in_use=f"{account.provider}:{name}" in in_use,
    )


def _created(value: Any) -> date | None:
    try:
        return datetime.fromtimestamp(value, UTC).date() if value else None
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None
