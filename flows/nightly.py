"""Nightly: the champions on graded answers that came since they were trained."""

from __future__ import annotations

from prefect import flow

from tasks.policy import task_runner
from tasks.renewal import NewAnswers, measure_champions


@flow(
    name="nightly",
    flow_run_name="nightly",
    task_runner=task_runner(),
    timeout_seconds=6 * 3600,
    retries=1,
    retry_delay_seconds=600,
)
def nightly() -> list[NewAnswers]:
    """Figures of every champion on new answers, in its MLflow run and in an artifact of this one."""
    return measure_champions()
