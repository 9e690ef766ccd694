"""Candidate networks traced on several workers at once, each in the sandbox of the worker's own machine.

What comes of a program goes through the store: it is tensors and JSON, in the form in which traces are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from prefect import task
from prefect.context import FlowRunContext
from prefect.futures import PrefectFuture

from domain.errors import TrainyardError
from domain.vision.programs import NetworkLimits, Program
from infra.settings import load_settings
from tasks.policy import RETRIED
from tasks.workplace import workplace


def can_share(n_programs: int) -> bool:
    """Whether there are workers, and work for more than one."""
    return load_settings().task_runner == "dask" and n_programs > 1 and FlowRunContext.get() is not None


def traced_by_workers(
    programs: Sequence[Program], limits: NetworkLimits, heed: Callable[[], None]
) -> list[bytes | None]:
    """The kept form of each program's trace, in order; None where a worker could keep none.

    `heed` is called every second; what it raises ends the waiting.
    """
    asked = [{"program": asdict(one), "limits": asdict(limits)} for one in programs]
    keys = [waited_for(future, heed) for future in trace_program.map(asked)]
    return [_taken(key) if key else None for key in keys]


def waited_for(future: PrefectFuture[str], heed: Callable[[], None]) -> str:
    """What a task run on a worker gave; `heed` is called every second meanwhile."""
    while True:
        heed()
        with suppress(TimeoutError):
            return future.result(timeout=1.0)


def _taken(key: str) -> bytes:
    store = workplace().store
    content = store.get_bytes(key)
    # Equal programs were asked for once, so nobody else waits for it.
    with suppress(TrainyardError):
        store.delete(key)
    return content


@task(task_run_name="trace a network", tags=["traces"], **RETRIED)
def trace_program(asked: dict[str, Any]) -> str:
    """The store's key of what this machine's sandbox made of a program; "" where that is not kept."""
    # Late: that module asks this one.
    from tasks.tracing import place_of, trace_here

    place = workplace()
    program, limits = Program(**asked["program"]), NetworkLimits(**asked["limits"])
    scratch: Path = place.surroundings().scratch
    trace_here((program,), limits, scratch)
    kept = place_of(program, limits, scratch)
    return place.store.put_file(kept) if kept.is_file() else ""
