"""The client's parts by themselves: what is retried, what is JSON, what it costs, when a breaker opens."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from domain.errors import SettingError
from domain.language_models import Message, Reply, Request
from infra.catalog import Catalog, upgrade
from infra.llm.circuit import FAILURES_TO_OPEN, Circuit
from infra.llm.prices import Prices
from infra.llm.retry import Fate, ProviderError, backoff, retry_after
from infra.llm.structured import UnreadableError, conforms, read_json, repair
from infra.llm.wire import NotAReplyError, body_of, read, without_limits
from tests.llm_client import MODEL, SCHEMA, language_models, questions

GOOD = '{"score": 0.5, "why": "it {says} so"}'
NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after-ms": "150", "retry-after": "1"}, 0.15),
        ({"retry-after": formatdate(NOW + 90, usegmt=True)}, 90.0),
        ({"retry-after": formatdate(NOW - 90, usegmt=True)}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e300"}, None),
        ({}, None),
    ],
)
def test_the_time_to_come_back_is_read_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("status", "code", "fate"),
    [
        (None, "", Fate.LATER),
        *((status, "", Fate.LATER) for status in (408, 409, 425, 429, 498, 500, 502, 503, 504, 529)),
        (429, "rate_limit_exceeded", Fate.LATER),
        (429, "insufficient_quota", Fate.SPENT),
        (402, "", Fate.SPENT),
        *((status, "", Fate.REJECTED) for status in (400, 413, 422)),
        *((status, "", Fate.KEY) for status in (401, 403)),
        (404, "model_not_found", Fate.MODEL),
    ],
)
def test_only_what_may_succeed_later_is_tried_again(status: int | None, code: str, fate: Fate) -> None:
    assert ProviderError("x", status=status, code=code).fate is fate


def test_waits_are_drawn_from_a_range_that_doubles_up_to_a_limit() -> None:
    caps = [max(backoff(n) for _ in range(400)) for n in (1, 2, 3, 20)]
    assert caps == pytest.approx([0.5, 1.0, 2.0, 30.0], rel=0.1)
    assert min(backoff(20) for _ in range(400)) < 3.0


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"\n {GOOD} \n",
        f"```json\n{GOOD}\n```",
        f"```\n{GOOD}\n```\nI hope that helps.",
        f"Sure, here it is: {GOOD} Anything else?",
        f'First {{"score": 2}} no, wait: {GOOD}',
        f"a set {{x | x > 0}} and then {GOOD}",
    ],
)
def test_json_is_found_in_fences_and_prose(text: str) -> None:
    assert read_json(text, SCHEMA) == {"score": 0.5, "why": "it {says} so"}
    assert conforms(text, SCHEMA) == (text.strip() == GOOD)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("0.5", "does not fit the schema"),
        ('{"score": 1.5, "why": ""}', "'score'.*1.5 is greater than the maximum"),
        ('{"score": NaN, "why": ""}', "not JSON"),
        ('{"score": 0.5}', "'why' is a required property"),
        ('{"score": 0.5, "why": "", "extra": 1}', "Additional properties"),
        ('{"score": 0.5, "why": "cut of', "not JSON"),
        ("[" * 200_000, "not JSON|nested"),
        ('{"a":' * 100_000, "not JSON|nested"),
        ("9" * 10_000, "not JSON"),
        ("x" * 1_000_001, "1000001 characters"),
    ],
)
def test_what_is_not_the_json_that_was_asked_for_is_told_why(text: str, told: str) -> None:
    with pytest.raises(UnreadableError, match=told):
        read_json(text, SCHEMA)


def test_a_repair_shows_the_reply_and_what_is_wrong_with_it() -> None:
    asked = Request((Message("user", "mark it"),), schema=SCHEMA, schema_name="mark", subjects=("s1",))
    again = repair(asked, "rubbish", "it is not JSON")
    assert [message.role for message in again.messages] == ["user", "assistant", "user"]
    assert again.messages[1].content == "rubbish"
    assert "it is not JSON" in again.messages[2].content
    assert 'JSON for the schema "mark":' in again.messages[2].content
    assert again.subjects == ("s1",)


@pytest.mark.parametrize("mode", ["schema", "json", "tool", "text"])
def test_each_mode_binds_the_reply_in_its_way(mode: Any) -> None:
    asked = Request(
        (Message("system", "Mark."), Message("user", "x")), schema=SCHEMA, schema_name="mark", seed=5
    )
    body = body_of(asked, "m", mode, frozenset(), {"reasoning_effort": "none"})
    system = body["messages"][0]["content"]
    assert ('Reply with JSON for the schema "mark":' in system) == (mode in ("json", "text"))
    assert body["messages"][-1] == {"role": "user", "content": "x"}
    assert body.get("response_format", {}).get("type") == {
        "schema": "json_schema",
        "json": "json_object",
    }.get(mode)
    assert ("tools" in body) == (mode == "tool")
    assert (body["temperature"], body["seed"], body["reasoning_effort"]) == (0.0, 5, "none")
    bare = body_of(replace(asked, temperature=None), "m", mode, {"no_seed", "max_completion_tokens"}, {})
    assert not {"temperature", "seed", "max_tokens"} & set(bare)
    assert bare["max_completion_tokens"] == 1024


def test_a_schema_can_be_said_without_its_limits_but_keeps_properties_of_those_names() -> None:
    schema = {
        "type": "object",
        "properties": {
            "minimum": {"type": "number", "minimum": 0},
            "list": {"type": "array", "items": SCHEMA},
        },
        "required": ["minimum", "list"],
    }
    bare = without_limits(schema)
    assert bare["properties"]["minimum"] == {"type": "number"}
    assert bare["properties"]["list"]["items"]["properties"]["score"] == {"type": "number"}
    assert bare["required"] == ["minimum", "list"]


@pytest.mark.parametrize(
    "body",
    [
        [],
        "text",
        None,
        {},
        {"choices": []},
        {"choices": ["x"]},
        {"choices": [{"message": "x"}]},
        {"error": {"message": "boom"}},
    ],
)
def test_a_body_without_a_reply_is_told_from_one(body: Any) -> None:
    with pytest.raises(NotAReplyError):
        read(body)


def test_usage_is_read_as_each_provider_says_it_and_nonsense_is_unknown() -> None:
    message = {"choices": [{"message": {"content": "hi"}}]}
    openai = read({**message, "usage": {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 4}}})
    deepseek = read({**message, "usage": {"prompt_tokens": 9, "prompt_cache_hit_tokens": 3}})
    odd = read({**message, "usage": {"prompt_tokens": -1, "completion_tokens": "many"}, "model": 7})
    assert (openai.n_prompt_tokens, openai.n_cached_tokens) == (9, 4)
    assert deepseek.n_cached_tokens == 3
    assert (odd.n_prompt_tokens, odd.n_completion_tokens, odd.response_model) == (None, None, "")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_circuit_opens_after_failures_in_a_row_and_lets_one_probe_through_at_a_time() -> None:
    clock = Clock()
    circuit = Circuit("server", clock)
    for _ in range(FAILURES_TO_OPEN - 1):
        circuit.failed("boom")
    circuit.succeeded()
    for _ in range(FAILURES_TO_OPEN):
        assert circuit.enter()
        circuit.failed("boom")
    assert not circuit.enter()
    assert circuit.wait() == pytest.approx(1.0)
    circuit.failed("a straggler")
    clock.now = 1.0
    assert circuit.enter()
    assert not circuit.enter()
    circuit.failed("still down")
    assert circuit.wait() == pytest.approx(2.0)
    clock.now = 3.0
    assert circuit.enter()
    circuit.succeeded()
    assert circuit.enter() and circuit.enter()
    assert circuit.open_seconds == 0.0


MONDAY_NOON, MONDAY_NIGHT = datetime(2026, 11, 16, 12, tzinfo=UTC), datetime(2026, 11, 16, 2, tzinfo=UTC)
SATURDAY_NIGHT = datetime(2026, 11, 21, 2, tzinfo=UTC)


def test_prices_know_peak_hours_cached_tokens_and_what_they_do_not_know() -> None:
    prices = Prices.load(None)
    million = (1_000_000, 0, 1_000_000)
    base = prices.cost("deepseek", "deepseek-flash", MONDAY_NOON, *million)
    assert base == pytest.approx(0.75)
    assert prices.cost("deepseek", "deepseek-flash", MONDAY_NIGHT, *million) == pytest.approx(1.5)
    assert prices.cost("deepseek", "deepseek-flash", SATURDAY_NIGHT, *million) == pytest.approx(0.75)
    cached = prices.cost("openai", "gpt-6-luna", MONDAY_NOON, 1_000_000, 500_000, 0)
    assert cached == pytest.approx(0.05 + 0.005)
    assert prices.cost("openai", "gpt-5-mini", MONDAY_NOON, *million) is None
    assert prices.cost("compatible", "llama", MONDAY_NOON, *million) is None
    assert str(prices.shutdown("openai", "gpt-5-mini", MONDAY_NOON)) == "2026-12-11"
    for provider in ("openai", "deepseek", "groq"):
        model = prices.recommended(provider, MONDAY_NOON)
        assert model is not None and prices.known(provider, model, MONDAY_NOON)
        assert prices.shutdown(provider, model, MONDAY_NOON) is None
    assert prices.recommended("compatible", MONDAY_NOON) is None
    assert all(row.source and row.as_of for row in prices.rows)


def test_a_price_holds_from_its_first_day_to_before_its_last(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(
        """
[[model]]
provider = "compatible"
model = "m"
input = 0
output = 0
valid_to = 2026-11-16
[[model]]
provider = "compatible"
model = "m"
input = 3
output = 5
valid_from = 2026-11-16
[[model]]
provider = "openai"
model = "gpt-6-luna"
input = 7
output = 7
"""
    )
    prices = Prices.load(path)
    sunday = datetime(2026, 11, 15, 23, 59, tzinfo=UTC)
    assert prices.cost("compatible", "m", sunday, 10, 0, 10) == 0.0
    assert prices.cost("compatible", "m", MONDAY_NOON, 1_000_000, 0, 0) == pytest.approx(3.0)
    assert prices.cost("openai", "gpt-6-luna", MONDAY_NOON, 1_000_000, 0, 0) == pytest.approx(7.0)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[model]]\nprovider='x'\nmodel='m'\ninput=-1", r"input is -1"),
        ("[[model]]\nprovider='x'\nmodel='m'\nprize=1", r"prize is 1"),
        ("not toml", "cannot be read as TOML"),
    ],
)
def test_a_price_file_that_is_wrong_is_named_with_what_is_wrong(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(text)
    with pytest.raises(SettingError, match=rf"p\.toml.*{told}"):
        Prices.load(tmp_path / "p.toml")
    with pytest.raises(SettingError, match="TRAINYARD_LLM_PRICE_FILE"):
        Prices.load(tmp_path / "none.toml")


class Reasoner(BaseHTTPRequestHandler):
    """A model that takes neither max_tokens nor a temperature, as OpenAI's reasoning models say it."""

    bodies: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.bodies.append(body)
        if "max_tokens" in body:
            self._refuse(
                "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
            )
        elif "temperature" in body:
            self._refuse("Unsupported value: 'temperature' does not support 0.0 with this model.")
        elif "secret word" in str(body["messages"]):
            self._refuse("Invalid prompt: it was flagged.")
        else:
            probed = body.get("response_format", {}).get("json_schema", {}).get("name") == "probe"
            content = '{"colour": "green", "sides": 4}' if probed else GOOD
            self._say(200, {"choices": [{"message": {"content": content}, "finish_reason": "stop"}]})

    def _refuse(self, message: str) -> None:
        self._say(400, {"error": {"message": message, "type": "invalid_request_error"}})

    def _say(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def reasoner() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    handler = type("Handler", (Reasoner,), {"bodies": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1", handler.bodies
    server.shutdown()
    server.server_close()
    thread.join()


def test_what_a_model_does_not_take_is_learned_from_its_complaints_and_remembered(
    reasoner: tuple[str, list[dict[str, Any]]], sqlite_url: str
) -> None:
    base_url, bodies = reasoner
    upgrade(sqlite_url)
    with Catalog.open(sqlite_url) as catalog:
        with language_models(base_url, catalog, llm_concurrency=1) as models:
            answered = models.complete(questions(3))
            assert all(isinstance(one, Reply) and one.mode == "schema" for one in answered)
        n_before = len(bodies)
        with language_models(base_url, catalog, llm_models=f"compatible:{MODEL}") as models:
            models.complete(questions(3, "more"))
            (error,) = models.complete([questions(1, "secret word")[0]])
        assert len(bodies) == n_before + 4
    assert "max_tokens" not in bodies[-1] and "temperature" not in bodies[-1]
    assert not isinstance(error, Reply)
    assert error.kind == "rejected" and "it was flagged" in str(error)


def test_requests_that_are_under_way_when_another_one_learns_are_not_lost(
    reasoner: tuple[str, list[dict[str, Any]]], sqlite_url: str
) -> None:
    upgrade(sqlite_url)
    with (
        Catalog.open(sqlite_url) as catalog,
        language_models(reasoner[0], catalog, llm_concurrency=16) as models,
    ):
        answered = models.complete(questions(40, schema=None))
    assert all(isinstance(one, Reply) for one in answered)
