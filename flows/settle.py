"""Settle: what a killed worker, server or database left RUNNING is ended, and nothing that lives."""

from __future__ import annotations

from prefect import flow

from tasks.policy import task_runner
from tasks.settling import Settled, settle_all


@flow(name="settle", flow_run_name="settle", task_runner=task_runner())
def settle() -> Settled:
    """Ends jobs, MLflow runs and flow runs whose process is gone; says which it left alone."""
    return settle_all()
