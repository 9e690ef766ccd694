"""Rate limits as token buckets, and how the providers tell of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass
class Bucket:
    """Holds up to `capacity`, refilled at `rate` a second. `level` is right at the time `at`."""

    rate: float
    capacity: float
    level: float
    at: float

    @classmethod
    def full(cls, rate: float, capacity: float, now: float) -> Bucket:
        return cls(rate, capacity, capacity, now)

    def refill(self, now: float) -> None:
        self.level = min(self.capacity, self.level + (now - self.at) * self.rate)
        self.at = now

    def lacks(self, amount: float) -> float:
        """Seconds until `amount` could be taken; 0 if it can be now. What never fits counts as the whole."""
        return max(0.0, (min(amount, self.capacity) - self.level) / self.rate)

    def take(self, amount: float) -> None:
        self.level -= min(amount, self.capacity)

    @property
    def seconds_to_full(self) -> float:
        return max(0.0, (self.capacity - self.level) / self.rate)


class Limits:
    """The limits of one server. A request takes one from the first bucket, its tokens from the second."""

    def __init__(
        self, requests_per_minute: float | None, tokens_per_minute: float | None, burst: float, now: float
    ) -> None:
        self._requests = self._tokens = None
        self._n_taken = 0
        if requests_per_minute:
            rate = requests_per_minute / 60
            self._requests = Bucket.full(rate, max(1.0, rate * burst), now)
        if tokens_per_minute:
            self._tokens = Bucket.full(tokens_per_minute / 60, tokens_per_minute, now)

    def take(self, n_tokens: int, now: float) -> float:
        """0 where the request may pass, and then it is counted; else seconds until it may."""
        asked = [(b, n) for b, n in ((self._requests, 1), (self._tokens, n_tokens)) if b is not None]
        for bucket, _ in asked:
            bucket.refill(now)
        wait = max((bucket.lacks(n) for bucket, n in asked), default=0.0)
        if wait > 1e-9:
            return wait
        for bucket, n in asked:
            bucket.take(n)
        self._n_taken += 1
        return 0.0

    def headers(self, groq: bool) -> Mapping[str, str]:
        """`x-ratelimit-*` as they stand. OpenAI counts requests a minute, Groq a day; tokens a minute."""
        told: dict[str, str] = {}
        if self._requests is not None:
            limit, left = self._requests.rate * 60, self._requests.level
            reset = self._requests.seconds_to_full
            if groq:
                limit, left = limit * 1440, limit * 1440 - self._n_taken
                reset = self._n_taken * 86_400 / limit
            told |= _told("requests", limit, left, reset)
        if self._tokens is not None:
            told |= _told("tokens", self._tokens.rate * 60, self._tokens.level, self._tokens.seconds_to_full)
        return told


def _told(what: str, limit: float, left: float, reset: float) -> dict[str, str]:
    return {
        f"x-ratelimit-limit-{what}": str(round(limit)),
        f"x-ratelimit-remaining-{what}": str(max(0, math.floor(left))),
        f"x-ratelimit-reset-{what}": duration(reset),
    }


def duration(seconds: float) -> str:
    """As the providers write one: "20ms", "1.2s", "6m0s", "1h0m3.5s"."""
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)}ms"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{rest:.3f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text
