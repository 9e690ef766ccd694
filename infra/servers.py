"""`trainyard up`: a Prefect server, an MLflow server and a Prefect worker on the loopback, together.

They are started, watched and stopped as one: when one ends the rest is stopped, and none outlives us.
What runs is written to `home/servers.json`; each has its log in `home/logs`. Prefect is a command here:
this module never imports it.
"""

from __future__ import annotations

import base64
import contextlib
import logging
import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from domain.errors import OutsideError, SettingError
from infra.mlflow_access import make_database
from infra.processes import MARK, Child, Guard, Identity, marked, need_free_port, stop
from infra.running import Running, record, recorded, running, state_file
from infra.server_commands import (
    AUTH_VARIABLE,
    LOOPBACK,
    START_SECONDS,
    WORK_POOL,
    mlflow_command,
    mlflow_environment,
    prefect_command,
    prefect_environment,
    without_ours,
    worker_command,
    worker_environment,
)
from infra.settings import Settings

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))

__all__ = ["WORK_POOL", "Running", "prefect_environment", "running", "serving", "up"]

log = logging.getLogger(__name__)


def up(
    settings: Settings,
    deploy: Callable[[Running], None] | None = None,
    ready: Callable[[Running], None] | None = None,
) -> None:
    """Serves until Ctrl-C or SIGTERM, then stops everything. Call it from the main thread.

    `deploy` is called once the work pool is there, `ready` when all is up. Raises SettingError for a port
    that is taken, OutsideError when a server does not start or ends by itself.
    """
    with _terminate_is_interrupt(), contextlib.suppress(KeyboardInterrupt), _serving(settings) as served:
        if deploy:
            deploy(served.running)
        if ready:
            ready(served.running)
        served.watch()


@contextmanager
def serving(settings: Settings, *, worker: bool = True) -> Iterator[Running]:
    """The same servers for the length of a `with` block."""
    with _serving(settings, worker=worker) as served:
        yield served.running


@dataclass(frozen=True)
class _Served:
    running: Running
    children: tuple[Child, ...]

    def watch(self) -> None:
        """Blocks; raises OutsideError when one of them ends."""
        while True:
            for child in self.children:
                child.check()
            time.sleep(1)


@contextmanager
def _serving(settings: Settings, *, worker: bool = True) -> Iterator[_Served]:
    home = settings.home.resolve()
    if (there := running(home)) is not None:
        raise SettingError(
            f"servers are up already for {home} (process {there.supervisor.pid}): {there.prefect_url} and "
            f"{there.mlflow_url}. Stop them with Ctrl-C there, or `kill {there.supervisor.pid}`"
        )
    _stop_remains(home)
    children: list[Child] = []
    guard = Guard(str(home))
    try:
        servers = _start_servers(settings, home, guard, children)
        if worker:
            children.append(
                _start(home, guard, "worker", worker_command(), worker_environment(settings, servers))
            )
            _wait_for_work_pool(servers, children)
        running_now = replace(servers, processes=tuple(child.identity for child in children))
        record(home, running_now)
        yield _Served(running_now, tuple(children))
    finally:
        with _deaf():
            # The worker first: it reports its flow runs to the server as it goes.
            stop([child.identity for child in children if child.identity.name == "worker"])
            stop([child.identity for child in children])
            stop(marked(str(home)))
            for child in children:
                child.exit_code()
            guard.release()
            state_file(home).unlink(missing_ok=True)


def _start_servers(settings: Settings, home: Path, guard: Guard, children: list[Child]) -> Running:
    """Starts both servers, side by side, and waits until they answer. External ones are left alone."""
    environment = {**without_ours(), **prefect_environment(settings)}
    external_mlflow = settings.mlflow_tracking_uri.startswith("http")
    if not settings.prefect_api_url:
        need_free_port(settings.prefect_port, "TRAINYARD_PREFECT_PORT")
    if not external_mlflow:
        need_free_port(settings.mlflow_port, "TRAINYARD_MLFLOW_PORT")
    waits = []
    if settings.prefect_api_url:
        prefect_url = settings.prefect_api_url.rstrip("/").removesuffix("/api")
    else:
        prefect_url = f"http://{LOOPBACK}:{settings.prefect_port}"
        environment["PREFECT_API_URL"] = f"{prefect_url}/api"
        children.append(_start(home, guard, "Prefect server", prefect_command(settings), environment))
        waits.append((children[-1], f"{prefect_url}/api/health"))
    if external_mlflow:
        mlflow_url = settings.mlflow_tracking_uri.rstrip("/")
    else:
        mlflow_url = f"http://{LOOPBACK}:{settings.mlflow_port}"
        make_database(settings.mlflow_tracking_uri)
        children.append(
            _start(home, guard, "MLflow server", mlflow_command(settings), mlflow_environment(settings))
        )
        waits.append((children[-1], f"{mlflow_url}/health"))
    for child, url in waits:
        _wait_for(child, url)
    return Running(prefect_url, mlflow_url, Identity.of("trainyard up", os.getpid()), ())


def _start(home: Path, guard: Guard, name: str, command: list[str], environment: Mapping[str, str]) -> Child:
    log_file = home / "logs" / f"{name.lower().replace(' ', '-')}.log"
    child = Child(name, command, {**environment, MARK: str(home)}, log_file)
    guard.watch(child.identity)
    log.info("%s: process %d, log %s", name, child.identity.pid, child.log_file)
    return child


def _wait_for(child: Child, url: str) -> None:
    """Returns when `url` answers 200; OutsideError when the child ends or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        child.check()
        if _answers(url):
            return
        time.sleep(0.2)
    raise OutsideError(
        f"the {child.identity.name} did not answer at {url} within {START_SECONDS} s; the end of "
        f"{child.log_file}:\n{child.last_lines()}"
    )


def _answers(url: str) -> bool:
    request = urllib.request.Request(url)  # noqa: S310 - http, by the settings' patterns
    if auth := os.environ.get("PREFECT_API_AUTH_STRING") or os.environ.get(AUTH_VARIABLE):
        request.add_header("Authorization", f"Basic {base64.b64encode(auth.encode()).decode()}")
    try:
        with _DIRECTLY.open(request, timeout=5) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _wait_for_work_pool(servers: Running, children: list[Child]) -> None:
    _wait_for(children[-1], f"{servers.prefect_api_url}/work_pools/{WORK_POOL}")


def _stop_remains(home: Path) -> None:
    """Stops what an earlier `up` left behind, if it and its guard were both killed."""
    if (left := recorded(home)) is not None:
        stop(left.processes)
    stop(marked(str(home)))
    state_file(home).unlink(missing_ok=True)


# -- signals ----------------------------------------------------------------------------------


@contextmanager
def _terminate_is_interrupt() -> Iterator[None]:
    """SIGTERM and SIGHUP raise KeyboardInterrupt, as Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = {each: signal.signal(each, interrupt) for each in _ENDING}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def _deaf() -> Iterator[None]:
    """Clean-up that an impatient second Ctrl-C does not cut short."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.signal(each, signal.SIG_IGN) for each in _ENDING}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
