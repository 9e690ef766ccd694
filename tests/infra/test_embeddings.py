"""Embeddings over the wire: a real server in a thread that speaks /v1/embeddings, well and badly."""

import base64
import json
import threading
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from pydantic import SecretStr

from domain.errors import InputError, OutsideError, SettingError
from infra.embeddings import embed


@dataclass
class Api:
    """What the server was asked, and what it says before it behaves."""

    url: str
    asked: list[dict] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    misdeeds: list[tuple[int, dict, object]] = field(default_factory=list)
    """(status, headers, body) of the next replies; after them it answers properly."""
    width: int = 4
    as_floats: bool = False


def vector(text, width=4):
    return [float(len(text)), float(ord(text[0])), 1.5, -2.25][:width]


@pytest.fixture
def api():
    state = Api("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.asked.append(body)
            state.keys.append(self.headers["Authorization"])
            status, headers, reply = state.misdeeds.pop(0) if state.misdeeds else (200, {}, proper(body))
            content = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    def proper(body):
        plain = state.as_floats or body.get("encoding_format") != "base64"
        data = []
        for index, text in enumerate(body["input"]):
            numbers = np.array(vector(text, state.width), np.float32)
            packed = numbers.tolist() if plain else base64.b64encode(numbers.tobytes()).decode()
            data.append({"object": "embedding", "index": index, "embedding": packed})
        # In another order than asked, as the protocol allows.
        return {"object": "list", "model": body["model"], "data": data[::-1], "usage": USAGE}

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


USAGE = {"prompt_tokens": 1, "total_tokens": 1}


@pytest.fixture
def ask(api):
    """Asks the server; waits are noted, not slept."""

    def ask(texts=("alpha", "be"), **changes):
        given = {"base_url": api.url, "api_key": SecretStr("sk-hidden"), "sleep": ask.waits.append}
        return embed(texts, "small-model", **(given | changes))

    ask.waits = []
    return ask


def failure(message="broken", code=None):
    return {"error": {"message": message, "type": "x", "code": code}}


def test_row_i_is_the_embedding_of_text_i(ask, api):
    vectors = ask(["alpha", "be", "gamma-ray"])
    assert vectors.dtype == np.float32
    np.testing.assert_array_equal(vectors, [vector("alpha"), vector("be"), vector("gamma-ray")])
    assert api.keys == ["Bearer sk-hidden"]


def test_the_wire_carries_base64_and_a_server_that_sends_plain_numbers_is_understood(ask, api):
    ask()
    assert api.asked[0]["encoding_format"] == "base64"
    api.as_floats = True
    np.testing.assert_array_equal(ask(["alpha"]), [vector("alpha")])


def test_equal_texts_are_sent_once_and_many_go_in_batches_of_128(ask, api):
    texts = [f"text {n % 300}" for n in range(600)]
    vectors = ask(texts)
    assert vectors.shape == (600, 4)
    assert sorted(len(body["input"]) for body in api.asked) == [44, 128, 128]
    np.testing.assert_array_equal(vectors[0], vectors[300])
    np.testing.assert_array_equal(vectors[299], vector("text 299"))


def test_long_texts_make_smaller_batches(ask, api):
    ask([letter * 200_000 for letter in "abc"])
    assert sorted(len(body["input"]) for body in api.asked) == [1, 2]


def test_no_texts_cost_no_request(ask, api):
    assert len(ask([])) == 0
    assert api.asked == []


def test_an_empty_text_is_sent_as_a_blank_since_servers_refuse_it(ask, api):
    assert ask(["", "a"]).shape == (2, 4)
    assert api.asked[0]["input"] == [" ", "a"]


def test_too_many_requests_are_retried_after_the_time_the_server_asks_for(ask, api):
    api.misdeeds = [(429, {"Retry-After": "7"}, failure("slow down"))]
    assert ask().shape == (2, 4)
    assert ask.waits == [7.0]


def test_a_retry_after_that_is_a_date_is_understood(ask, api):
    api.misdeeds = [(503, {"Retry-After": formatdate(usegmt=True)}, failure())]
    assert ask().shape == (2, 4)
    assert ask.waits == [pytest.approx(0, abs=2)]


def test_a_server_that_asks_for_minutes_is_not_waited_for(ask, api):
    api.misdeeds = [(429, {"Retry-After": "150"}, failure("slow down"))]
    with pytest.raises(OutsideError, match="slow down"):
        ask()
    assert ask.waits == []


def test_failures_of_the_server_are_retried_a_few_times_with_waits_from_a_growing_range(ask, api):
    api.misdeeds = [(500, {}, failure())] * 5
    with pytest.raises(OutsideError, match="after 5 tries"):
        ask()
    assert len(api.asked) == 5
    assert all(0 <= wait <= 0.5 * 2**n for n, wait in enumerate(ask.waits))


def test_a_server_that_is_not_there_is_an_error_from_outside(ask, free_port):
    with pytest.raises(OutsideError, match="TRAINYARD_EMBEDDINGS_BASE_URL"):
        ask(base_url=f"http://user:hidden-word@127.0.0.1:{free_port}/v1", tries=2)
    assert len(ask.waits) == 1


@pytest.mark.parametrize(
    ("status", "code", "names"),
    [
        (401, None, "TRAINYARD_EMBEDDINGS_API_KEY"),
        (429, "insufficient_quota", "no credit"),
        (404, None, "'small-model'"),
    ],
)
def test_what_retrying_cannot_mend_names_the_setting_at_once(ask, api, status, code, names):
    api.misdeeds = [(status, {}, failure("no such luck", code))]
    with pytest.raises(SettingError, match=names) as caught:
        ask()
    assert len(api.asked) == 1
    assert "sk-hidden" not in str(caught.value)


def test_texts_that_the_server_refuses_are_the_users_matter(ask, api):
    api.misdeeds = [(400, {}, failure("maximum context length is 8192 tokens"))]
    with pytest.raises(InputError, match="8192 tokens"):
        ask()


def test_fewer_embeddings_than_texts_are_never_matched_up(ask, api):
    one = {"object": "embedding", "index": 0, "embedding": [1.0, 2.0]}
    api.misdeeds = [(200, {}, {"object": "list", "model": "m", "data": [one], "usage": USAGE})]
    with pytest.raises(OutsideError, match="1 embeddings for 2 texts"):
        ask()


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(b"<html>hello</html>", id="not JSON"),
        pytest.param({"object": "list", "data": []}, id="no data"),
        pytest.param({"hello": 1}, id="another protocol"),
        pytest.param(
            {
                "data": [{"index": 0, "embedding": [1.0, 2.0]}, {"index": 1, "embedding": [1.0]}],
                "usage": USAGE,
            },
            id="unequal lengths",
        ),
        pytest.param({"data": [{"index": n, "embedding": "!!"} for n in (0, 1)]}, id="damaged base64"),
        pytest.param(
            b'{"data": [{"index": 0, "embedding": [NaN]}, {"index": 1, "embedding": [1.0]}]}',
            id="not a number",
        ),
    ],
)
def test_a_reply_that_cannot_be_read_is_an_error_that_names_the_server(ask, api, reply):
    api.misdeeds = [(200, {}, reply)]
    with pytest.raises(OutsideError, match=api.url):
        ask()


def test_two_batches_of_different_width_are_refused(ask, api):
    wide = [{"object": "embedding", "index": n, "embedding": [0.0] * 6} for n in range(128)]
    api.misdeeds = [(200, {}, {"object": "list", "model": "m", "data": wide, "usage": USAGE})]
    with pytest.raises(OutsideError, match=r"\[4, 6\]"):
        ask([f"text {n}" for n in range(256)], concurrency=1)


def test_without_key_and_address_the_missing_setting_is_named_and_nothing_is_sent(ask):
    with pytest.raises(SettingError, match="TRAINYARD_EMBEDDINGS_API_KEY"):
        ask(base_url=None, api_key=None)


def test_a_server_without_keys_needs_none_and_gets_no_key_of_another(ask, api, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-another-service")
    ask(api_key=None)
    assert api.keys == ["Bearer none"]
