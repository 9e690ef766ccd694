"""What may succeed later is asked again, and when: the one retry layer of every client here.

Backoff with full jitter: a random share of a cap that doubles with each try, which spreads clients that
failed together. Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog (2015).
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from enum import StrEnum

MOST_TRIES = 8
"""With the backoff below about half a minute of trying; a longer outage is the circuit's affair."""
_FIRST_CAP_SECONDS = 0.5
_LONGEST_CAP_SECONDS = 30.0
_LATER = frozenset({408, 409, 425, 429, 498})
"""Statuses below 500 that a later try may not meet; 498 is Groq's "no flex capacity"."""
_SPENT = frozenset({"insufficient_quota", "billing_hard_limit_reached", "insufficient_balance"})


class Fate(StrEnum):
    """What a failure means for the request."""

    LATER = "later"
    """May succeed when asked again."""
    REJECTED = "rejected"
    """The server will not take these words."""
    SPENT = "spent"
    """The account has no credit left: nothing here succeeds until someone pays."""
    KEY = "key"
    """The key is refused."""
    MODEL = "model"
    """The server knows no such model, or no such path."""


class ProviderError(Exception):
    """A request that has no reply, and all that the server said about it.

    `status` is None where nothing came back at all; `broken` marks a reply that could not be read.
    """

    def __init__(
        self,
        reason: str,
        *,
        status: int | None = None,
        code: str = "",
        param: str = "",
        headers: Mapping[str, str] | None = None,
        broken: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.code = code
        self.param = param
        self.headers = headers or {}
        self.broken = broken

    @property
    def fate(self) -> Fate:
        if self.status is None or self.broken:
            return Fate.LATER
        if self.code in _SPENT or self.status == 402:
            return Fate.SPENT
        if self.status >= 500 or self.status in _LATER:
            return Fate.LATER
        if self.status in (401, 403):
            return Fate.KEY
        return Fate.MODEL if self.status == 404 else Fate.REJECTED

    @property
    def limited(self) -> bool:
        """Whether the server only asked for fewer requests."""
        return self.status == 429 and self.fate is Fate.LATER

    @property
    def outage(self) -> bool:
        """Whether it speaks against the server as a whole, and not against this request."""
        return self.status is None or self.status >= 500

    @property
    def retry_after(self) -> float | None:
        """Seconds that the server asked to be left alone; None where it did not say."""
        return retry_after(self.headers)


def backoff(n_tries: int, draw: random.Random | None = None) -> float:
    """Seconds to wait after the `n_tries`-th try failed."""
    cap = min(_LONGEST_CAP_SECONDS, _FIRST_CAP_SECONDS * 2.0 ** (n_tries - 1))
    return (draw or random).uniform(0.0, cap)


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """What `retry-after-ms` or Retry-After ask for, in seconds: a number, or a date from `now` on."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    told = headers.get("retry-after")
    seconds = _number(told)
    if seconds is not None or not told:
        return seconds
    try:
        then = parsedate_to_datetime(told).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, then - (time.time() if now is None else now))


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text else None
    except ValueError:
        return None
    # "nan" is a number to float, and no time to wait.
    return number if number is not None and 0 <= number < 1e9 else None
