"""Processor, memory, disk, network and GPU of the machine, as metrics of the MLflow run that uses them."""

from __future__ import annotations

import logging
import threading
from typing import Any

log = logging.getLogger(__name__)

SAMPLING_SECONDS = 10.0
_watched: dict[str, Any] = {}
_one_at_a_time = threading.Lock()


def watch(tracking_uri: str, run_id: str, seconds: float = SAMPLING_SECONDS) -> None:
    """Logs system/… metrics each so many seconds for as long as the run is RUNNING; once a run and process.

    What goes wrong is logged: no training ends for want of them.
    """
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    with _one_at_a_time:
        if run_id in _watched:
            return
        try:
            # A resumed job's run goes on where its earlier process stopped.
            monitor = SystemMetricsMonitor(
                run_id, sampling_interval=seconds, resume_logging=True, tracking_uri=tracking_uri
            )
            monitor.start()
        except Exception as error:  # a foreign thread and foreign sensors: anything may be missing
            log.warning("no system metrics for run %s: %s", run_id, error)
            return
        _watched[run_id] = monitor


def unwatch(run_id: str) -> None:
    """Ends it and writes what is left; nothing happens where it is not watched."""
    with _one_at_a_time:
        monitor = _watched.pop(run_id, None)
    if monitor is not None:
        monitor.finish()
