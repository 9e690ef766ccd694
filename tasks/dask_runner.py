"""Flows whose task runs work on Dask: on workers of a scheduler, or on some of this machine's own.

Scheduler, workers and flows are one domain of trust. Dask hands Python objects from one to the next, so
whoever speaks with one of them commands it: on more than one host only by TLS (`tls://`, with Dask's own
settings DASK_DISTRIBUTED__COMM__TLS__*) or on a network of their own.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from domain.errors import SettingError
from infra.settings import Settings, load_settings

WORKER = "tasks.dask_worker"
"""The module by which a worker readies itself, for `dask worker --preload`."""


def dask_runner(settings: Settings) -> Any:
    """A task runner of `prefect_dask`. Raises SettingError where that is not installed."""
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as error:
        raise SettingError(
            f"TRAINYARD_TASK_RUNNER is dask, which needs a package that is not installed ({error}): "
            "pip install 'trainyard[dask]', or unset it for threads"
        ) from error
    if settings.dask_scheduler:
        return DaskTaskRunner(address=settings.dask_scheduler)
    # It enters what this gives, as it would a cluster.
    workers: Any = own_workers
    return DaskTaskRunner(cluster_class=workers)


@contextmanager
def own_workers() -> Iterator[Any]:
    """This process's cluster, which the flows that it runs share; it ends with the process."""
    # Subflows ask for theirs while their parent has it, and a start takes seconds.
    with _starting:
        cluster = _cluster(load_settings().workers)
    yield cluster


_starting = threading.Lock()


@lru_cache(maxsize=1)
def _cluster(n_workers: int) -> Any:
    import distributed

    make: Any = distributed.LocalCluster
    cluster = make(
        n_workers=n_workers,
        threads_per_worker=1,
        dashboard_address=None,
        preload=[WORKER],
        # Each has the readers that one core can feed.
        env={"TRAINYARD_WORKERS": "1", **_prefect_address()},
    )
    atexit.register(cluster.close)
    return cluster


def _prefect_address() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PREFECT_API_URL",) if name in os.environ}


def need_server() -> None:
    """Raises SettingError where task runs would be on Dask and there is no Prefect server for them."""
    settings = load_settings()
    if settings.task_runner == "dask" and "PREFECT_API_URL" not in os.environ:
        raise SettingError(
            "TRAINYARD_TASK_RUNNER is dask, whose workers need a Prefect server that goes on: start "
            "`trainyard up`, set TRAINYARD_PREFECT_API_URL, or unset TRAINYARD_TASK_RUNNER"
        )
