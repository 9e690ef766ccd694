"""A breaker per provider: after many failures in a row nobody asks, but for one probe now and then.

Source: Nygard, "Release It!" (2007), the circuit breaker.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress

log = logging.getLogger(__name__)

FAILURES_TO_OPEN = 8
_FIRST_REST_SECONDS = 1.0
_LONGEST_REST_SECONDS = 30.0


class Circuit:
    """Closed: all may ask. Open: nobody. Half open: one may, and its success closes it again.

    Belongs to one event loop.
    """

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._clock = clock
        self._n_failures = 0
        self._open_since: float | None = None
        self._rest_seconds = _FIRST_REST_SECONDS
        self._probe_at = 0.0
        self._probing = False
        self._probed = asyncio.Event()
        self._why = ""

    @property
    def why(self) -> str:
        """The last failure, while it is open."""
        return self._why

    @property
    def open_seconds(self) -> float:
        """For how long nothing has succeeded, 0 while it is closed."""
        return 0.0 if self._open_since is None else self._clock() - self._open_since

    def wait(self) -> float:
        """Seconds until the next request may be sent; 0 if it may now."""
        return 0.0 if self._open_since is None else max(0.0, self._probe_at - self._clock())

    def enter(self) -> bool:
        """Whether this request may be sent now. While it is open, only one in each rest may."""
        if self.wait() > 0:
            return False
        if self._open_since is not None:
            # Whatever becomes of the probe, the next one has its time.
            self._probe_at, self._probing = self._clock() + self._rest_seconds, True
            self._probed.clear()
        return True

    @property
    def probing(self) -> bool:
        """Whether a probe is under way."""
        return self._probing

    async def probed(self, seconds: float) -> None:
        """Returns when the probe has come to an end, or after so many seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._probed.wait(), seconds)

    def succeeded(self) -> None:
        """The server answered, be it with a refusal of these words."""
        if self._open_since is not None:
            log.info("%s answers again after %.1f s", self._name, self.open_seconds)
        self._n_failures, self._open_since, self._why = 0, None, ""
        self._rest_seconds, self._probing = _FIRST_REST_SECONDS, False
        self._probed.set()

    def failed(self, reason: str) -> None:
        """The server did not answer, or with a fault of its own."""
        self._n_failures += 1
        self._why = reason
        if self._n_failures < FAILURES_TO_OPEN:
            return
        if self._open_since is None:
            self._open_since = self._clock()
            log.warning("%s failed %d times in a row (%s)", self._name, self._n_failures, reason)
        elif self._probing:
            self._rest_seconds = min(_LONGEST_REST_SECONDS, self._rest_seconds * 2)
        else:
            # It was under way when the circuit opened, and says nothing new.
            return
        self._probe_at, self._probing = self._clock() + self._rest_seconds, False
        self._probed.set()
