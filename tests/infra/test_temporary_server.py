"""Prefect's temporary server: it answers this process, keeps what it is told, and ends."""

import os
import socket
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from domain.errors import OutsideError
from infra.processes import MARK, marked
from infra.settings import Settings
from infra.temporary_server import TemporaryServer


def server_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> TemporaryServer:
    monkeypatch.setenv(MARK, str(home))
    return TemporaryServer(Settings(_env_file=None, home=home), str(home))


def test_a_server_can_be_asked_before_it_answers_and_nothing_of_it_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = server_for(tmp_path, monkeypatch)
    address = urlsplit(server.api_url)
    # It is still starting: the connection waits.
    socket.create_connection((address.hostname, address.port), timeout=5).close()
    server.wait()
    with urllib.request.urlopen(f"{server.api_url}/health") as reply:
        assert reply.read() == b"true"
    assert (tmp_path / "prefect" / "prefect.db").exists()
    server.stop()
    assert marked(str(tmp_path)) == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.hostname, address.port), timeout=5)


def test_a_server_that_cannot_start_is_told_of_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_SERVER_API_PORT", "none")
    server = server_for(tmp_path, monkeypatch)
    with pytest.raises(OutsideError, match=r"temporary Prefect server ended[\s\S]*valid integer"):
        server.wait()
    server.stop()
    assert not [one for one in marked(str(tmp_path)) if one.pid != os.getpid()]
