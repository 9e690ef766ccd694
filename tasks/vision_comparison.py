"""Classifiers held against each other on the held-out pictures that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain.comparing import names_of
from domain.kinds import Split
from domain.reports.comparison import letter
from domain.vision.comparison import Comparison, Contender, Costs, compare
from domain.vision.comparison_report import comparison_view, write_comparison
from infra import catalog as records
from infra.catalog import Evaluation, Job
from tasks.judges import Compared, Measured
from tasks.model_use import training_usd
from tasks.picture_sets import pictures_of
from tasks.vision_evaluation import load_evaluation
from tasks.workplace import Workplace


def compared_classifiers(place: Workplace, measured: Sequence[Measured]) -> Compared:
    """Raises InputError where they share no pictures."""
    comparison = compare([contender(place, one.job, one.evaluation) for one in measured])
    return Compared(
        view=comparison_view(comparison),
        rows=_rows(comparison),
        n=comparison.n,
        write=lambda folder: write_comparison(comparison, folder),
    )


def contender(place: Workplace, job: Job, found: Evaluation) -> Contender:
    """The job with an evaluation of it."""
    evaluation = load_evaluation(place, found.artifacts["evaluation"])
    dataset = records.dataset(place.catalog, place.settings.owner, found.dataset_id)
    _, rows, _ = pictures_of(place, dataset)
    known = rows[["row", "image_id", "group"]]
    labelled = evaluation.pictures.merge(known, on="row", how="left", validate="one_to_one")
    return Contender(
        job_id=job.id,
        strategy=job.strategy,
        model=f"{job.model_name} {job.model_version}".strip(),
        dataset=dataset.name,
        created=job.created_at.isoformat(timespec="seconds"),
        labelled=labelled,
        promised=evaluation.promised,
        costs=_costs(place, job, found),
        learnt_from=_learnt_from(place, job) if found.dataset_id != job.dataset_id else frozenset(),
    )


def _learnt_from(place: Workplace, job: Job) -> frozenset[str]:
    """What it was trained and validated on, which another dataset may test with."""
    _, rows, _ = pictures_of(place, records.dataset(place.catalog, place.settings.owner, job.dataset_id))
    return frozenset(rows.loc[rows["split"] != Split.TEST, "image_id"].astype(str))


def _costs(place: Workplace, job: Job, found: Evaluation) -> Costs:
    figures: Mapping[str, Any] = found.metrics if isinstance(found.metrics, dict) else {}
    iterations = records.iterations(place.catalog, job.id)
    size = next((v for name, v in figures.items() if name.endswith("speed.model_mb")), None)
    return Costs(
        training_seconds=sum(one.seconds for one in iterations),
        n_iterations=len(iterations),
        training_usd=training_usd(place, job, iterations),
        seconds_per_picture=figures.get("seconds_per_image"),
        model_mb=size,
    )


def _rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Key figures for a terminal."""
    return [
        {
            "letter": letter(k),
            "job": one.job_id[:8],
            "name": name,
            "n": comparison.n,
            "accuracy": standing.accuracy.value,
            "macro_f1": standing.macro_f1.value,
            "without a human": standing.automatic_share.value,
            "USD of training": one.costs.training_usd,
            "seconds of training": one.costs.training_seconds,
            "seconds per picture": one.costs.seconds_per_picture,
        }
        for k, (name, one, standing) in enumerate(
            zip(names_of(comparison.contenders), comparison.contenders, comparison.standings, strict=True)
        )
    ]
