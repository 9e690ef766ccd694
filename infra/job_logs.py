"""What is said while a job is worked on, kept as lines of JSON: home/logs/jobs/JOB.jsonl, rotated.

Each line has time, level, logger, message and the ids of job, flow run and MLflow run, so that one can be
found from another. A process works on one job at a time, and its threads all for that one.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from infra.logs import OURS, SecretFilter

_LIMIT_BYTES, _KEPT = 2_000_000, 3
_POLL_SECONDS = 0.3


class _JobFile(RotatingFileHandler):
    """The file of the job that this process works on."""


class _Json(logging.Formatter):
    def __init__(self, ids: dict[str, str]) -> None:
        super().__init__()
        self._ids = ids

    def format(self, record: logging.LogRecord) -> str:
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **self._ids,
        }
        if record.exc_info or record.exc_text:
            told["error"] = record.exc_text or self.formatException(record.exc_info)  # type: ignore[arg-type]
        return json.dumps(told, ensure_ascii=False)


def work_on(home: Path, job: str, *, flow_run: str = "", run: str = "", secrets: Sequence[str] = ()) -> None:
    """From now on, what our modules say goes into that job's file too, without secrets."""
    file = file_of(home, job)
    file.parent.mkdir(parents=True, exist_ok=True)
    handler = _JobFile(file, maxBytes=_LIMIT_BYTES, backupCount=_KEPT, encoding="utf-8", delay=True)
    handler.setLevel(logging.INFO)
    handler.setFormatter(_Json({"job": job, "flow_run": flow_run, "run": run}))
    handler.addFilter(SecretFilter(secrets))
    replaced: set[logging.Handler] = set()
    for name in OURS:
        logger = logging.getLogger(name)
        replaced |= {old for old in logger.handlers if isinstance(old, _JobFile)}
        logger.handlers = [old for old in logger.handlers if not isinstance(old, _JobFile)]
        logger.addHandler(handler)
        # A worker's process does not set our levels.
        if logger.getEffectiveLevel() > logging.INFO:
            logger.setLevel(logging.INFO)
    for old in replaced:
        old.close()


def file_of(home: Path, job: str) -> Path:
    return home / "logs" / "jobs" / f"{job}.jsonl"


def lines_of(home: Path, job: str) -> Iterator[dict[str, Any]]:
    """All that is kept of a job, oldest first."""
    file = file_of(home, job)
    for n in range(_KEPT, 0, -1):
        yield from _read(file.with_name(f"{file.name}.{n}"))
    yield from _read(file)


def _read(file: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return
    yield from filter(None, map(_parsed, lines))


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        told = json.loads(line)
    except ValueError:  # a line that was being written when its process was killed
        return None
    return told if isinstance(told, dict) else None


def followed(home: Path, job: str, goes_on: Callable[[], bool]) -> Iterator[dict[str, Any]]:
    """What is kept, then what is added, until `goes_on` says no and nothing more is there."""
    shown = 0
    while True:
        last_look = not goes_on()
        kept = list(lines_of(home, job))
        # After a rotation that dropped the oldest file there are fewer: all that are left may be new.
        yield from kept[min(shown, len(kept)) :]
        shown = len(kept)
        if last_look:
            return
        time.sleep(_POLL_SECONDS)
