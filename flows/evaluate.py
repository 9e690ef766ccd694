"""Evaluate: a job's model graded on held-out answers, in figures with intervals."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from pydantic import Field

from tasks.datasets import dataset_facts
from tasks.evaluation import grade_held_out, measure, record_evaluation
from tasks.events import MODEL_EVALUATED, MODEL_PROMOTED, told_model
from tasks.injection import attack_grader
from tasks.outcome import EvaluateOutcome
from tasks.policy import task_runner
from tasks.runs import trained_model


@flow(name="evaluate", flow_run_name="evaluate {job}", task_runner=task_runner())
def evaluate(
    job: Annotated[str, Field(description="id of a finished job, or its beginning, or 'latest'")] = "latest",
    dataset: Annotated[str, Field(description="another dataset to measure on; '' for the job's own")] = "",
) -> EvaluateOutcome:
    """Grades the held-out answers with the job's model and records the figures."""
    model = trained_model(job)
    facts = dataset_facts(dataset or model["dataset_id"])
    held_out = model["uri"], model["content"], facts["id"], facts["fingerprint"], model["job_id"]
    graded = grade_held_out(*held_out)
    if graded["ungraded"]:
        # What a language model did not answer, now or in an earlier run, is asked once more.
        graded = grade_held_out.with_options(refresh_cache=True)(*held_out)
    attacked = attack_grader(*held_out)
    measured = measure(graded, facts["id"], facts["fingerprint"], facts["promise"])
    outcome = record_evaluation(model["job_id"], graded, measured, attacked)
    told_model(MODEL_EVALUATED, outcome["job_id"])
    if outcome["champion"]:
        told_model(MODEL_PROMOTED, outcome["job_id"])
    return outcome
