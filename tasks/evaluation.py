"""Judging a registered model on what it never saw: predictions, stress, figures, and who is champion."""

from __future__ import annotations

import json
import logging
from typing import Any

from prefect import task

from domain.identity import fingerprint
from infra import catalog as records
from tasks.judges import judge_of
from tasks.outcome import EvaluateOutcome, HeldOut, Predicted, Stressed
from tasks.policy import KEPT, RETRIED, keyed_by
from tasks.workplace import workplace

log = logging.getLogger(__name__)


def judged_by(held: HeldOut) -> str:
    """What names the model, the data and the code that a judgement comes from."""
    return fingerprint([held["kind"], held["content"], held["dataset_fingerprint"]])


def _code_of_kind(parameters: dict[str, Any]) -> tuple[str, ...]:
    return judge_of(parameters["held"]["kind"]).code


def _key(*names: str) -> Any:
    """Only what decides: another job with the same model has nothing else to predict."""
    by_content = keyed_by("judged_by", *names, code=_code_of_kind)

    def key(context: Any, parameters: dict[str, Any]) -> str:
        return by_content(context, {**parameters, "judged_by": judged_by(parameters["held"])})

    return key


@task(task_run_name="predict held-out {held[kind]}", cache_key_fn=_key(), **KEPT)
def predict_held_out(held: HeldOut) -> Predicted:
    """Predictions for what was held out, through the runtime that users get."""
    return judge_of(held["kind"]).predict(workplace(), held)


@task(task_run_name="stress the model", cache_key_fn=_key(), **KEPT)
def stress_model(held: HeldOut) -> Stressed:
    """How the model bears attacks or spoilt pictures."""
    return judge_of(held["kind"]).stress(workplace(), held)


@task(task_run_name="measure", cache_key_fn=_key("predicted", "stressed", "promise"), **KEPT)
def measure(held: HeldOut, predicted: Predicted, stressed: Stressed, promise: list[float]) -> str:
    """The store's key of the evaluation."""
    return judge_of(held["kind"]).measure(workplace(), held, predicted, stressed, promise)


@task(task_run_name="record evaluation", **RETRIED)
def record_evaluation(
    held: HeldOut, predicted: Predicted, stressed: Stressed, evaluation: str
) -> EvaluateOutcome:
    """Catalog and MLflow learn the figures.

    Those on another dataset than the job's own are tables of its run, and replace none of its metrics.
    """
    place = workplace()
    job = records.find_job(place.catalog, place.settings.owner, held["job_id"])
    judge = judge_of(held["kind"])
    verdict = judge.verdict(place, evaluation, predicted, stressed)
    added = {**verdict.costs, **stressed["metrics"]}
    artifacts = {"evaluation": evaluation, "predictions": predicted["predictions"]}
    if predicted["ungraded"]:
        artifacts["ungraded"] = place.store.put_bytes(json.dumps(predicted["ungraded"]).encode())
    records.save_evaluation(
        place.catalog,
        job_id=job.id,
        dataset_id=held["dataset_id"],
        key=fingerprint([predicted, evaluation, stressed]),
        metrics={**verdict.figures, **added},
        artifacts=artifacts,
    )
    if job.mlflow_run_id:
        own = held["dataset_id"] == job.dataset_id
        if own:
            # The few that runs are compared by; all of them, with intervals, are in the tables.
            place.tracking.log_metrics(job.mlflow_run_id, {**verdict.compared, **added})
        for path, table in verdict.tables.items():
            folder, name = path.rsplit("/", 1)
            kept_at = path if own else f"{folder}/{held['dataset_id'][:8]}/{name}"
            place.tracking.log_table(job.mlflow_run_id, table, kept_at)
    return EvaluateOutcome(
        job_id=job.id,
        kind=held["kind"],
        evaluation=evaluation,
        predictions=predicted["predictions"],
        headline=verdict.headline,
        told=verdict.told,
        champion=False,
        promotion="",
        ungraded=predicted["ungraded"],
        costs=verdict.costs,
        stress=stressed["sentence"],
    )
