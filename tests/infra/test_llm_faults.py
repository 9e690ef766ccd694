"""Whatever a server does, the run ends, and each request has its reply or the reason why not."""

from __future__ import annotations

import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from domain.errors import ReplyError
from domain.language_models import Answered, Reply
from infra.catalog import Catalog, upgrade
from infra.llm_simulator.behaviour import FAULTS, mixed
from tests.llm_client import language_models, questions
from tests.llm_server import running_simulator

UNANSWERABLE = {
    "rate_limited_long": ("unavailable", "asks to come back in 150 s"),
    "quota": ("unavailable", "no credit left"),
    "refusal": ("refused", "refused to answer: I'm sorry"),
    "content_filter": ("refused", "filter stopped it"),
}
"""Faults that no second try mends, with the kind of error and what it says."""


@pytest.fixture
def kept(sqlite_url: str) -> Any:
    upgrade(sqlite_url)
    with Catalog.open(sqlite_url) as catalog:
        yield catalog


def kinds(answered: list[Answered]) -> Counter[str]:
    return Counter("answered" if isinstance(one, Reply) else one.kind for one in answered)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_server_costs_no_answer_that_could_be_had(
    fault: str, kept: Catalog, tmp_path: Path
) -> None:
    with (
        running_simulator(faults={fault: 0.3}, fault_times=1, retry_after=0.05) as server,
        language_models(
            server.base_url, kept, tmp_path, llm_timeout_seconds=0.4, llm_deadline_seconds=8.0
        ) as models,
    ):
        answered = models.complete(questions(40))
        n_received = server.counts()["received"]
    failed = [one for one in answered if isinstance(one, ReplyError)]
    assert len(answered) == 40
    if fault in UNANSWERABLE:
        kind, told = UNANSWERABLE[fault]
        assert 3 < len(failed) < 25
        assert {one.kind for one in failed} == {kind}
        assert all(told in str(one) for one in failed)
    else:
        assert failed == []
        assert n_received > 41 or fault in ("fenced", "prose")


def test_every_fault_at_once_leaves_a_reply_or_a_reason_for_each_request(
    kept: Catalog, tmp_path: Path
) -> None:
    asked = questions(400)
    with (
        running_simulator(faults=mixed(0.2), fault_times=1, retry_after=0.05) as server,
        language_models(
            server.base_url, kept, tmp_path, llm_timeout_seconds=0.4, llm_deadline_seconds=8.0
        ) as models,
    ):
        first = models.complete(asked)
        n_received = server.counts()["received"]
        again = models.complete(asked)
        n_again = server.counts()["received"] - n_received
    counted = kinds(first)
    assert sum(counted.values()) == 400
    assert set(counted) <= {"answered", "unavailable", "refused"}
    assert counted["answered"] >= 370
    assert all(isinstance(b, Reply) for a, b in zip(first, again, strict=True) if isinstance(a, Reply))
    # Only what got no reply at all is asked again, and now has one.
    assert counted["unavailable"] <= n_again <= 8 * counted["unavailable"]
    assert kinds(again)["answered"] == 400 - counted["refused"]


def test_requests_that_fail_at_every_try_end_and_hold_up_no_others(kept: Catalog, tmp_path: Path) -> None:
    with (
        running_simulator(poison=0.1, faults={"error_500": 0.0}) as server,
        language_models(server.base_url, kept, tmp_path, llm_deadline_seconds=3.0) as models,
    ):
        answered = models.complete(questions(60))
        counts = server.counts()["received_by_content"]
    counted = kinds(answered)
    assert set(counted) == {"answered", "unavailable"}
    assert 1 <= counted["unavailable"] <= 15
    assert max(counts.values()) <= 8
    assert all("status 500" in str(one) for one in answered if isinstance(one, ReplyError))


def test_a_server_that_is_down_is_left_alone_and_waited_for(kept: Catalog, tmp_path: Path) -> None:
    with (
        running_simulator(faults={"error_503": 1.0}) as server,
        language_models(
            server.base_url, kept, tmp_path, llm_deadline_seconds=4.0, llm_concurrency=8
        ) as models,
    ):
        answered = models.complete(questions(100))
        n_received = server.counts()["received"]
        assert kinds(answered) == {"unavailable": 100}
        # Eight failures open the circuit; from then on it is one probe at a time.
        assert n_received < 40
        server.set(faults={})
        time.sleep(4.5)
        assert kinds(models.complete(questions(100))) == {"answered": 100}


def test_an_outage_shorter_than_the_deadline_costs_only_time(kept: Catalog, tmp_path: Path) -> None:
    with (
        running_simulator(faults={"drop_before": 1.0}) as server,
        language_models(server.base_url, kept, tmp_path, llm_deadline_seconds=30.0) as models,
    ):
        healed = threading.Timer(1.5, lambda: server.set(faults={}))
        healed.start()
        answered = models.complete(questions(100))
        healed.join()
    assert kinds(answered) == {"answered": 100}
