"""What was announced and not done: read from the catalog, whatever became of the events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from prefect import task

from domain.errors import InputError
from infra import catalog as records
from infra.catalog import Job, JobState
from tasks.claims import in_work, training_of
from tasks.events import DATASET_CREATED, MODEL_EVALUATED, MODEL_REGISTERED
from tasks.policy import RETRIED
from tasks.workplace import Workplace, workplace

_NOT_BEGUN = ""
_RESUMED = "trainyard.training.resumed"
_MOST_RESUMPTIONS = 3
"""Of a training that gets no further between them: it may be what kills its process."""


class Pending(TypedDict):
    """Work that waits: to "train" on a dataset (its fingerprint), or to "evaluate" or "report" a job.

    `strategy` and `hyperparameters` of a training that was broken off are those it had, and `resumes` is its
    job; "" for all else.
    """

    step: str
    subject: str
    strategy: str
    hyperparameters: list[str]
    resumes: str


class SweepOutcome(TypedDict):
    """`done` are steps and subjects; `failed` {"step", "subject", "reason"}."""

    done: list[str]
    failed: list[dict[str, str]]


@task(task_run_name="find what is pending", **RETRIED)
def pending_work(
    dataset: str = "", job: str = "", strategy: str = "auto", hyperparameters: Sequence[str] = ()
) -> list[Pending]:
    """What nobody did yet of what was announced: about one dataset or job where given, else of all.

    Trainings that nobody has begun are to be by `strategy` with the `hyperparameters` ("name=value").
    What failed or was cancelled is not tried again: bad data stays bad. What was broken off is resumed, as
    long as it gets further.
    """
    place = workplace()
    found: list[Pending | None] = []
    if job:
        found.append(_next_of_job(place, records.find_job(place.catalog, place.settings.owner, job)))
    elif dataset:
        found.append(_next_of_dataset(place, dataset))
    else:
        subjects = _announced(place, DATASET_CREATED)
        found += [_next_of_dataset(place, fingerprint) for fingerprint in subjects]
        by_id = {one.id: one for one in records.jobs(place.catalog, place.settings.owner, limit=10_000)}
        of_jobs = dict.fromkeys([*_announced(place, MODEL_REGISTERED), *_announced(place, MODEL_EVALUATED)])
        found += [_next_of_job(place, by_id[job_id]) for job_id in of_jobs if job_id in by_id]
    for one in found:
        if one and (one["step"], one["strategy"]) == ("train", _NOT_BEGUN):
            one["strategy"], one["hyperparameters"] = strategy, list(hyperparameters)
    unique = {(one["step"], one["subject"]): one for one in found if one}
    return list(unique.values())


@task(task_run_name="note resumption", **RETRIED)
def note_resumption(job_id: str) -> None:
    """A broken-off job is about to be resumed from where it is."""
    place = workplace()
    noted = _resumptions(place, job_id)
    subject = f"{_progress(place, job_id)} {len(noted) + 1}"
    records.announce_once(place.catalog, place.settings.owner, _RESUMED, subject, {}, followed=True)


def _resumptions(place: Workplace, job_id: str) -> list[str]:
    """Those from the iteration that it has reached."""
    told = records.announcements(place.catalog, place.settings.owner, event=_RESUMED)
    here = _progress(place, job_id)
    return [one.subject for one in told if one.subject.startswith(here)]


def _progress(place: Workplace, job_id: str) -> str:
    return f"{job_id} after {len(records.iterations(place.catalog, job_id))}:"


def _announced(place: Workplace, event: str) -> list[str]:
    told = records.announcements(place.catalog, place.settings.owner, event=event, followed=False)
    return [one.subject for one in told]


def _next_of_dataset(place: Workplace, fingerprint: str) -> Pending | None:
    owner = place.settings.owner
    try:
        dataset = records.dataset(place.catalog, owner, fingerprint)
    except InputError:
        # Deleted since.
        return None
    jobs = [j for j in records.jobs(place.catalog, owner, limit=10_000) if j.dataset_id == dataset.id]
    if not jobs:
        return Pending(
            step="train", subject=dataset.fingerprint, strategy=_NOT_BEGUN, hyperparameters=[], resumes=""
        )
    return _next_of_job(place, jobs[0])


def _next_of_job(place: Workplace, job: Job) -> Pending | None:
    if job.state in (JobState.PENDING, JobState.RUNNING) or job.broken_off:
        if len(_resumptions(place, job.id)) >= _MOST_RESUMPTIONS:
            return None
        dataset = records.dataset(place.catalog, place.settings.owner, job.dataset_id)
        if in_work(place, training_of(dataset.fingerprint, job.strategy, job.config)):
            return None
        given = [f"{name}={value}" for name, value in job.config.items() if value is not None]
        return Pending(
            step="train",
            subject=dataset.fingerprint,
            strategy=job.strategy,
            hyperparameters=given,
            resumes=job.id,
        )
    if job.state is not JobState.FINISHED:
        return None
    if records.find_evaluation(place.catalog, job.id) is None:
        return Pending(step="evaluate", subject=job.id, strategy="", hyperparameters=[], resumes="")
    if records.find_report(place.catalog, job.id) is None:
        return Pending(step="report", subject=job.id, strategy="", hyperparameters=[], resumes="")
    return None
