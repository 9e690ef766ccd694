"""Claims and announcements: of real processes that want one piece of work at the same moment, one gets it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from infra import catalog as records
from infra.catalog import Catalog, Claim
from infra.machine import machine

HOLDER = """
import os, sys, time
from datetime import UTC, datetime
from pathlib import Path
from infra import catalog as records
from infra.machine import machine
from infra.processes import Identity

url, name, start = sys.argv[1], sys.argv[2], Path(sys.argv[3])
me = Identity.of("holder", os.getpid())
catalog = records.Catalog.open(url)
print("ready", flush=True)
while not start.exists():
    time.sleep(0.001)
wanted = records.Claim("train x", name, machine(), me.pid, me.created, datetime.now(UTC))
print(records.claim(catalog, wanted, lambda other: False).holder, flush=True)
print(records.announce_once(catalog, "local", "created", "x", {}, followed=False), flush=True)
time.sleep(600)
"""


def claimed_by(holder: str) -> Claim:
    return Claim("train x", holder, machine(), os.getpid(), 0.0, datetime.now(UTC))


def test_of_processes_that_claim_at_once_one_gets_it(catalog_url: str, tmp_path: Path) -> None:
    start = tmp_path / "start"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", HOLDER, catalog_url, name, str(start)], stdout=subprocess.PIPE, text=True
        )
        for name in ("a", "b", "c")
    ]
    try:
        for process in processes:
            assert process.stdout and process.stdout.readline() == "ready\n"
        start.touch()
        holders = {p.stdout.readline().strip() for p in processes if p.stdout}
        assert len(holders) == 1
        for process in processes:
            assert process.stdout and process.stdout.readline()
        with Catalog.open(catalog_url) as catalog:
            assert {c.holder for c in [records.holder_of(catalog, "train x")] if c} == holders
            assert len(records.announcements(catalog, "local")) == 1
    finally:
        for process in processes:
            process.send_signal(signal.SIGKILL)
            process.communicate()


def test_a_claim_is_taken_over_from_one_that_is_gone_and_only_its_holder_may_release_it(
    catalog: Catalog,
) -> None:
    first, second = claimed_by("first"), claimed_by("second")
    assert records.claim(catalog, first, gone=lambda _: False).holder == "first"
    assert records.claim(catalog, second, gone=lambda _: False).holder == "first"
    records.release(catalog, "train x", "second")
    assert records.claim(catalog, second, gone=lambda _: True).holder == "second"
    assert not records.renew(catalog, "train x", "first")
    records.release(catalog, "train x", "second")
    assert records.holder_of(catalog, "train x") is None


def test_an_event_is_announced_once_a_subject(catalog: Catalog) -> None:
    def announce(subject: str) -> bool:
        return records.announce_once(catalog, "local", "created", subject, {"n": 1}, followed=False)

    assert [announce("x"), announce("x"), announce("y")] == [True, False, True]
    assert [one.subject for one in records.announcements(catalog, "local", event="created")] == ["x", "y"]
    assert records.announcements(catalog, "local", followed=True) == []
    assert records.announcements(catalog, "another") == []


@pytest.fixture
def place(home: Path) -> records.Catalog:
    from tasks.workplace import workplace

    return workplace().catalog


def test_work_waits_for_a_living_process_and_not_for_a_killed_one_or_one_long_silent(place: Catalog) -> None:
    from tasks.claims import alone, gone

    dead = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    theirs = Claim(
        "train x", "dead", machine(), dead.pid, psutil.Process(dead.pid).create_time(), datetime.now(UTC)
    )
    records.claim(place, theirs, gone)
    assert not gone(theirs)
    dead.kill()
    dead.wait()
    assert gone(theirs)
    with alone("train x", "mine"):
        held = records.holder_of(place, "train x")
        assert held and held.holder == "mine"
    assert records.holder_of(place, "train x") is None
    elsewhere = Claim("train y", "there", "another machine", 1, 0.0, datetime.now(UTC))
    assert not gone(elsewhere)
    assert gone(Claim(**{**vars(elsewhere), "renewed_at": datetime.now(UTC) - timedelta(seconds=181)}))
