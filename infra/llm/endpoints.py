"""Which models can be asked, where, and with which key: read from the settings, opened by nobody here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from domain.errors import SettingError
from infra.addresses import masked
from infra.llm.prices import Prices
from infra.settings import Settings

PROVIDERS = ("openai", "deepseek", "groq", "compatible")
_ADDRESSES = {
    "openai": "https://api.openai.com/v1",
    "deepseek": "https://api.deepseek.com",
    "groq": "https://api.groq.com/openai/v1",
}


@dataclass(frozen=True)
class Account:
    """A provider with the key to it. `base_url` may hold a password and is not for showing."""

    provider: str
    base_url: str = field(repr=False)
    key: SecretStr | None

    @property
    def address(self) -> str:
        """For people and tables."""
        return masked(self.base_url).rstrip("/")


@dataclass(frozen=True)
class Endpoint:
    """A model at an address. `extra` is sent with each request."""

    account: Account
    model: str
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def name(self) -> str:
        return f"{self.account.provider}:{self.model}"


def accounts(settings: Settings) -> dict[str, Account]:
    """The providers that can be asked, by name: those with a key, and a compatible server that is set."""
    found = {}
    for provider, address in _ADDRESSES.items():
        key: SecretStr | None = getattr(settings, f"{provider}_api_key")
        base_url = getattr(settings, f"{provider}_base_url") or address
        if key is not None:
            found[provider] = Account(provider, base_url, key)
    if settings.llm_base_url:
        found["compatible"] = Account("compatible", settings.llm_base_url, settings.llm_api_key)
    return found


def parse_name(name: str) -> tuple[str, str]:
    """The provider and model of "provider:model". Raises SettingError for another form or provider."""
    provider, colon, model = name.strip().partition(":")
    if not colon or not model.strip() or provider not in PROVIDERS:
        raise SettingError(
            f"{name!r} names no language model: write provider:model with a provider of "
            f"{', '.join(PROVIDERS)} (TRAINYARD_LLM_MODELS, or the strategy's model)"
        )
    return provider, model.strip()


def endpoint(name: str, settings: Settings, prices: Prices, moment: datetime) -> Endpoint:
    """The endpoint of "provider:model". Raises SettingError when the provider has no key."""
    provider, model = parse_name(name)
    account = accounts(settings).get(provider)
    if account is None:
        variable = (
            "TRAINYARD_LLM_BASE_URL" if provider == "compatible" else f"TRAINYARD_{provider.upper()}_API_KEY"
        )
        raise SettingError(
            f"{name} cannot be asked, since {variable} is not set: export it, or name another model"
        )
    return Endpoint(account, model, prices.additions(provider, model, moment))
