"""Nightly: the champions on graded answers that came since, and the language models that they depend on."""

from __future__ import annotations

from prefect import flow

from tasks.policy import task_runner
from tasks.renewal import NewAnswers, measure_champions
from tasks.retirement import watch_language_models


@flow(
    name="nightly",
    flow_run_name="nightly",
    task_runner=task_runner(),
    timeout_seconds=6 * 3600,
    retries=1,
    retry_delay_seconds=600,
)
def nightly() -> list[NewAnswers]:
    """Figures of every champion on new answers, in its MLflow run and in an artifact of this one.

    Language models that are about to be switched off are told of first, by an event and an artifact.
    """
    watch_language_models()
    return measure_champions()
