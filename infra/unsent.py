"""Which jobs have figures that MLflow was not there to take: a file a job in the home.

The figures themselves are in the catalog; this only says of whom to send them again.
"""

from __future__ import annotations

from pathlib import Path


def note_unsent(home: Path, job_id: str) -> None:
    file = home / "unsent" / job_id
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()


def unsent(home: Path) -> list[str]:
    """The ids of those jobs."""
    folder = home / "unsent"
    return sorted(file.name for file in folder.iterdir()) if folder.is_dir() else []


def forget_unsent(home: Path, job_id: str) -> None:
    (home / "unsent" / job_id).unlink(missing_ok=True)
