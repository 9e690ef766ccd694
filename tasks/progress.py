"""Progress for people: one log line and one Prefect progress artifact, both at a bearable rate."""

from __future__ import annotations

import logging
import threading
import time
from typing import cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.context import FlowRunContext, TaskRunContext

log = logging.getLogger(__name__)

SECONDS_BETWEEN = 2.0


class Progress:
    """Counts `done` of `total` things of one flow run; shared by its concurrent tasks."""

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total, self._done = what, max(total, 1), 0
        self._shown = time.monotonic()
        self._lock = threading.Lock()
        self._artifact: UUID | None = None
        if FlowRunContext.get() or TaskRunContext.get():
            made = create_progress_artifact(0.0, what.replace(" ", "-"), f"{what}: 0 of {total}")
            self._artifact = cast(UUID, made)

    def advance(self, n: int = 1) -> None:
        """Counts `n` more; says so when the last word is old enough, and at the end."""
        with self._lock:
            self._done += n
            now = time.monotonic()
            if now - self._shown < SECONDS_BETWEEN and self._done < self._total:
                return
            self._shown = now
        text = f"{self._what}: {self._done} of {self._total}"
        log.info(text)
        if self._artifact is not None:
            update_progress_artifact(self._artifact, min(100.0, 100 * self._done / self._total), text)


_running: dict[tuple[str, str], Progress] = {}
_starting = threading.Lock()


def progress(flow_run_id: str, what: str, total: int) -> Progress:
    """The flow run's one progress of `what`, whichever of its tasks asks first."""
    with _starting:
        if (flow_run_id, what) not in _running:
            _running[flow_run_id, what] = Progress(what, total)
        return _running[flow_run_id, what]
