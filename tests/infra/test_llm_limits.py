"""Limits learned from headers or settings, held by several processes together."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.catalog import Catalog, Pace, block, endpoint_row, grant, upgrade
from infra.llm.limits import per_minute, seconds_of
from tests.llm_client import language_models, questions
from tests.llm_server import running_simulator, simulator_process

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6m0s", 360.0),
        ("20ms", 0.02),
        ("7.66s", 7.66),
        ("1h0m3.5s", 3603.5),
        ("2m59.56s", 179.56),
        ("12", 12.0),
        ("1d", 86400.0),
        ("soon", None),
        ("", None),
        (None, None),
        ("-3", None),
        ("nan", None),
    ],
)
def test_a_duration_is_read_as_each_provider_writes_it(text: str | None, seconds: float | None) -> None:
    assert seconds_of(text) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("limit", "left", "reset", "expected"),
    [
        ("500", "499", "120ms", 500.0),  # OpenAI: one used, which comes back in 60/500 s
        ("14400", "14370", "2m59.56s", None),  # Groq: the same name, but by the day
        ("6000", "99", "10ms", 6000.0),  # a bucket that is smaller than the limit
        ("6000", None, None, 6000.0),
        ("0", "0", "1s", None),
        ("many", "1", "1s", None),
        (None, "1", "1s", None),
    ],
)
def test_a_limit_by_the_day_is_not_taken_for_one_by_the_minute(
    limit: str | None, left: str | None, reset: str | None, expected: float | None
) -> None:
    told = {"limit": limit, "remaining": left, "reset": reset}
    headers = {f"x-ratelimit-{what}-requests": text for what, text in told.items() if text is not None}
    assert per_minute(headers, "requests") == expected


def test_what_is_granted_to_one_is_kept_from_the_others(catalog: Catalog) -> None:
    row = endpoint_row(catalog, "openai", "https://a/v1", "m")
    pace = Pace(requests_per_minute=600, tokens_per_minute=None, request_burst_seconds=0.0)
    first = grant(catalog, row, pace, [1] * 3, horizon_seconds=10)
    second = grant(catalog, row, pace, [1] * 3, horizon_seconds=10)
    assert first == pytest.approx([0.0, 0.1, 0.2], abs=0.02)
    assert second == pytest.approx([0.3, 0.4, 0.5], abs=0.1)


def test_a_grant_ends_at_the_horizon_but_is_never_empty(catalog: Catalog) -> None:
    row = endpoint_row(catalog, "openai", "https://a/v1", "m")
    pace = Pace(requests_per_minute=6, tokens_per_minute=None, request_burst_seconds=0.0)
    assert grant(catalog, row, pace, [1] * 5, horizon_seconds=0.5) == [0.0]
    assert grant(catalog, row, pace, [1] * 5, horizon_seconds=0.5) == pytest.approx([10.0], abs=0.5)


def test_tokens_are_paced_by_their_number(catalog: Catalog) -> None:
    row = endpoint_row(catalog, "openai", "https://a/v1", "m")
    pace = Pace(requests_per_minute=None, tokens_per_minute=60_000, token_burst_seconds=0.0)
    moments = grant(catalog, row, pace, [500, 1000, 100], horizon_seconds=10)
    assert moments == pytest.approx([0.0, 0.5, 1.5], abs=0.02)
    # The 1,600 took 600 fewer in truth.
    assert grant(catalog, row, pace, [1], horizon_seconds=10, spent_tokens=-600)[0] == pytest.approx(
        1.0, abs=0.1
    )


def test_a_long_pause_earns_no_more_than_a_burst(catalog: Catalog) -> None:
    row = endpoint_row(catalog, "openai", "https://a/v1", "m")
    pace = Pace(requests_per_minute=600, tokens_per_minute=None, request_burst_seconds=0.2)
    moments = grant(catalog, row, pace, [1] * 5, horizon_seconds=10)
    assert moments == pytest.approx([0.0, 0.0, 0.0, 0.1, 0.2], abs=0.03)


def test_a_block_holds_for_everyone(catalog: Catalog) -> None:
    row = endpoint_row(catalog, "openai", "https://a/v1", "m")
    block(catalog, row, 30.0)
    block(catalog, row, 3.0)
    moments = grant(catalog, row, Pace(600, None), [1], horizon_seconds=0.5)
    assert moments == pytest.approx([30.0], abs=1.0)


def test_a_limit_in_the_headers_is_kept_to_and_reached(sqlite_url: str, tmp_path: Path) -> None:
    upgrade(sqlite_url)
    with (
        simulator_process(latency=0.1, requests_per_second=50, burst_seconds=0.4) as server,
        Catalog.open(sqlite_url) as catalog,
        language_models(server.base_url, catalog, tmp_path, llm_concurrency=16) as models,
    ):
        models.complete(questions(1, "first"))
        begun = time.monotonic()
        models.complete(questions(200))
        seconds = time.monotonic() - begun
        assert server.counts()["by_outcome"].get("over_limit", 0) == 0
    assert seconds > 3.4


def test_a_limit_in_the_settings_is_kept_to_though_the_server_states_none(
    sqlite_url: str, tmp_path: Path
) -> None:
    upgrade(sqlite_url)
    with (
        running_simulator() as server,
        Catalog.open(sqlite_url) as catalog,
        language_models(server.base_url, catalog, tmp_path, llm_requests_per_minute=1200) as models,
    ):
        begun = time.monotonic()
        models.complete(questions(40))
        assert time.monotonic() - begun > 1.6


def test_a_limit_that_nobody_states_is_found_by_being_refused(sqlite_url: str, tmp_path: Path) -> None:
    """Groq's limit by the minute is in no header: its 429 says when to come back, and all come back then."""
    upgrade(sqlite_url)
    with (
        running_simulator(requests_per_second=40, burst_seconds=0.1) as server,
        Catalog.open(sqlite_url) as catalog,
        language_models(
            server.base_url, catalog, tmp_path, groq_base_url=server.groq_url, groq_api_key="k",
            llm_models="groq:simulated-1", llm_concurrency=8,
        ) as models,
    ):  # fmt: skip
        answered = models.complete(questions(60))
        counts = server.counts()
    assert [type(one).__name__ for one in answered] == ["Reply"] * 60
    assert counts["by_outcome"]["over_limit"] < 200


ASK = """
import sys
from pathlib import Path
from infra.catalog import Catalog
from tests.llm_client import language_models, questions
with Catalog.open(sys.argv[1]) as catalog:
    with language_models(sys.argv[2], catalog, Path(sys.argv[3]), llm_concurrency=16) as models:
        models.complete(questions(1, "first"))
        answered = models.complete(questions(60, sys.argv[4]))
        print(sum(type(one).__name__ == "Reply" for one in answered))
"""


def test_two_processes_share_one_limit(empty_catalog_url: str, tmp_path: Path) -> None:
    upgrade(empty_catalog_url)
    with simulator_process(latency=0.05, requests_per_second=40, burst_seconds=0.6) as server:
        with (
            Catalog.open(empty_catalog_url) as catalog,
            language_models(server.base_url, catalog, tmp_path) as models,
        ):
            models.complete(questions(1, "first"))
        begun = time.monotonic()
        both = [
            subprocess.Popen(
                [sys.executable, "-c", ASK, empty_catalog_url, server.base_url, str(tmp_path), name],
                cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
            )
            for name in ("one", "two")
        ]  # fmt: skip
        said = [process.communicate()[0].strip() for process in both]
        seconds = time.monotonic() - begun
        counts = server.counts()
    assert said == ["60", "60"]
    # Two that did not know of each other would be refused half of the time.
    assert counts["by_outcome"].get("over_limit", 0) < 30
    # 120 at 40 a second are 3 s.
    assert seconds > 2.4
