"""Drift: do new answers, and their grades, still look like those that the model was measured on?"""

from __future__ import annotations

from prefect import flow

from tasks.drifting import DriftOutcome, look_for_drift
from tasks.policy import task_runner


@flow(name="drift", flow_run_name="drift {model}", task_runner=task_runner())
def drift(model: str = "") -> DriftOutcome:
    """Compares new answers with the held-out ones: texts, scores, confidence, agreement on spot checks.

    Args:
        model: NAME, NAME@alias or NAME/version; empty for the newest.
    """
    return look_for_drift(model)
