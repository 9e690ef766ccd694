"""The report of a job: drafted by its kind, written once, logged and linked."""

from __future__ import annotations

import logging

from prefect import task
from prefect.artifacts import create_markdown_artifact

from domain.identity import fingerprint
from domain.reports.job import JobFacts
from infra import catalog as records
from infra.catalog import Job
from tasks.judges import judge_of
from tasks.links import flow_run_url, mlflow_run_url
from tasks.outcome import ReportOutcome
from tasks.policy import RETRIED, code_of
from tasks.workplace import Workplace, workplace

log = logging.getLogger(__name__)


@task(task_run_name="write report", **RETRIED)
def report_job(which: str) -> ReportOutcome:
    """Writes HTML, Markdown, JSON and CSV under home/reports, logs them to MLflow, links them here.

    A report of the same content is written once. Raises InputError for a job that was not evaluated.
    """
    place = workplace()
    job = records.find_job(place.catalog, place.settings.owner, which)
    judge = judge_of(job.kind)
    draft = judge.draft(place, job)
    # Hashed before anything is written, so that a second run knows what it would say.
    key = fingerprint([draft.content, code_of(*judge.report_code)])
    folder = place.settings.home / "reports" / job.id[:8]
    html = folder / "report.html"
    known = records.find_report(place.catalog, job.id, key)
    if known is None or not html.exists():
        files = draft.write(folder)
        if job.mlflow_run_id:
            place.tracking.log_artifacts(job.mlflow_run_id, folder, "report")
        kept = {name: place.store.put_file(path) for name, path in files.items()}
        records.save_report(place.catalog, job_id=job.id, key=key, folder=str(folder), files=kept)
    else:
        log.info("report: unchanged, written before")
    summary = draft.summary(html)
    create_markdown_artifact(summary, key=f"report-{job.id[:8]}")
    if job.mlflow_run_id:
        if draft.figures:
            place.tracking.log_metrics(job.mlflow_run_id, draft.figures)
        address = flow_run_url(place, job.flow_run_id) if job.flow_run_id else ""
        flow_run = f"\n\n[Prefect flow run]({address})"
        place.tracking.set_tags(job.mlflow_run_id, {"mlflow.note.content": summary + flow_run})
    return ReportOutcome(job_id=job.id, folder=str(folder), html=str(html), findings=draft.findings)


def job_facts(place: Workplace, job: Job) -> JobFacts:
    return JobFacts(
        id=job.id,
        created=job.created_at.isoformat(timespec="seconds"),
        owner=job.owner,
        flow_run_url=flow_run_url(place, job.flow_run_id) if job.flow_run_id else "",
        mlflow_run_url=mlflow_run_url(place, job.mlflow_run_id) if job.mlflow_run_id else "",
        model_name=job.model_name or "",
        model_version=job.model_version or "",
    )
