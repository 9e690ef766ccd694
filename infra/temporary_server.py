"""A Prefect server for one process, where none is up: on the home's database, ended with its process.

It is a command here, as in `infra.servers`: this module never imports Prefect. Prefect starts one by itself,
too, but only when its first client waits for it, and within the client imports all of the server.
"""

from __future__ import annotations

import atexit
import contextlib
import socket
import sys
import time
import urllib.error
import urllib.request

from domain.errors import OutsideError
from infra.processes import Child, Guard, stop
from infra.server_commands import LOOPBACK, START_SECONDS, prefect_environment, without_ours
from infra.settings import Settings

_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_PATIENCE_SECONDS = 2.0


class TemporaryServer:
    """Begins to start when it is made, and is stopped when this process ends, however that ends.

    `mark` is what `infra.processes.MARK` says in this process's environment.
    """

    def __init__(self, settings: Settings, mark: str) -> None:
        self._guard = Guard(mark)
        # Its socket is ours: no other can take the port, and who comes early waits in line.
        with socket.create_server((LOOPBACK, 0)) as listening:
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.api_url = f"http://{LOOPBACK}:{listening.getsockname()[1]}/api"
            self._child = Child(
                "temporary Prefect server",
                _command(listening.fileno()),
                _environment(settings),
                settings.home.resolve() / "logs" / "temporary-prefect-server.log",
                listening.fileno(),
            )
        self._guard.watch(self._child.identity)
        self._answered = False
        atexit.register(self.stop)

    def wait(self) -> None:
        """Returns when it answers. Raises OutsideError when it ends, or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while not self._answered:
            self._child.check()
            if time.monotonic() > deadline:
                raise OutsideError(
                    f"Prefect's temporary server did not answer within {START_SECONDS} s; the end of "
                    f"{self._child.log_file}:\n{self._child.last_lines()}"
                )
            with (
                contextlib.suppress(urllib.error.URLError, OSError),
                _DIRECTLY.open(f"{self.api_url}/health", timeout=_PATIENCE_SECONDS) as reply,
            ):
                self._answered = bool(reply.status == 200)

    def stop(self) -> None:
        stop([self._child.identity])
        self._child.exit_code()
        self._guard.release()


def _command(file_number: int) -> list[str]:
    app = ["--factory", "prefect.server.api.server:create_app", "--lifespan", "on"]
    return [sys.executable, "-m", "uvicorn", "--fd", str(file_number), "--log-level", "error", *app]


def _environment(settings: Settings) -> dict[str, str]:
    """Of a server without pages, and without what only a lasting one needs: schedules, and types of blocks,
    which `trainyard up` adds when it starts."""
    return {
        **prefect_environment(settings),
        **without_ours(),
        "PREFECT_UI_ENABLED": "false",
        "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
        # Prefect's own names for it.
        "PREFECT__SERVER_EPHEMERAL": "1",
        "PREFECT__SERVER_FINAL": "1",
    }
