"""The simulated server as the real SDKs see it."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from typing import Any

import groq
import httpx
import jsonschema
import openai
import pytest

from domain.errors import SettingError
from infra.llm_simulator.behaviour import FAULTS, mixed
from infra.llm_simulator.generic import filled
from infra.llm_simulator.limits import Limits, duration
from infra.llm_simulator.server import Simulator
from tests.llm_server import running_simulator, simulator_process

SCHEMA = {
    "type": "object",
    "properties": {
        "level": {"type": "integer", "minimum": 0, "maximum": 3},
        "share": {"type": "number", "minimum": 0, "maximum": 1},
        "kind": {"enum": ["a", "b"]},
        "note": {"anyOf": [{"type": "string", "minLength": 40}, {"type": "null"}]},
        "parts": {"type": "array", "minItems": 2, "items": {"type": "boolean"}},
    },
    "required": ["level", "share", "kind", "note", "parts"],
    "additionalProperties": False,
}
BY_SCHEMA: Any = {"type": "json_schema", "json_schema": {"name": "thing", "schema": SCHEMA, "strict": True}}
AS_TOOL: Any = {"type": "function", "function": {"name": "thing", "parameters": SCHEMA}}


@pytest.fixture
def server() -> Iterator[Simulator]:
    with running_simulator() as started:
        yield started


def asked(server: Any, text: str = "Which?", key: str = "a-key", timeout: float = 5, **more: Any) -> Any:
    client = openai.OpenAI(base_url=server.base_url, api_key=key, max_retries=0, timeout=timeout)
    given = {"model": "simulated-1", "messages": [{"role": "user", "content": text}], **more}
    with client:
        return client.chat.completions.create(**given)


def raw(server: Any, text: str = "Which?", **more: Any) -> httpx.Response:
    body = {"model": "simulated-1", "messages": [{"role": "user", "content": text}], **more}
    return httpx.post(f"{server.base_url}/chat/completions", json=body, timeout=5)


def test_openais_sdk_reads_a_reply_with_its_usage(server: Simulator) -> None:
    reply = asked(server, response_format=BY_SCHEMA)
    jsonschema.validate(json.loads(reply.choices[0].message.content), SCHEMA)
    assert reply.choices[0].finish_reason == "stop"
    assert reply.model == "simulated-1"
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens > 0
    assert reply.usage.prompt_tokens_details.cached_tokens == 0
    assert reply.system_fingerprint.startswith("fp_")
    assert reply._request_id.startswith("req_")


def test_groqs_sdk_reads_a_reply_with_groqs_own_fields(server: Simulator) -> None:
    with groq.Groq(base_url=server.root_url, api_key="k", max_retries=0) as client:
        reply = client.chat.completions.create(
            model="simulated-1", messages=[{"role": "user", "content": "Which?"}], response_format=BY_SCHEMA
        )
    jsonschema.validate(json.loads(reply.choices[0].message.content or ""), SCHEMA)
    assert reply.x_groq is not None and reply.x_groq.id.startswith("req_")
    assert reply.usage is not None and reply.usage.queue_time is not None


def test_deepseeks_cache_hits_are_told_of_a_long_prompt_seen_before(server: Simulator) -> None:
    with openai.OpenAI(base_url=server.root_url, api_key="k", max_retries=0) as client:
        hits = []
        for _ in range(2):
            reply = client.chat.completions.create(
                model="simulated-1", messages=[{"role": "user", "content": "so long a prompt " * 50}]
            )
            hits.append((reply.usage.model_extra or {})["prompt_cache_hit_tokens"] if reply.usage else None)
    assert hits[0] == 0
    assert hits[1] >= 128


def test_models_are_listed_with_their_shutdown_dates(server: Simulator) -> None:
    with openai.OpenAI(base_url=server.base_url, api_key="k", max_retries=0) as client:
        listed = {model.id: model for model in client.models.list()}
    assert listed["simulated-old"].shutdown_date == "2026-12-31"
    assert listed["simulated-1"].shutdown_date is None
    assert listed["simulated-1"].created > 0
    with groq.Groq(base_url=server.root_url, api_key="k", max_retries=0) as other:
        assert {model.id for model in other.models.list().data} == set(listed)


def test_a_tool_is_called_with_arguments_for_its_schema(server: Simulator) -> None:
    reply = asked(server, tools=[AS_TOOL])
    (call,) = reply.choices[0].message.tool_calls
    assert call.function.name == "thing"
    jsonschema.validate(json.loads(call.function.arguments), SCHEMA)
    assert reply.choices[0].finish_reason == "tool_calls"


def test_json_mode_takes_the_schema_from_the_prompt(server: Simulator) -> None:
    prompt = f'Which? Reply with JSON for the schema "thing":\n{json.dumps(SCHEMA)}'
    reply = asked(server, prompt, response_format={"type": "json_object"})
    jsonschema.validate(json.loads(reply.choices[0].message.content), SCHEMA)


@pytest.mark.parametrize(
    ("more", "part"),
    [
        ({"stream": True}, "Streaming is not supported"),
        ({"messages": []}, "messages"),
        ({"response_format": {"type": "json_object"}}, "must contain the word 'json'"),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {
                        "name": "x",
                        "strict": True,
                        "schema": {"type": "object", "properties": {"a": {"type": "string"}}},
                    },
                }
            },
            "additionalProperties",
        ),
    ],
)
def test_what_breaks_the_protocol_is_refused_with_a_reason(
    server: Simulator, more: dict[str, Any], part: str
) -> None:
    response = raw(server, **more)
    assert response.status_code == 400
    assert part in response.json()["error"]["message"]


def test_a_body_that_is_no_json_is_refused(server: Simulator) -> None:
    response = httpx.post(f"{server.base_url}/chat/completions", content=b"{nonsense", timeout=5)
    assert response.status_code == 400


def test_a_listed_key_is_refused_and_never_shown(server: Simulator) -> None:
    with pytest.raises(openai.AuthenticationError, match="Incorrect API key"):
        asked(server, key="bad-key")
    counts = server.counts()
    assert counts["by_outcome"] == {"bad_key": 1}
    assert "bad-key" not in json.dumps(counts)


def test_a_model_that_is_not_offered_is_not_found(server: Simulator) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        asked(server, model="gpt-nothing")
    assert caught.value.code == "model_not_found"


ERRORS = {
    "error_500": openai.InternalServerError,
    "error_502": openai.InternalServerError,
    "error_503": openai.InternalServerError,
    "error_529": openai.InternalServerError,
    "burst": openai.InternalServerError,
    "rate_limited": openai.RateLimitError,
    "rate_limited_long": openai.RateLimitError,
    "rate_limited_date": openai.RateLimitError,
    "rate_limited_ms": openai.RateLimitError,
    "quota": openai.RateLimitError,
    "hang": openai.APITimeoutError,
    "drop_before": openai.APIConnectionError,
    "drop_in_body": openai.APIConnectionError,
    "truncated_body": json.JSONDecodeError,
    "invalid_body": json.JSONDecodeError,
}


@pytest.mark.parametrize("fault", ERRORS)
def test_a_fault_shows_as_the_sdks_error_and_is_counted(server: Simulator, fault: str) -> None:
    server.set(faults={fault: 1.0})
    with pytest.raises(ERRORS[fault]):
        asked(server, timeout=0.4)
    assert server.counts()["by_outcome"] == {fault: 1}
    assert server.counts()["answered"] == 0


def content(reply: Any) -> Any:
    return reply.choices[0].message.content


CONTENTS = {
    "truncated_content": lambda r: r.choices[0].finish_reason == "length" and not _is_json(content(r)),
    "invalid_content": lambda r: r.choices[0].finish_reason == "stop" and not _is_json(content(r)),
    "fenced": lambda r: content(r).startswith("```json\n") and _is_json(content(r)[8:-4]),
    "prose": lambda r: content(r).startswith("Sure!") and '"level"' in content(r),
    "refusal": lambda r: content(r) is None and "can't help" in r.choices[0].message.refusal,
    "content_filter": lambda r: r.choices[0].finish_reason == "content_filter" and not content(r),
    "wrong_shape": lambda r: "level" not in json.loads(content(r)),
    "empty_content": lambda r: content(r) == "",
    "error_in_200": lambda r: r.choices is None and r.model_extra["error"]["type"] == "server_error",
    "web_page": lambda r: isinstance(r, str) and r.startswith("<html>"),
}


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("fault", CONTENTS)
def test_a_spoilt_reply_arrives_as_it_was_spoilt(server: Simulator, fault: str) -> None:
    server.set(faults={fault: 1.0})
    assert CONTENTS[fault](asked(server, response_format=BY_SCHEMA))
    assert server.counts()["by_outcome"] == {fault: 1}


def test_every_fault_has_its_test() -> None:
    assert {*ERRORS, *CONTENTS} == set(FAULTS)


def test_each_form_of_retry_after_says_when(server: Simulator) -> None:
    told = {}
    for fault in ("rate_limited", "rate_limited_long", "rate_limited_date", "rate_limited_ms"):
        server.set(faults={fault: 1.0})
        told[fault] = raw(server).headers
    assert told["rate_limited"]["retry-after"] == "0.2"
    assert told["rate_limited_long"]["retry-after"] == "150"
    assert -1 < parsedate_to_datetime(told["rate_limited_date"]["retry-after"]).timestamp() - time.time() < 3
    assert told["rate_limited_ms"]["retry-after-ms"] == "200"
    assert "retry-after" not in told["rate_limited_ms"]


def test_a_burst_takes_the_next_requests_with_it_and_ends(server: Simulator) -> None:
    server.set(faults={"burst": 1.0}, burst_length=3)
    statuses = [raw(server, "0").status_code]
    server.set(faults={"burst": 0.0})
    assert raw(server, "1").status_code == 200, "changing the behaviour ends a burst"
    with running_simulator(seed=3, faults={"burst": 0.2}, burst_length=4) as other:
        statuses = [raw(other, f"{n}").status_code for n in range(60)]
    runs = "".join("x" if status == 503 else "." for status in statuses).replace(".", " ").split()
    assert runs and all(len(run) >= 4 for run in runs[:-1])
    assert 200 in statuses


@pytest.mark.parametrize("style", ["openai", "groq"])
def test_the_rate_limit_holds_and_its_headers_count_down(style: str) -> None:
    with running_simulator(requests_per_second=5, burst_seconds=1, tokens_per_minute=60_000) as server:
        base = server.groq_url if style == "groq" else server.base_url
        body = {"model": "simulated-1", "messages": [{"role": "user", "content": "x" * 400}]}
        with httpx.Client(base_url=base) as client:
            responses = [client.post("/chat/completions", json=body) for _ in range(8)]
            statuses = [response.status_code for response in responses]
            assert statuses[:5] == [200] * 5
            assert 429 in statuses[5:]
            refused = next(r for r in responses if r.status_code == 429)
            time.sleep(float(refused.headers["retry-after"]) + 0.02)
            assert client.post("/chat/completions", json=body).status_code == 200
    headers = responses[0].headers
    assert headers["x-ratelimit-limit-tokens"] == "60000"
    assert int(headers["x-ratelimit-remaining-tokens"]) == 60_000 - 103
    if style == "openai":
        assert headers["x-ratelimit-limit-requests"] == "300"
        assert [int(r.headers["x-ratelimit-remaining-requests"]) for r in responses[:4]] == [4, 3, 2, 1]
        assert headers["x-ratelimit-reset-requests"].endswith("ms")
    else:
        assert headers["x-ratelimit-limit-requests"] == "432000", "Groq counts requests by the day"
        assert headers["x-ratelimit-remaining-requests"] == "431999"


def test_the_limit_on_tokens_refuses_and_says_how_long() -> None:
    limits = Limits(None, tokens_per_minute=600, burst=1, now=0.0)
    assert limits.take(500, now=0.0) == 0
    assert limits.take(200, now=0.0) == pytest.approx(10)
    assert limits.take(200, now=9.0) == pytest.approx(1)
    assert limits.take(200, now=10.1) == 0


def test_durations_are_written_as_the_providers_do() -> None:
    assert [duration(s) for s in (0.02, 1.2, 7, 360, 3603.5)] == ["20ms", "1.2s", "7s", "6m0s", "1h0m3.5s"]


def test_replies_take_as_long_as_they_should() -> None:
    with running_simulator(latency=0.05, latency_spread=0.5) as server:
        seconds = []
        for n in range(20):
            started = time.perf_counter()
            raw(server, f"{n}")
            seconds.append(time.perf_counter() - started)
    assert min(seconds) > 0.01
    assert sorted(seconds)[10] > 0.03
    assert max(seconds) > 1.5 * min(seconds)


def test_requests_in_flight_and_connections_kept_are_counted() -> None:
    with running_simulator(latency=0.3) as server, httpx.Client(base_url=server.base_url) as client:
        body = {"model": "simulated-1", "messages": [{"role": "user", "content": "x"}]}
        with ThreadPoolExecutor(4) as pool:
            futures = [pool.submit(client.post, "/chat/completions", json=body) for _ in range(4)]
            time.sleep(0.15)
            assert server.counts()["in_flight"] == 4
            assert all(future.result().status_code == 200 for future in futures)
        before = server.counts()["connections"]
        server.set(latency=0.0)
        for _ in range(5):
            client.post("/chat/completions", json=body)
        counts = server.counts()
    assert counts["connections"] == before, "connections are kept alive"
    assert (counts["in_flight"], counts["most_in_flight"], counts["received"]) == (0, 4, 9)
    assert (counts["contents"], counts["answered"], counts["answered_twice"]) == (1, 9, 1)


def test_a_client_that_leaves_is_no_longer_in_flight(server: Simulator) -> None:
    server.set(faults={"hang": 1.0})
    with pytest.raises(openai.APITimeoutError):
        asked(server, timeout=0.2)
    time.sleep(0.1)
    assert server.counts()["in_flight"] == 0


def test_the_same_seed_gives_the_same_faults_and_replies() -> None:
    def told(seed: int) -> list[tuple[int, str]]:
        with running_simulator(seed=seed, faults=mixed(0.5, "error_500", "fenced")) as server:
            responses = [raw(server, f"{n % 10}", response_format=BY_SCHEMA) for n in range(30)]
        return [
            (r.status_code, r.json()["choices"][0]["message"]["content"] if r.status_code == 200 else "")
            for r in responses
        ]

    assert told(1) == told(1)
    assert told(1) != told(2)


def test_poisoned_contents_fail_at_every_try_and_the_others_only_at_first() -> None:
    with running_simulator(faults={"error_503": 0.5}, fault_times=2, poison=0.25) as server:
        tries = [[raw(server, f"{n}").status_code for _ in range(4)] for n in range(60)]
    poisoned = [row for row in tries if row == [503] * 4]
    assert 5 <= len(poisoned) <= 27
    assert all(row[2:] == [200, 200] for row in tries if row not in poisoned)
    assert any(row[0] == 503 for row in tries if row not in poisoned)


def test_a_repair_turn_does_not_escape_the_poison() -> None:
    with running_simulator(faults={"invalid_content": 1.0}, poison=1.0) as server:
        first = {"role": "user", "content": "Which?"}
        again = [first, {"role": "assistant", "content": "no"}, {"role": "user", "content": "Again."}]
        for messages in ([first], again):
            text = raw(server, messages=messages, response_format=BY_SCHEMA).json()["choices"][0]
            assert not _is_json(text["message"]["content"])


def test_the_model_behind_the_name_is_swapped_after_some_replies() -> None:
    with running_simulator(swap_after=2) as server:
        replies = [asked(server, f"{n}") for n in range(4)]
    assert [r.model for r in replies] == [
        "simulated-1",
        "simulated-1",
        "simulated-1-next",
        "simulated-1-next",
    ]
    assert replies[0].system_fingerprint == replies[1].system_fingerprint != replies[2].system_fingerprint


@pytest.mark.parametrize(
    ("option", "more"),
    [
        ("schemas", {"response_format": BY_SCHEMA}),
        ("json_mode", {"response_format": {"type": "json_object"}}),
        ("tools", {"tools": [AS_TOOL]}),
    ],
)
def test_an_ability_can_be_rejected_or_silently_ignored(
    server: Simulator, option: str, more: dict[str, Any]
) -> None:
    prompt = "Which? Say it in JSON."
    server.set(**{option: "rejected"})
    with pytest.raises(openai.BadRequestError, match="not supported"):
        asked(server, prompt, **more)
    server.set(**{option: "ignored"})
    reply = asked(server, prompt, **more)
    assert reply.choices[0].message.tool_calls is None
    assert not _is_json(content(reply)) or "level" not in json.loads(content(reply))
    named = f'{prompt} Reply with JSON for the schema "thing":\n{json.dumps(SCHEMA)}'
    assert '"level"' in content(asked(server, named, **more)), "the prompt alone tells the shape"


def test_a_reply_longer_than_max_tokens_is_cut(server: Simulator) -> None:
    reply = asked(server, response_format=BY_SCHEMA, max_tokens=5)
    assert reply.choices[0].finish_reason == "length"
    assert len(content(reply)) == 20


def test_made_up_values_fit_their_schema_whatever_the_seed() -> None:
    for seed in range(200):
        jsonschema.validate(filled(SCHEMA, random.Random(seed)), SCHEMA)


def test_a_server_in_its_own_process_counts_changes_and_stops() -> None:
    with simulator_process(seed=1) as server:
        assert content(asked(server))
        server.set(faults={"error_500": 1.0})
        with pytest.raises(openai.InternalServerError):
            asked(server)
        assert server.counts()["by_outcome"] == {"ok": 1, "error_500": 1}
        with pytest.raises(ValueError, match="no option of the simulator"):
            server.set(nonsense=1)
    assert server.process.returncode == 0


def test_wrong_options_are_refused_by_name() -> None:
    for options, part in (
        ({"faults": {"error_600": 0.1}}, "error_600"),
        ({"faults": {"hang": 0.7, "error_500": 0.7}}, "1 in all"),
        ({"speed": 3}, "speed"),
        ({"mode": "clever"}, "clever"),
    ):
        with pytest.raises(SettingError, match=part), running_simulator(**options):
            pass


def test_a_failing_responder_is_answered_with_an_error_and_not_with_silence() -> None:
    def broken(messages: Any, schema: Any, rng: Any) -> dict[str, Any]:
        raise RuntimeError("no")

    with running_simulator(responders={"thing": broken}) as server:
        with pytest.raises(openai.InternalServerError, match="simulator itself failed"):
            asked(server, response_format=BY_SCHEMA)
        assert raw(server).status_code == 200
