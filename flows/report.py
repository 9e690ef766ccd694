"""Report: what a job did and what its model is worth, for people."""

from __future__ import annotations

from prefect import flow

from tasks.outcome import ReportOutcome
from tasks.policy import task_runner
from tasks.reporting import report_job


@flow(name="report", flow_run_name="report {job}", task_runner=task_runner())
def report(job: str = "latest") -> ReportOutcome:
    """Writes the report of one job: HTML, Markdown, JSON and CSV.

    Args:
        job: Id of an evaluated job, or its beginning, or latest.
    """
    return report_job(job)
