"""Predict: pictures in, labels and the pictures that a human should look at out."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from pydantic import Field

from tasks.outcome import PredictOutcome
from tasks.policy import task_runner
from tasks.prediction import label_pictures


@flow(name="predict", flow_run_name="predict with {model}", task_runner=task_runner())
def predict(
    paths: Annotated[list[str], Field(description="pictures, folders and archives of pictures")],
    model: Annotated[str, Field(description="NAME, NAME@alias, NAME/version or a job; '' the newest")] = "",
) -> PredictOutcome:
    """Labels every picture with a registered classifier."""
    return label_pictures(model, paths)
