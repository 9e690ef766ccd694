"""The transfer strategy over an embeddings server, and the key that it needs: used, and found nowhere."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from tests.flows.conftest import CommandLine

KEY = "sk-marked-9f2c7d-do-not-tell"


class Embeddings(BaseHTTPRequestHandler):
    """Speaks POST /v1/embeddings: a text's vector is the sum of its words' (hashed) directions."""

    asked: list[str] = []  # noqa: RUF012
    keys: set[str] = set()  # noqa: RUF012

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).keys.add(self.headers["Authorization"])
        type(self).asked.extend(body["input"])
        data = [
            {"object": "embedding", "index": n, "embedding": vector(text)}
            for n, text in enumerate(body["input"])
        ]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        answer = json.dumps({"object": "list", "data": data, "model": body["model"], "usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def vector(text: str) -> list[float]:
    total = np.zeros(32)
    for word in text.lower().split():
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
        total += np.random.default_rng(seed).normal(size=32)
    return [float(x) for x in total / max(float(np.linalg.norm(total)), 1e-9)]


@pytest.fixture
def embeddings_server() -> Iterator[str]:
    Embeddings.asked, Embeddings.keys = [], set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Embeddings)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()


def test_remote_embeddings_train_a_grader_and_the_key_is_written_nowhere(
    trainyard: CommandLine, class_set: Path, embeddings_server: str, prefect_api: str
) -> None:
    trainyard.environment |= {
        "TRAINYARD_EMBEDDINGS_BASE_URL": embeddings_server,
        "TRAINYARD_EMBEDDINGS_API_KEY": KEY,
    }
    command = ["pipeline", "--guides", class_set / "guides", "--submissions", class_set / "papers"]
    command += ["--strategy", "transfer", "--set", "encoder=api:tiny-embedder", "--set", "iterations=2"]
    done = trainyard.run(*command, "--json")
    outcome = json.loads(done.stdout)
    assert outcome["train"]["choice"]["strategy"] == "transfer"
    assert Embeddings.keys == {f"Bearer {KEY}"}

    asked = len(Embeddings.asked)
    trainyard.run(*command)
    assert len(Embeddings.asked) == asked, "a known text is not paid for again"

    assert KEY not in done.stdout + done.stderr
    holders = [p for p in trainyard.home.rglob("*") if p.is_file() and KEY.encode() in p.read_bytes()]
    assert holders == []
    shown = trainyard.run("config")
    assert KEY not in shown.stdout
    assert "set" in shown.stdout
