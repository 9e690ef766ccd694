"""Evaluate: a job's model on what was held out, in figures with intervals, and against the champion."""

from __future__ import annotations

from prefect import flow

from domain.errors import InputError, OutsideError
from domain.promotion import Rule
from tasks.champions import champion_to_meet, choose_champion
from tasks.datasets import dataset_facts
from tasks.evaluation import measure, predict_held_out, record_evaluation, stress_model
from tasks.events import MODEL_EVALUATED, MODEL_PROMOTED, told_model
from tasks.outcome import DatasetFacts, EvaluateOutcome, HeldOut
from tasks.policy import task_runner
from tasks.runs import TrainedModelFacts, trained_model


@flow(name="evaluate", flow_run_name="evaluate {job}", task_runner=task_runner())
def evaluate(
    job: str = "latest",
    dataset: str = "",
    promote: Rule = Rule.BETTER,
) -> EvaluateOutcome:
    """Predicts what was held out with the job's model, records the figures, and chooses the champion.

    A model that is measured on another dataset than its own is a candidate for nothing.

    Args:
        job: Id of a finished job, or its beginning, or latest.
        dataset: Another dataset to measure on; empty for the job's own.
        promote: When the new version takes the champion's place.
    """
    model = trained_model(job)
    facts = dataset_facts(dataset or model["dataset_id"])
    outcome = _measured(model, facts)
    told_model(MODEL_EVALUATED, outcome["job_id"])
    if facts["id"] != model["dataset_id"]:
        return outcome
    chosen = choose_champion(model["job_id"], promote.value, _obstacle(model["job_id"], facts, promote))
    if chosen["champion"]:
        told_model(MODEL_PROMOTED, outcome["job_id"])
    return EvaluateOutcome(**{**outcome, "champion": chosen["champion"], "promotion": chosen["promotion"]})


def _obstacle(job_id: str, facts: DatasetFacts, promote: Rule) -> str:
    """Measures the champion where the challenger was, unless that was done; why it could not be."""
    champion = champion_to_meet(job_id, promote.value)
    if champion is None:
        return ""
    try:
        _measured(champion, facts)
    except (OutsideError, InputError) as refusal:
        return f"the champion could not be measured: {refusal}"
    return ""


def _measured(model: TrainedModelFacts, facts: DatasetFacts) -> EvaluateOutcome:
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
    return record_evaluation(held, predicted, stressed, measure(held, predicted, stressed, facts["promise"]))
