"""Evaluate: a job's model on what was held out, in figures with intervals."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from pydantic import Field

from tasks.datasets import dataset_facts
from tasks.evaluation import measure, predict_held_out, record_evaluation, stress_model
from tasks.events import MODEL_EVALUATED, MODEL_PROMOTED, told_model
from tasks.outcome import EvaluateOutcome, HeldOut
from tasks.policy import task_runner
from tasks.runs import trained_model


@flow(name="evaluate", flow_run_name="evaluate {job}", task_runner=task_runner())
def evaluate(
    job: Annotated[str, Field(description="id of a finished job, or its beginning, or 'latest'")] = "latest",
    dataset: Annotated[str, Field(description="another dataset to measure on; '' for the job's own")] = "",
) -> EvaluateOutcome:
    """Predicts what was held out with the job's model and records the figures."""
    model = trained_model(job)
    facts = dataset_facts(dataset or model["dataset_id"])
    held = HeldOut(
        kind=model["kind"],
        uri=model["uri"],
        content=model["content"],
        dataset_id=facts["id"],
        dataset_fingerprint=facts["fingerprint"],
        job_id=model["job_id"],
    )
    predicted = predict_held_out(held)
    if predicted["ungraded"]:
        # What a language model did not answer, now or in an earlier run, is asked once more.
        predicted = predict_held_out.with_options(refresh_cache=True)(held)
    stressed = stress_model(held)
    measured = measure(held, predicted, stressed, facts["promise"])
    outcome = record_evaluation(held, predicted, stressed, measured)
    told_model(MODEL_EVALUATED, outcome["job_id"])
    if outcome["champion"]:
        told_model(MODEL_PROMOTED, outcome["job_id"])
    return outcome
