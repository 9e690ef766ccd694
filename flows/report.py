"""Report: what a job did and what its model is worth, for people."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from pydantic import Field

from tasks.outcome import ReportOutcome
from tasks.policy import task_runner
from tasks.reporting import report_job


@flow(name="report", flow_run_name="report {job}", task_runner=task_runner())
def report(
    job: Annotated[
        str, Field(description="id of an evaluated job, or its beginning, or 'latest'")
    ] = "latest",
) -> ReportOutcome:
    """Writes the report of one job: HTML, Markdown, JSON and CSV."""
    return report_job(job)
