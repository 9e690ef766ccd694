"""One at a time: work that two flow runs want is done by one of them, and found done by the other."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from domain.errors import TrainyardError
from domain.identity import fingerprint
from infra import catalog as records
from infra.catalog import Claim
from infra.catalog.claims import LEASE_SECONDS
from infra.machine import machine
from infra.processes import Identity
from tasks.workplace import Workplace, workplace

log = logging.getLogger(__name__)

_LOOK_SECONDS = 0.5
_RENEW_SECONDS = LEASE_SECONDS / 6


def training_of(dataset_fingerprint: str, strategy: str, config: Mapping[str, Any]) -> str:
    """The name of a training: equal for equal datasets and configurations."""
    return f"train {dataset_fingerprint[:16]} {fingerprint([strategy, dict(config)])[:16]}"


@contextmanager
def alone(name: str, holder: str) -> Iterator[None]:
    """Holds the claim `name` for the block. While another run holds it, waits for that one to end or die."""
    place = workplace()
    me = Identity.of("holder", os.getpid())
    wanted = Claim(name, holder, machine(), me.pid, me.created, datetime.now(UTC))
    told = False
    while (there := records.claim(place.catalog, wanted, gone)).holder != holder:
        if there.holder and not told:
            log.info("another run (process %d) is at it: waiting for it (%s)", there.pid, name)
            told = True
        time.sleep(_LOOK_SECONDS)
    ended = threading.Event()
    threading.Thread(target=_renewing, args=(place, name, holder, ended), name="claim", daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        # Not released because the catalog is away: it is known as gone when we are.
        with suppress(TrainyardError):
            records.release(place.catalog, name, holder)


def gone(claim: Claim) -> bool:
    """Whether the process that holds the claim is no more."""
    if claim.machine == machine():
        return Identity("holder", claim.pid, claim.process_created).process() is None
    return (datetime.now(UTC) - claim.renewed_at).total_seconds() > LEASE_SECONDS


def in_work(place: Workplace, name: str) -> bool:
    """Whether a living process holds the claim."""
    there = records.holder_of(place.catalog, name)
    return there is not None and not gone(there)


def _renewing(place: Workplace, name: str, holder: str, ended: threading.Event) -> None:
    while not ended.wait(_RENEW_SECONDS):
        try:
            records.renew(place.catalog, name, holder)
        except TrainyardError as away:
            log.debug("claim %s not renewed: %s", name, away)
