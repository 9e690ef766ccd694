"""Evaluate: a job's model graded on held-out answers, in figures with intervals, and against the champion."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from pydantic import Field

from domain.errors import OutsideError
from domain.promotion import Rule
from tasks.champions import champion_to_meet, choose_champion
from tasks.datasets import dataset_facts
from tasks.evaluation import Graded, grade_held_out, measure, record_evaluation
from tasks.injection import attack_grader
from tasks.outcome import Attacked, DatasetFacts, EvaluateOutcome
from tasks.policy import task_runner
from tasks.runs import TrainedModelFacts, trained_model


@flow(name="evaluate", flow_run_name="evaluate {job}", task_runner=task_runner())
def evaluate(
    job: Annotated[str, Field(description="id of a finished job, or its beginning, or 'latest'")] = "latest",
    dataset: Annotated[str, Field(description="another dataset to measure on; '' for the job's own")] = "",
    promote: Annotated[Rule, Field(description="when it takes the champion's place")] = Rule.BETTER,
) -> EvaluateOutcome:
    """Grades the held-out answers with the job's model, records the figures, and chooses the champion.

    A model that is measured on another dataset than its own is a candidate for nothing.
    """
    model = trained_model(job)
    facts = dataset_facts(dataset or model["dataset_id"])
    graded = _graded(model, facts)
    attacked = attack_grader(*_held_out(model, facts))
    measured = measure(graded, facts["id"], facts["fingerprint"], facts["promise"])
    outcome = record_evaluation(model["job_id"], facts["id"], graded, measured, attacked)
    if facts["id"] != model["dataset_id"]:
        return outcome
    obstacle = _measure_champion(model["job_id"], facts, promote)
    chosen = choose_champion(model["job_id"], promote.value, obstacle)
    return EvaluateOutcome(**{**outcome, "champion": chosen["champion"], "promotion": chosen["promotion"]})


def _measure_champion(job_id: str, facts: DatasetFacts, promote: Rule) -> str:
    """Measures the champion on the challenger's held-out answers, unless that was done; why it could not."""
    champion = champion_to_meet(job_id, promote.value)
    if champion is None:
        return ""
    try:
        graded = _graded(champion, facts)
    except OutsideError as outage:
        return f"the champion could not be measured: {outage}"
    measured = measure(graded, facts["id"], facts["fingerprint"], facts["promise"])
    record_evaluation(champion["job_id"], facts["id"], graded, measured, Attacked(metrics={}, sentence=""))
    return ""


def _graded(model: TrainedModelFacts, facts: DatasetFacts) -> Graded:
    graded = grade_held_out(*_held_out(model, facts))
    if graded["ungraded"]:
        # What a language model did not answer, now or in an earlier run, is asked once more.
        graded = grade_held_out.with_options(refresh_cache=True)(*_held_out(model, facts))
    return graded


def _held_out(model: TrainedModelFacts, facts: DatasetFacts) -> tuple[str, str, str, str, str]:
    return model["uri"], model["content"], facts["id"], facts["fingerprint"], model["job_id"]
