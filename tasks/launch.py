"""What must happen before Prefect is imported: settings read, its environment set, logging on."""

from __future__ import annotations

import gc
import importlib
import os
import shlex
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache

from domain.errors import FullError, OutsideError, SettingError, StoppedError
from infra import lives
from infra.full_disks import is_full
from infra.lives import tag_of_this_process
from infra.logs import set_up_logging
from infra.processes import MARK, PATIENT_THREADS
from infra.servers import prefect_environment, running
from infra.settings import Settings, load_settings
from infra.temporary_server import TemporaryServer
from tasks.dask_runner import need_server

# Once a process: Prefect sets up the root anew when a flow starts, and a handler that came back to it would
# tell all that Prefect says.
_log_from = lru_cache(maxsize=1)(set_up_logging)

ATTENDED = "_TRAINYARD_ATTENDED"
"""The variable that says that someone is at the keyboard, or something that goes on by itself."""
TEMPORARY = "_TRAINYARD_TEMPORARY"
"""The variable that says that the Prefect server is this process's own: nobody else asks anything of it."""


@lru_cache(maxsize=1)
def serve() -> TemporaryServer | None:
    """Starts a Prefect server for this process where none is up, and waits for nothing: see `attended`.

    Once a process, after `launch` and before Prefect is imported, which reads the server's address then. The
    server takes several seconds to start, in which this process can get itself ready.
    """
    need_server()
    if "PREFECT_API_URL" in os.environ:
        return None
    settings = load_settings()
    os.environ[MARK] = f"{settings.home.resolve()} {os.getpid()}"
    os.environ[TEMPORARY] = "yes"
    server = TemporaryServer(settings, os.environ[MARK])
    os.environ["PREFECT_API_URL"] = server.api_url
    return server


@contextmanager
def attended() -> Iterator[None]:
    """For flows that run under someone's eyes, in this process: no heartbeats, and nothing left behind.

    Prefect ends every flow and subflow by waiting for a thread that sleeps in whole seconds. Runs of a
    worker keep theirs: heartbeats are how a server finds those that died.
    """
    if (server := serve()) is not None:
        server.wait()
    from prefect import tags
    from prefect.flow_engine import FlowRunTimeoutError
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    # What was imported lives as long as the process: looking through it for garbage takes 0.2 s each time.
    gc.freeze()
    # Who sits there goes on with the next step: no automation need do it for them (see tasks.events).
    os.environ[ATTENDED] = "yes"
    # Without heartbeats, the process itself is how a later `trainyard settle` tells who died.
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}), tags(tag_of_this_process()):
        try:
            yield
        except FlowRunTimeoutError as over:
            raise StoppedError(
                "the time set by TRAINYARD_TIME_LIMIT_SECONDS is over: run the same command again, and it "
                "goes on from what is done"
            ) from over
        except OSError as full:
            if not is_full(full):
                raise
            raise FullError(
                f"no room is left on the disk of {full.filename or load_settings().home}: make room there "
                "and run the same command again; it goes on from what is done"
            ) from full
        finally:
            # Python's end looks through all of it again, several times: 1.6 s with torch and MLflow.
            gc.freeze()


def sign_for_worker() -> None:
    """This process signs for the flow run that a worker started it for."""
    lives.sign_for_worker(load_settings().home)


def warm_up(*, trains: bool = False) -> None:
    """Imports MLflow and readies its database beside the first steps, which do not need it.

    And torch for a flow that `trains`, in a new home: elsewhere it may find all trained, and need no torch.
    """
    from tasks.workplace import is_new, workplace

    with_torch = trains and is_new(load_settings())

    def prepare() -> None:
        # What is wrong with it is told by the step that needs it.
        with suppress(OutsideError, SettingError):
            workplace().tracking.prepare()
        if with_torch:
            with suppress(ImportError):
                importlib.import_module("torch")

    threading.Thread(target=prepare, name="warm-up", daemon=True).start()


@dataclass(frozen=True)
class Pages:
    """Where the pages are; `up` says whether servers answer there now."""

    prefect: str
    mlflow: str
    up: bool


def launch() -> Settings:
    """Readies this process to run flows: against the servers that are up, or a temporary one."""
    # Looking for garbage after every 700 new objects takes a fifth of the time of importing libraries.
    gc.set_threshold(100_000, 20, 100)
    settings = load_settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    for name, value in prefect_environment(settings).items():
        os.environ.setdefault(name, value)
    # Threads of torch that wait for each other spin where nobody says otherwise: beside other work on the
    # same cores that took four times the processor's seconds. Read when torch is imported, hence here.
    os.environ.setdefault(*PATIENT_THREADS)
    # What tasks say shows on a flow run's page too; Prefect's own lines stay off the terminal.
    os.environ.setdefault("PREFECT_LOGGING_EXTRA_LOGGERS", "tasks")
    os.environ.setdefault("PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW", "ignore")
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    _log_from(settings.log_level, settings.secrets())
    return settings


def up_command(job: str) -> str:
    """The command that opens the pages on a job, to be copied as it is."""
    home = os.environ.get("TRAINYARD_HOME")
    setting = f"TRAINYARD_HOME={shlex.quote(home)} " if home else ""
    return f"{setting}{shlex.quote(sys.argv[0])} up {job}"


def pages() -> Pages:
    """The addresses of the Prefect and MLflow pages for the settings in force."""
    settings = load_settings()
    here = running(settings.home)
    return Pages(
        prefect=f"http://127.0.0.1:{settings.prefect_port}",
        mlflow=f"http://127.0.0.1:{settings.mlflow_port}",
        up=here is not None,
    )
