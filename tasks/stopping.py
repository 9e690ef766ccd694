"""Ending a training before it is done: on request, by a signal or at a time limit, and always resumable.

A request comes as a file (`trainyard cancel`) or as a state of the flow run (Prefect's pages). One thread
beside the training looks for both, and leaves the file, for which long loops look. A training that does not
heed it within some seconds gets the signal that a worker would send.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any, TypedDict
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import PrefectException
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL
from prefect.states import Cancelled, Cancelling

from domain.errors import InputError, OutsideError, StoppedError, TrainyardError
from infra import catalog as records
from infra.catalog import BROKEN_OFF, Job, JobState
from infra.lives import Life, life_of
from infra.stops import ask_to_stop, leave_request, stop_file, withdraw_stop
from infra.system_metrics import unwatch
from strategies.base import Stop
from tasks.choice import training_data
from tasks.launch import TEMPORARY
from tasks.workplace import workplace

log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_HEED_SECONDS = 5.0
"""In which a training has to end by itself once it is asked to."""
_MOST_SECONDS = 40.0
"""In which a cancelled job has to say so: a worker kills what has not ended after 30."""
_cancelled_here: set[str] = set()
"""The flow runs of this process that ended because someone asked them to."""
_AGAIN = "run the same command again, and it goes on from its last iteration"


class Cancellation(TypedDict):
    """What came of a request to cancel: the job's `state` afterwards, and the `seconds` that it took."""

    job_id: str
    state: str
    seconds: float


@contextmanager
def stoppable(job_id: str) -> Iterator[None]:
    """Whatever ends the block early leaves the job resumable, its end said in the catalog and in MLflow.

    Failures pass: the flow's own state hook tells of them.
    """
    home = workplace().settings.home
    # What was asked of an earlier process is not meant for this one.
    withdraw_stop(home, job_id)
    ended = threading.Event()
    runs = [str(one) for one in dict.fromkeys([flow_run.id, flow_run.root_flow_run_id]) if one]
    watched = [] if TEMPORARY in os.environ or not PREFECT_API_URL.value() else runs
    file = stop_file(home, job_id)
    threading.Thread(target=_looking, args=(file, watched, ended), name="stop", daemon=True).start()
    try:
        with _asked_by_ctrl_c(file):
            yield
    except StoppedError as stopped:
        _cancelled_here.update(runs)
        _end(job_id, JobState.CANCELLED, str(stopped))
        raise
    except OutsideError as away:
        _end(job_id, JobState.FAILED, f"{BROKEN_OFF}{away}")
        raise
    except Exception:
        raise
    except BaseException as end:
        # A signal, Ctrl-C, or Prefect's time limit.
        asked = file.exists() or isinstance(end, KeyboardInterrupt) or _cancelled(watched)
        if asked:
            _cancelled_here.update(runs)
        why = f"cancelled: {_AGAIN}" if asked else f"{BROKEN_OFF}{_words(end)}: {_AGAIN}"
        _end(job_id, JobState.CANCELLED if asked else JobState.FAILED, why)
        raise
    finally:
        ended.set()
        withdraw_stop(home, job_id)


@contextmanager
def _asked_by_ctrl_c(file: Path) -> Iterator[None]:
    """Ctrl-C leaves a request too: libraries now and then swallow the exception that it raises."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def ask(number: int, frame: FrameType | None) -> None:
        leave_request(file)
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def heeding(job: Job) -> Iterator[Any]:
    """The job's training data, by which a strategy knows when to stop. Raises StoppedError when it did."""
    data = training_data(job.dataset_id)
    stop = stop_file(workplace().settings.home, job.id)
    try:
        yield replace(data, surroundings=replace(data.surroundings, stop=stop))
    except Stop:
        raise StoppedError(f"job {job.id[:8]} is cancelled: {_AGAIN}") from None


def cancel(which: str) -> Cancellation:
    """Asks a running job to end, and waits until it has. Raises InputError for one that does not run."""
    place = workplace()
    job = records.find_job(place.catalog, place.settings.owner, which)
    if job.state is not JobState.RUNNING:
        raise InputError(f"job {job.id[:8]} is {job.state.value}: only a running job can be cancelled")
    life = life_of(place.settings.home, job.id)
    if life is Life.DEAD:
        raise InputError(f"job {job.id[:8]} runs no more, its process is gone: run trainyard settle")
    begun = time.monotonic()
    ask_to_stop(place.settings.home, job.id)
    if life is Life.UNKNOWN:
        _tell_prefect(job.flow_run_id)
    while (seconds := time.monotonic() - begun) < _MOST_SECONDS:
        now = records.find_job(place.catalog, place.settings.owner, job.id)
        if now.state is not JobState.RUNNING:
            return Cancellation(job_id=job.id, state=now.state.value, seconds=round(seconds, 1))
        time.sleep(0.2)
    raise OutsideError(
        f"job {job.id[:8]} was asked to end and has not within {_MOST_SECONDS:g} s: if its machine is gone, "
        "trainyard settle ends it"
    )


def end_as_cancelled(flow: Any, flow_run: Any, state: Any) -> None:  # noqa: ARG001 - Prefect's signature
    """State hook of flows that train: what ended because it was asked to is cancelled, not failed."""
    if str(flow_run.id) not in _cancelled_here:
        return
    try:
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(flow_run.id, Cancelled(message=f"cancelled: {_AGAIN}"), force=True)
    except Exception as away:  # its client raises what its connection does
        log.warning("Prefect was not told that its flow run is cancelled: %s", away)


def _looking(file: Path, runs: list[str], ended: threading.Event) -> None:
    # One client for all looks: making one takes longer than asking does.
    with get_client(sync_client=True) if runs else nullcontext() as client:
        while not ended.wait(_LOOK_SECONDS):
            if file.exists() or (client is not None and _is_cancelled(client, runs)):
                leave_request(file)
                log.info("asked to stop")
                break
    # Only where someone catches it: without Prefect's handler the signal would be the end of everything.
    if not ended.wait(_HEED_SECONDS) and callable(signal.getsignal(signal.SIGTERM)):
        os.kill(os.getpid(), signal.SIGTERM)


def _cancelled(runs: list[str]) -> bool:
    """As `_is_cancelled`, by a client of its own; nobody can have asked for none."""
    if not runs:
        return False
    with get_client(sync_client=True) as client:
        return _is_cancelled(client, runs)


def _is_cancelled(client: SyncPrefectClient, runs: list[str]) -> bool:
    """Whether Prefect was asked to cancel one of these flow runs; a server that is away asks nothing."""
    try:
        states = [client.read_flow_run(UUID(run)).state for run in runs]
    except Exception as away:  # its client raises what its connection does
        log.debug("the flow run's state is not known: %s", away)
        return False
    return any(state is not None and (state.is_cancelling() or state.is_cancelled()) for state in states)


def _tell_prefect(run: str) -> None:
    """By its server a worker on another machine learns of it."""
    if not PREFECT_API_URL.value() or not run:
        return
    try:
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(UUID(run), Cancelling(message="trainyard cancel"))
    except (PrefectException, OSError) as away:
        log.debug("Prefect was not told: %s", away)


def _end(job_id: str, state: JobState, why: str) -> None:
    place = workplace()
    records.end_job(place.catalog, job_id, state, why)
    job = records.find_job(place.catalog, place.settings.owner, job_id)
    if job.mlflow_run_id:
        unwatch(job.mlflow_run_id)
        try:
            place.tracking.end(job.mlflow_run_id, "FINISHED" if job.state is JobState.FINISHED else "KILLED")
        except TrainyardError as away:
            log.warning("MLflow was not told that job %s ended: %s", job_id[:8], away)


def _words(end: BaseException) -> str:
    known = {"TerminationSignal": "stopped by a signal", "CancelledError": "its time was over"}
    return known.get(type(end).__name__, f"stopped by {type(end).__name__}")
