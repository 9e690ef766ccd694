"""Graders held against each other on the held-out answers that they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from domain.comparing import names_of
from domain.grading.comparison import Comparison, Contender, Costs, compare
from domain.grading.comparison_report import write_comparison
from domain.grading.comparison_view import comparison_view
from domain.kinds import Split
from domain.reports.comparison import letter
from infra import catalog as records
from infra.catalog import Evaluation, Job
from tasks.grading_evaluation import load_evaluation
from tasks.judges import Compared, Measured
from tasks.model_use import training_usd
from tasks.workplace import Workplace


def compared_graders(place: Workplace, measured: Sequence[Measured]) -> Compared:
    """Raises InputError where they share no answers."""
    names = {dataset.id: dataset.name for dataset in records.datasets(place.catalog, place.settings.owner)}
    comparison = compare([contender(place, one.job, one.evaluation, names) for one in measured])
    return Compared(
        view=comparison_view(comparison),
        rows=_rows(comparison),
        n=sum(part.n for part in comparison.parts),
        write=lambda folder: write_comparison(comparison, folder),
    )


def contender(place: Workplace, job: Job, found: Evaluation, names: dict[str, str]) -> Contender:
    """The job with an evaluation of it; `names` are those of the datasets by their ids."""
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
        training_usd=training_usd(place, job, iterations),
        # A grader that asks nobody costs nothing; one that does at an unknown price costs no known sum.
        usd_per_1000_answers=figures.get("cost_usd_per_1000_answers") if asks else 0.0,
        seconds_per_answer=figures.get("seconds_per_answer"),
        tokens_per_answer=figures.get("tokens_per_answer"),
    )


def _rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Key figures on the first protocol, for a terminal."""
    part = comparison.parts[0]
    rows = []
    for k, (name, one, standing) in enumerate(
        zip(names_of(comparison.contenders), comparison.contenders, part.standings, strict=True)
    ):
        rows.append(
            {
                "letter": letter(k),
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
