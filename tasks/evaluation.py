"""Judging a registered model on what it never saw: predictions, stress, figures, and who is champion."""

from __future__ import annotations

import json
import logging
from typing import Any

from prefect import task

from domain.identity import fingerprint
from infra import catalog as records
from infra.catalog import Job
from infra.model_registry import ModelRegistry, ModelVersion
from tasks.judges import Judge, judge_of
from tasks.outcome import EvaluateOutcome, HeldOut, Predicted, Stressed
from tasks.policy import KEPT, RETRIED, keyed_by
from tasks.workplace import Workplace, workplace

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
    """Catalog and MLflow learn the figures; the model becomes champion where it may."""
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
        dataset_id=job.dataset_id,
        key=fingerprint([predicted, evaluation, stressed]),
        metrics={**verdict.figures, **added},
        artifacts=artifacts,
    )
    champion = False
    if job.mlflow_run_id:
        # The few that runs are compared by; all of them, with intervals, are in the tables.
        place.tracking.log_metrics(job.mlflow_run_id, {**verdict.compared, **added})
        for path, table in verdict.tables.items():
            place.tracking.log_table(job.mlflow_run_id, table, path)
        champion = _promoted(place, job, judge)
    return EvaluateOutcome(
        job_id=job.id,
        kind=held["kind"],
        evaluation=evaluation,
        predictions=predicted["predictions"],
        headline=verdict.headline,
        told=verdict.told,
        champion=champion,
        ungraded=predicted["ungraded"],
        costs=verdict.costs,
        stress=stressed["sentence"],
    )


def _promoted(place: Workplace, job: Job, judge: Judge) -> bool:
    """Whether the job's model is champion now: the first version is, and one that measures better.

    Better means a higher deciding figure on the same dataset; a version trained on another dataset is a
    challenger until someone compares the two on the same test.
    """
    registry = ModelRegistry(place.tracking)
    name = job.model_name
    champion = registry.champion(name)
    mine = next(v for v in registry.versions(name) if str(v.version) == job.model_version)
    if champion is not None and champion.version != mine.version and not _better(mine, champion, judge):
        return False
    if champion is None or champion.version != mine.version:
        registry.promote(name, mine.version)
    return True


def _better(mine: ModelVersion, champion: ModelVersion, judge: Judge) -> bool:
    same = mine.tags.get("dataset_fingerprint") == champion.tags.get("dataset_fingerprint")
    return same and mine.metrics.get(judge.deciding, -1.0) > champion.metrics.get(judge.deciding, -1.0)
