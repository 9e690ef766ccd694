"""What there is, for people and for machines that ask: the state of material, jobs and models."""

from __future__ import annotations

from typing import Any

from prefect import task

from domain.kinds import Kind, Role
from infra import catalog as records
from infra.catalog import Job, ParseOutcome
from tasks.judges import judge_of
from tasks.links import flow_run_url, mlflow_run_url
from tasks.materials import material_of
from tasks.near_copies import near_duplicates
from tasks.outcome import DatasetFacts, Ingested, PrepareOutcome, SecondReadings
from tasks.policy import RETRIED
from tasks.workplace import Workplace, workplace


@task(task_run_name="sum up", **RETRIED)
def prepared(
    ingested: list[Ingested], facts: DatasetFacts, readings: SecondReadings | None = None
) -> PrepareOutcome:
    """What became of everything that was given, and the dataset that came of it."""
    return material_of(facts["kind"]).summary(workplace(), ingested, facts, readings)


def prepared_documents(
    place: Workplace, ingested: list[Ingested], facts: DatasetFacts, readings: SecondReadings | None
) -> PrepareOutcome:
    """What became of guides, submissions and tables."""
    owner = place.settings.owner
    quarantined = records.quarantined(place.catalog, owner)
    shown = ["contract", "source", "row", "column", "check", "value"]
    trained_on = set(records.dataset_frames(place.catalog, facts["id"]).items["guide_id"])
    return PrepareOutcome(
        ingested=ingested,
        formats=_formats(place, ingested),
        near_duplicates=[
            {"a": pair.first, "b": pair.second, "similarity": pair.similarity}
            for pair in near_duplicates(place)
        ],
        guides=[
            {
                "title": g.title,
                "name": g.name,
                "n_items": g.n_items,
                "total": g.total,
                "problems": list(g.problems),
                "in_dataset": g.id in trained_on,
            }
            for g in records.guides(place.catalog, owner)
        ],
        unparsed=[
            {"name": row.name, "role": row.role.value, "problems": list(row.problems)}
            for row in records.unparsed(place.catalog, owner)
            if (row.role, row.outcome) != (Role.GUIDE, ParseOutcome.PROBLEM)
        ],
        quarantine=quarantined[shown].astype(str).to_dict("records"),
        second_readings=readings,
        dataset=facts,
    )


def _formats(place: Workplace, ingested: list[Ingested]) -> dict[str, dict[str, int]]:
    """Documents of this run by role and media type."""
    counts: dict[str, dict[str, int]] = {}
    for part in ingested:
        kinds = counts.setdefault(part["role"], {})
        found = records.documents(
            place.catalog, place.settings.owner, Role(part["role"]), part["document_ids"]
        )
        for document in found:
            kinds[document.media_type] = kinds.get(document.media_type, 0) + 1
    return counts


def list_jobs(limit: int) -> list[dict[str, Any]]:
    """The newest jobs with their headline figures."""
    place = workplace()
    names = {d.id: d.name for d in records.datasets(place.catalog, place.settings.owner)}
    found = records.jobs(place.catalog, place.settings.owner, limit=limit)
    return [
        {
            "job": job.id[:8],
            "state": job.state.value,
            "strategy": job.strategy or job.requested_strategy,
            "dataset": names.get(job.dataset_id, ""),
            "model": f"{job.model_name} {job.model_version}" if job.model_name else "",
            "qwk": _figure(place, job, Kind.GRADING),
            "accuracy": _figure(place, job, Kind.VISION),
            "iterations": len(records.iterations(place.catalog, job.id)),
            "updated": job.updated_at.isoformat(timespec="seconds"),
            "error": job.error,
        }
        for job in found
    ]


def _figure(place: Workplace, job: Job, kind: Kind) -> float | None:
    """The figure that jobs of `kind` are told by; None for another kind, and before the evaluation."""
    if job.kind is not kind:
        return None
    found = records.find_evaluation(place.catalog, job.id)
    return found.metrics.get(judge_of(kind).deciding) if found and isinstance(found.metrics, dict) else None


def show_job(which: str) -> dict[str, Any]:
    """All that is known of one job."""
    place = workplace()
    job = records.find_job(place.catalog, place.settings.owner, which)
    dataset = records.dataset(place.catalog, place.settings.owner, job.dataset_id)
    evaluation = records.find_evaluation(place.catalog, job.id)
    report = records.find_report(place.catalog, job.id)
    return {
        "job": job.id,
        "state": job.state.value,
        "error": job.error,
        "created": job.created_at.isoformat(timespec="seconds"),
        "dataset": {"name": dataset.name, "fingerprint": dataset.fingerprint, **dataset.facts},
        "requested strategy": job.requested_strategy,
        "strategy": job.strategy,
        "passed over": dict(job.choice),
        "hyperparameters": job.config,
        "iterations": [
            {"iteration": i.iteration, "seconds": round(i.seconds, 2), **i.metrics}
            for i in records.iterations(place.catalog, job.id)
        ],
        "model": f"models:/{job.model_name}/{job.model_version}" if job.model_name else "",
        "metrics": evaluation.metrics if evaluation else {},
        "report": f"{report.folder}/report.html" if report else "",
        "flow run": flow_run_url(place, job.flow_run_id) if job.flow_run_id else "",
        "MLflow run": mlflow_run_url(place, job.mlflow_run_id) if job.mlflow_run_id else "",
    }


def state_of_material() -> dict[str, Any]:
    """Counts of files, documents, guides, datasets and jobs, and what needs a look."""
    place = workplace()
    owner = place.settings.owner
    files = records.files(place.catalog, owner)
    guides = records.guides(place.catalog, owner)
    found = records.jobs(place.catalog, owner, limit=1000)
    return {
        "home": str(place.settings.home),
        "owner": owner,
        "files": {str(k): int(v) for k, v in files["outcome"].value_counts().sort_index().items()},
        "guides": len(guides),
        "guides with problems": sum(bool(g.problems) for g in guides),
        "graded answers": sum(g.n_graded for g in guides),
        "quarantined": len(records.quarantined(place.catalog, owner)),
        "datasets": len(records.datasets(place.catalog, owner)),
        "jobs": {
            state: sum(job.state.value == state for job in found)
            for state in sorted({job.state.value for job in found})
        },
    }
