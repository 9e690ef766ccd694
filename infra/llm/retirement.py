"""Which language models in use are about to be switched off, or are no longer offered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from infra.llm.models import OfferedModel

NOTICE = timedelta(days=90)
"""How long before its last day a model is said to retire: time for a successor to be trained and compared."""


@dataclass(frozen=True)
class Retiring:
    """A model, as "provider:model". `shutdown` is its last day where one is known; `why` a sentence."""

    model: str
    shutdown: date | None
    why: str


def retiring(
    names: Iterable[str],
    offers: Sequence[OfferedModel],
    shutdown_of: Callable[[str, str], date | None],
    today: date,
) -> list[Retiring]:
    """Those of `names` ("provider:model") that go within the notice, have gone, or are not listed any more.

    The provider's own word on the last day comes before the price file's (`shutdown_of`). Of a provider that
    does not answer nothing is taken for gone.
    """
    answered = {one.provider for one in offers} - {one.provider for one in offers if one.problem}
    listed = {f"{one.provider}:{one.model}": one for one in offers if not one.problem}
    found = []
    for name in dict.fromkeys(names):
        provider, _, model = name.partition(":")
        offer = listed.get(name)
        last = offer.shutdown if offer is not None and offer.shutdown else shutdown_of(provider, model)
        if last is not None and last <= today + NOTICE:
            when = f"was switched off on {last}" if last < today else f"is switched off on {last}"
            found.append(Retiring(name, last, f"{name} {when}"))
        elif provider in answered and offer is None:
            found.append(Retiring(name, None, f"{name} is not among the models that {provider} offers"))
    return found
