"""Predict: pictures in, labels and the pictures that a human should look at out."""

from __future__ import annotations

from prefect import flow

from tasks.outcome import PredictOutcome
from tasks.policy import task_runner
from tasks.prediction import label_pictures


@flow(name="predict", flow_run_name="predict with {model}", task_runner=task_runner())
def predict(
    paths: list[str],
    model: str = "",
) -> PredictOutcome:
    """Labels every picture with a registered classifier.

    Args:
        paths: Pictures, folders and archives of pictures.
        model: NAME, NAME@alias, NAME/version or a job; empty for the newest.
    """
    return label_pictures(model, paths)
