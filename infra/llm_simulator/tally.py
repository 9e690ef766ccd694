"""What the server was asked and what became of it. Keys are counted by a digest, never by themselves."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any


class Tally:
    """Counts of requests that were received in full."""

    def __init__(self) -> None:
        self.received = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.by_outcome: Counter[str] = Counter()
        self.by_endpoint: Counter[str] = Counter()
        self.by_status: Counter[int] = Counter()
        self.by_key: Counter[str] = Counter()
        self.by_schema: Counter[str] = Counter()
        self.received_by_content: Counter[str] = Counter()
        self.answered_by_content: Counter[str] = Counter()
        self.n_connections = 0
        self.n_prompt_tokens = 0
        self.n_completion_tokens = 0

    def begin(self, endpoint: str, key: str) -> None:
        self.received += 1
        self.by_endpoint[endpoint] += 1
        self.by_key[key_id(key)] += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def end(self) -> None:
        """The request was answered, or whoever sent it has gone."""
        self.in_flight -= 1

    def shown(self) -> dict[str, Any]:
        """For JSON. `answered` are replies of a model, each of which a provider would bill."""
        return {
            "received": self.received,
            "answered": self.answered_by_content.total(),
            "contents": len(self.received_by_content),
            "answered_twice": sum(n > 1 for n in self.answered_by_content.values()),
            "in_flight": self.in_flight,
            "most_in_flight": self.most_in_flight,
            "connections": self.n_connections,
            "prompt_tokens": self.n_prompt_tokens,
            "completion_tokens": self.n_completion_tokens,
            "by_outcome": dict(self.by_outcome),
            "by_status": {str(status): n for status, n in self.by_status.items()},
            "by_endpoint": dict(self.by_endpoint),
            "by_key": dict(self.by_key),
            "by_schema": dict(self.by_schema),
            "received_by_content": dict(self.received_by_content),
            "answered_by_content": dict(self.answered_by_content),
        }


def key_id(key: str) -> str:
    """The first 8 hex digits of the key's SHA-256; "none" without a key."""
    return hashlib.sha256(key.encode()).hexdigest()[:8] if key else "none"
