"""What a reply costs, by a dated table that users can override; an unknown price is None, never 0."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.errors import SettingError

_BUILT_IN = Path(__file__).with_name("prices.toml")
_PER = 1_000_000


class Peak(BaseModel):
    """When a provider charges `factor` times its price; hours in UTC, the second one excluded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    factor: float = Field(gt=0)
    hours: list[tuple[int, int]]
    weekdays_only: bool = False

    def at(self, moment: datetime) -> bool:
        moment = moment.astimezone(UTC)
        if self.weekdays_only and moment.weekday() >= 5:
            return False
        return any(first <= moment.hour < last for first, last in self.hours)


class Price(BaseModel):
    """One row of the price file; see the comment at its top."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: str
    model: str
    input: float | None = Field(None, ge=0)
    cached: float | None = Field(None, ge=0)
    output: float | None = Field(None, ge=0)
    valid_from: date | None = None
    valid_to: date | None = None
    peak: Peak | None = None
    extra: dict[str, Any] = {}
    recommended: bool = False
    shutdown: date | None = None
    source: str = ""
    as_of: date | None = None

    def covers(self, provider: str, model: str, day: date) -> bool:
        named = model.startswith(self.model[:-1]) if self.model.endswith("*") else model == self.model
        begun = self.valid_from is None or self.valid_from <= day
        return (
            provider == self.provider and named and begun and (self.valid_to is None or day < self.valid_to)
        )

    @property
    def known(self) -> bool:
        return self.input is not None and self.output is not None

    def told(self) -> str:
        """Where the price is from, for the reply table."""
        return f"{self.source or 'price file'}{f', as of {self.as_of}' if self.as_of else ''}"


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    model: list[Price] = []


@dataclass(frozen=True)
class Prices:
    """The user's rows before the built-in ones: the first that covers a model counts."""

    rows: Sequence[Price] = field(default_factory=tuple)

    @staticmethod
    def load(own: Path | None) -> Prices:
        """Raises SettingError when the user's file cannot be read, or names what is wrong in it."""
        return Prices((*(_read(own) if own else ()), *_read(_BUILT_IN)))

    def find(self, provider: str, model: str, moment: datetime) -> Price | None:
        """The row that says what the model costs then; one that knows no price only for want of a better."""
        day = moment.astimezone(UTC).date()
        covering = [row for row in self.rows if row.covers(provider, model, day)]
        return next((row for row in covering if row.known), covering[0] if covering else None)

    def known(self, provider: str, model: str, moment: datetime) -> bool:
        row = self.find(provider, model, moment)
        return row is not None and row.known

    def cost(
        self, provider: str, model: str, moment: datetime, n_prompt: int, n_cached: int, n_completion: int
    ) -> float | None:
        """Dollars for these tokens; `n_cached` are among `n_prompt`. None where the price is unknown."""
        row = self.find(provider, model, moment)
        if row is None or row.input is None or row.output is None:
            return None
        cached = row.input if row.cached is None else row.cached
        at_base = (n_prompt - n_cached) * row.input + n_cached * cached + n_completion * row.output
        return at_base / _PER * (row.peak.factor if row.peak and row.peak.at(moment) else 1.0)

    def recommended(self, provider: str, moment: datetime) -> str | None:
        """The model to ask where the settings name none."""
        day = moment.astimezone(UTC).date()
        rows = [row for row in self.rows if row.recommended and row.covers(provider, row.model, day)]
        return rows[0].model if rows else None

    def additions(self, provider: str, model: str, moment: datetime) -> Mapping[str, Any]:
        """What the provider wants to be told with each request to the model."""
        row = self.find(provider, model, moment)
        return row.extra if row else {}

    def shutdown(self, provider: str, model: str, moment: datetime) -> date | None:
        row = self.find(provider, model, moment)
        return row.shutdown if row else None


def _read(path: Path) -> tuple[Price, ...]:
    try:
        return tuple(_File.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).model)
    except ValidationError as error:
        told = error.errors()[0]
        where = ".".join(str(part) for part in told["loc"])
        raise SettingError(
            f"{path}: {where} is {told['input']!r}: {told['msg'].lower()}; write it as in {_BUILT_IN}"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingError(
            f"{path} cannot be read as TOML ({error}): correct TRAINYARD_LLM_PRICE_FILE or the file"
        ) from error
