"""Several jobs held against each other on the held-out examples that they share."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, TypedDict

from prefect import task
from prefect.artifacts import create_markdown_artifact

from domain.errors import InputError
from domain.identity import fingerprint
from domain.reports.comparison import markdown_of
from infra import catalog as records
from infra.catalog import Evaluation, Job, JobState
from tasks.judges import Measured, judge_of
from tasks.policy import RETRIED
from tasks.workplace import Workplace, workplace

log = logging.getLogger(__name__)


class CompareOutcome(TypedDict):
    """`jobs` are a row a job with its key figures; `verdicts` and `findings` are sentences."""

    folder: str
    html: str
    jobs: list[dict[str, Any]]
    verdicts: list[str]
    findings: list[str]


@task(task_run_name="compare jobs", **RETRIED)
def compare_jobs(which: list[str]) -> CompareOutcome:
    """Writes the comparison under home/comparisons, and into each job's MLflow run (comparisons/…).

    `which` are ids of jobs, their beginnings, or "latest"; none means the newest evaluated job of each
    strategy on the newest dataset. Raises InputError for jobs that are not evaluated, are of several
    kinds or share no test examples.
    """
    place = workplace()
    jobs = _named(place, which) if which else _newest(place)
    measured = [Measured(*both) for both in zip(jobs, _evaluations(place, jobs), strict=True)]
    compared = judge_of(jobs[0].kind).compare(place, measured)
    key = fingerprint([job.id for job in jobs])[:12]
    folder = place.settings.home / "comparisons" / key
    files = compared.write(folder)
    for job in jobs:
        if job.mlflow_run_id:
            # Beside each run's own report: MLflow has no page for several runs but its chart of metrics.
            place.tracking.log_artifacts(job.mlflow_run_id, folder, f"comparisons/{key}")
    view = compared.view
    shown = f"{markdown_of(view)}\nFull comparison: `{files.html}`\n"
    create_markdown_artifact(shown, key=f"comparison-{key}")
    log.info("comparison of %d jobs on %d %s", len(jobs), compared.n, view.examples)
    return CompareOutcome(
        folder=str(folder),
        html=str(files.html),
        jobs=compared.rows,
        verdicts=[f"{pair.name}: {pair.verdict}" for part in view.parts for pair in part.pairs],
        findings=[f"{finding.title}. {finding.text}" for finding in view.findings],
    )


def _named(place: Workplace, which: Sequence[str]) -> list[Job]:
    jobs = [records.find_job(place.catalog, place.settings.owner, name) for name in which]
    first = jobs[0]
    other = next((job for job in jobs if job.kind is not first.kind), None)
    if other:
        raise InputError(
            f"job {first.id[:8]} is of kind {first.kind.value} and job {other.id[:8]} of kind "
            f"{other.kind.value}: name jobs of one kind"
        )
    return jobs


def _newest(place: Workplace) -> list[Job]:
    """The newest evaluated job of each strategy on the dataset of the newest of them."""
    newest: dict[str, Job] = {}
    for job in records.jobs(place.catalog, place.settings.owner, states=[JobState.FINISHED], limit=10_000):
        first = next(iter(newest.values()), job)
        if job.dataset_id == first.dataset_id and job.strategy not in newest and _is_evaluated(place, job):
            newest[job.strategy] = job
    if len(newest) < 2:
        found = ", ".join(newest) or "none"
        raise InputError(
            f"nothing to compare: strategies with an evaluated job on the newest dataset: {found}. Name two "
            "jobs (trainyard runs), or train another strategy on the dataset and evaluate it"
        )
    return list(newest.values())


def _is_evaluated(place: Workplace, job: Job) -> bool:
    return records.find_evaluation(place.catalog, job.id, dataset_id=job.dataset_id) is not None


def _evaluations(place: Workplace, jobs: Sequence[Job]) -> list[Evaluation]:
    """Their evaluations on a dataset on which all have one, else each one's newest."""
    for dataset_id in dict.fromkeys(job.dataset_id for job in jobs):
        found = [records.find_evaluation(place.catalog, job.id, dataset_id=dataset_id) for job in jobs]
        on_one = [one for one in found if one is not None]
        if len(on_one) == len(jobs):
            return on_one
    newest = []
    for job in jobs:
        one = records.find_evaluation(place.catalog, job.id)
        if one is None:
            raise InputError(
                f"job {job.id[:8]} is {job.state.value} and not evaluated: run trainyard evaluate "
                f"{job.id[:8]}"
            )
        newest.append(one)
    return newest
