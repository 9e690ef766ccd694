"""Several jobs held against each other on the held-out answers that they share."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, TypedDict

from prefect import task
from prefect.artifacts import create_markdown_artifact

from domain.errors import InputError
from domain.grading.comparison import Comparison, Contender, Costs, compare
from domain.grading.comparison_report import markdown_of, write_comparison
from domain.grading.comparison_view import ComparisonView, comparison_view
from domain.grading.comparison_words import names_of
from domain.grading.language_model_use import WRITING
from domain.identity import fingerprint
from domain.kinds import Kind, Split
from infra import catalog as records
from infra.catalog import Evaluation, Job, JobState
from tasks.grading_evaluation import load_evaluation
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
    strategy on the newest dataset. Raises InputError for jobs that are not evaluated or share no answers.
    """
    place = workplace()
    jobs = _named(place, which) if which else _newest(place)
    comparison = compare(_contenders(place, jobs))
    key = fingerprint([job.id for job in jobs])[:12]
    folder = place.settings.home / "comparisons" / key
    files = write_comparison(comparison, folder)
    view = comparison_view(comparison)
    for job in jobs:
        if job.mlflow_run_id:
            # Beside each run's own report: MLflow has no page for several runs but its chart of metrics.
            place.tracking.log_artifacts(job.mlflow_run_id, folder, f"comparisons/{key}")
    shown = f"{markdown_of(view)}\nFull comparison: `{files.html}`\n"
    create_markdown_artifact(shown, key=f"comparison-{key}")
    log.info("comparison of %d jobs on %d answers", len(jobs), sum(p.n for p in comparison.parts))
    return CompareOutcome(
        folder=str(folder),
        html=str(files.html),
        jobs=_rows(comparison, view),
        verdicts=[f"{pair.name}: {pair.verdict}" for part in view.parts for pair in part.pairs],
        findings=[f"{finding.title}. {finding.text}" for finding in view.findings],
    )


def _named(place: Workplace, which: Sequence[str]) -> list[Job]:
    jobs = [records.find_job(place.catalog, place.settings.owner, name) for name in which]
    for job in jobs:
        if job.kind is not Kind.GRADING:
            raise InputError(
                f"job {job.id[:8]} trained on pictures: hold such jobs against each other with `trainyard "
                "runs`, or on MLflow's page"
            )
    return jobs


def _newest(place: Workplace) -> list[Job]:
    """The newest evaluated job of each strategy on the dataset of the newest of them."""
    known = records.jobs(place.catalog, place.settings.owner, states=[JobState.FINISHED], limit=10_000)
    finished = [job for job in known if job.kind is Kind.GRADING]
    newest: dict[str, Job] = {}
    for job in finished:
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


def _contenders(place: Workplace, jobs: Sequence[Job]) -> list[Contender]:
    names = {dataset.id: dataset.name for dataset in records.datasets(place.catalog, place.settings.owner)}
    evaluations = _evaluations(place, jobs)
    return [_contender(place, job, one, names) for job, one in zip(jobs, evaluations, strict=True)]


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


def _contender(place: Workplace, job: Job, found: Evaluation, names: dict[str, str]) -> Contender:
    evaluation = load_evaluation(place, found.artifacts["evaluation"])
    return Contender(
        job_id=job.id,
        strategy=job.strategy,
        model=f"{job.model_name} {job.model_version}".strip(),
        dataset=names.get(found.dataset_id, found.dataset_id[:8]),
        created=job.created_at.isoformat(timespec="seconds"),
        graded=evaluation.graded,
        tolerance=evaluation.tolerance,
        promised=evaluation.promised,
        costs=_costs(place, job, found.metrics),
        learnt_from=_learnt_from(place, job) if found.dataset_id != job.dataset_id else frozenset(),
    )


def _learnt_from(place: Workplace, job: Job) -> frozenset[str]:
    """What it was trained and validated on, which another dataset may test with."""
    answers = records.dataset_frames(place.catalog, job.dataset_id).answers
    return frozenset(answers.loc[answers["split"] != Split.TEST.value, "answer_id"].astype(str))


def _costs(place: Workplace, job: Job, measured: Any) -> Costs:
    figures = measured if isinstance(measured, dict) else {}
    iterations = records.iterations(place.catalog, job.id)
    asks = "tokens_per_answer" in figures
    return Costs(
        training_seconds=sum(one.seconds for one in iterations),
        n_iterations=len(iterations),
        training_usd=_training_usd(place, job, [one.metrics for one in iterations]),
        # A grader that asks nobody costs nothing; one that does at an unknown price costs no known sum.
        usd_per_1000_answers=figures.get("cost_usd_per_1000_answers") if asks else 0.0,
        seconds_per_answer=figures.get("seconds_per_answer"),
        tokens_per_answer=figures.get("tokens_per_answer"),
    )


def _training_usd(place: Workplace, job: Job, iterations: Sequence[Any]) -> float | None:
    """What training takes by its iterations, also where replies were reused; else what was paid."""
    told = [metrics for metrics in iterations if metrics.get("n_tokens")]
    if told:
        costs = [metrics.get("cost_usd") for metrics in told]
        return None if None in costs else float(sum(costs))
    paid = [c.spent for c in records.costs_of(place.catalog, job.id) if c.purpose not in ("grade", WRITING)]
    return None if any(one.n_unpriced for one in paid) else sum(one.cost_usd for one in paid)


def _rows(comparison: Comparison, view: ComparisonView) -> list[dict[str, Any]]:
    """Key figures on the first protocol, for a terminal."""
    part = comparison.parts[0]
    rows = []
    for row, name, one, standing in zip(
        view.contenders, names_of(comparison), comparison.contenders, part.standings, strict=True
    ):
        rows.append(
            {
                "letter": row.letter,
                "job": one.job_id[:8],
                "name": name,
                "n": part.n,
                "qwk": _or_none(standing.qwk.value),
                "agreement": _or_none(standing.agreement.value),
                "without a human": _or_none(standing.automatic_share.value),
                "USD per 1,000 answers": one.costs.usd_per_1000_answers,
                "seconds per answer": one.costs.seconds_per_answer,
            }
        )
    return rows


def _or_none(value: float) -> float | None:
    return value if value == value else None
