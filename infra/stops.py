"""Requests to end a training: a file a job in the home, for which whoever trains it looks."""

from __future__ import annotations

from pathlib import Path


def stop_file(home: Path, job_id: str) -> Path:
    return home.resolve() / "stops" / job_id


def ask_to_stop(home: Path, job_id: str) -> None:
    """Whoever trains that job on this home ends at its next look, in any process."""
    leave_request(stop_file(home, job_id))


def leave_request(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()


def withdraw_stop(home: Path, job_id: str) -> None:
    stop_file(home, job_id).unlink(missing_ok=True)
