"""A job's log, for people who look and for those who wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from infra import catalog as records
from infra.catalog import Job, JobState
from infra.job_logs import followed, lines_of, work_on
from infra.lives import Life, life_of
from tasks.workplace import Workplace, workplace


def log_for(place: Workplace, job: Job) -> None:
    """What this process says from now on is kept as that job's."""
    work_on(
        place.settings.home,
        job.id,
        flow_run=job.flow_run_id,
        run=job.mlflow_run_id,
        secrets=place.settings.secrets(),
    )


def log_lines(which: str, follow: bool) -> Iterator[dict[str, Any]]:
    """The lines of a job's log; with `follow` also those to come, until nobody works on it any more.

    Raises InputError for a job that is not there.
    """
    place = workplace()
    job = records.find_job(place.catalog, place.settings.owner, which)
    home = place.settings.home

    def goes_on() -> bool:
        life = life_of(home, job.id)
        if life is not Life.UNKNOWN:
            return life is Life.ALIVE
        return records.find_job(place.catalog, place.settings.owner, job.id).state is JobState.RUNNING

    return followed(home, job.id, goes_on) if follow else lines_of(home, job.id)
