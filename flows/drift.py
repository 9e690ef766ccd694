"""Drift: do new answers, and their grades, still look like those that the model was measured on?"""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from pydantic import Field

from tasks.drifting import DriftOutcome, look_for_drift
from tasks.policy import task_runner


@flow(name="drift", flow_run_name="drift {model}", task_runner=task_runner())
def drift(
    model: Annotated[str, Field(description="NAME, NAME@alias or NAME/version; '' for the newest")] = "",
) -> DriftOutcome:
    """Compares new answers with the held-out ones: texts, scores, confidence, agreement on spot checks."""
    return look_for_drift(model)
