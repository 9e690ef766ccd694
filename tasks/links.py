"""Addresses of the pages that belong to a run."""

from __future__ import annotations

from tasks.workplace import Workplace


def flow_run_url(place: Workplace, flow_run_id: str) -> str:
    """The flow run's page, on the server in use or the one that `trainyard up` starts."""
    base = place.settings.prefect_api_url or f"http://127.0.0.1:{place.settings.prefect_port}"
    return f"{base.removesuffix('/api').rstrip('/')}/runs/flow-run/{flow_run_id}"


def mlflow_run_url(place: Workplace, run_id: str) -> str:
    """The MLflow run's page, on the tracking server in use or the one that `trainyard up` starts."""
    uri = place.settings.mlflow_tracking_uri
    base = uri if uri.startswith("http") else f"http://127.0.0.1:{place.settings.mlflow_port}"
    return place.tracking.run_url(base, run_id)
