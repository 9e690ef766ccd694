"""A job's MLflow run: opened or reopened, filled, linked both ways with its flow run, and ended."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, TypedDict

from prefect import task
from prefect.artifacts import create_link_artifact

import domain
import strategies
from domain.errors import InputError, OutsideError
from domain.identity import fingerprint
from domain.kinds import Kind
from infra import catalog as records
from infra.catalog import Job, JobState
from infra.model_registry import CONTENT_TAG, ModelCode, ModelRegistry
from infra.system_metrics import unwatch, watch
from infra.tracking import EndStatus
from strategies.base import Checkpoint
from strategies.registry import strategy
from tasks.choice import training_data
from tasks.job_logs import log_for
from tasks.judges import judge_of
from tasks.links import mlflow_run_url
from tasks.outcome import Recipe, Registered
from tasks.policy import KEPT, PATIENT, RETRIED, keyed_by
from tasks.stopping import end_as_cancelled, heeding
from tasks.telling import Trained, opened_run, tell_all, tell_iteration, tell_later
from tasks.workplace import Workplace, workplace

log = logging.getLogger(__name__)


class Finished(TypedDict):
    """A trained model. `files` maps names to keys of the store; `content` is its identity."""

    files: dict[str, str]
    card: dict[str, Any]
    hyperparameters: dict[str, Any]
    content: str


class TrainedModelFacts(TypedDict):
    """A finished job's model; `content` is the identity of its files."""

    job_id: str
    kind: str
    dataset_id: str
    uri: str
    content: str


@task(task_run_name="open MLflow run", **PATIENT)
def open_run(job_id: str, flow_run_id: str, required: bool = False) -> str:
    """The id of the job's MLflow run, RUNNING from now on; a resumed job reopens its own.

    "" where MLflow does not answer and the run is not `required` yet: a training does without.
    """
    place = workplace()
    job = records.find_job(place.catalog, place.settings.owner, job_id)
    try:
        run_id = opened_run(place, job, flow_run_id)
        url = mlflow_run_url(place, run_id)
    except OutsideError as away:
        if required:
            raise
        tell_later(place, job, away)
        return ""
    log_for(place, records.find_job(place.catalog, place.settings.owner, job.id))
    watch(place.settings.mlflow_tracking_uri, run_id)
    create_link_artifact(url, link_text=f"MLflow run of job {job.id[:8]}", key=f"mlflow-run-{job.id[:8]}")
    return run_id


@task(
    task_run_name="finish model ({recipe[strategy]})",
    cache_key_fn=keyed_by("dataset_fingerprint", "recipe", "checkpoint", "promise"),
    **KEPT,
)
def finish_model(
    job_id: str,
    dataset_fingerprint: str,  # noqa: ARG001 - part of the cache key
    recipe: Recipe,
    checkpoint: str,
    promise: list[float],  # noqa: ARG001 - part of the cache key
) -> Finished:
    """The calibrated model of the best iteration, its files in the store."""
    place = workplace()
    job = records.find_job(place.catalog, place.settings.owner, job_id)
    trainer = strategy(Kind(job.kind), recipe["strategy"])
    last = Checkpoint.from_file(place.store.local_path(checkpoint))
    with heeding(job) as data:
        model = trainer.finish(last, data)
    files = {name: place.store.put_bytes(content) for name, content in sorted(model.files.items())}
    return Finished(
        files=files,
        card=dict(model.card),
        hyperparameters=dict(model.hyperparameters),
        content=fingerprint([files, dict(model.card)]),
    )


@task(task_run_name="register model", **PATIENT)
def register_model(job_id: str, iterations: list[Trained], finished: Finished) -> Registered:
    """The model as a version in MLflow (the same content is the same version), the job marked finished."""
    place = workplace()
    job = records.find_job(place.catalog, place.settings.owner, job_id)
    dataset = records.dataset(place.catalog, place.settings.owner, job.dataset_id)
    # Iterations that an earlier flow run finished came from the cache and told this run nothing.
    for trained in iterations:
        tell_iteration(place, job, trained)
    tell_all(place, job)
    assert job.mlflow_run_id, "open_run comes before register_model"
    final = {**finished["hyperparameters"], "iterations": job.config["iterations"]}
    place.tracking.log_params(job.mlflow_run_id, final)
    registry = ModelRegistry(place.tracking)
    judge = judge_of(job.kind)
    version = registry.register(
        job.mlflow_run_id,
        {name: place.store.get_bytes(key) for name, key in finished["files"].items()},
        finished["card"],
        name=place.model_name(Kind(job.kind), dataset.name),
        form=judge.form,
        code=model_code(judge.entry),
        tags={
            "job_id": job.id,
            "kind": job.kind.value,
            "strategy": job.strategy,
            "dataset_fingerprint": dataset.fingerprint,
        },
        example=judge.example(training_data(job.dataset_id)),
    )
    registry.promote(version.name, version.version, alias="newest")
    records.update_job(
        place.catalog,
        job.id,
        state=JobState.FINISHED,
        config=final,
        model_name=version.name,
        model_version=str(version.version),
        checkpoint_key=iterations[-1]["checkpoint"] if iterations else None,
    )
    log.info("model %s version %d", version.name, version.version)
    return Registered(model_name=version.name, version=version.version, uri=version.uri)


@task(task_run_name="find model of {which}", **RETRIED)
def trained_model(which: str) -> TrainedModelFacts:
    """The model of a job, by its id, its id's beginning or "latest". Raises InputError if unfinished."""
    place = workplace()
    job = records.find_job(place.catalog, place.settings.owner, which)
    if not job.model_name or job.model_version is None:
        raise InputError(
            f"job {job.id[:8]} is {job.state.value} and has no model yet: run trainyard train again"
        )
    log_for(place, job)
    versions = ModelRegistry(place.tracking).versions(job.model_name)
    found = next((v for v in versions if str(v.version) == job.model_version), None)
    if found is None:
        raise InputError(
            f"MLflow has no version {job.model_version} of {job.model_name}: run trainyard train again"
        )
    return TrainedModelFacts(
        job_id=job.id,
        kind=job.kind.value,
        dataset_id=job.dataset_id,
        uri=found.uri,
        content=found.tags[CONTENT_TAG],
    )


def model_code(entry: str) -> ModelCode:
    """The code that a registered model carries with it; `entry` is a file beside this one."""
    return ModelCode(
        # Named, not imported: it imports MLflow, which takes a second.
        entry=Path(__file__).with_name(entry),
        packages=(Path(domain.__file__).parent, Path(strategies.__file__).parent),
    )


@task(task_run_name="abandon job", **RETRIED)
def abandon_job(job_id: str, reason: str) -> None:
    """Ends a job that another takes over from, and its MLflow run, as failed."""
    place = workplace()
    job = records.find_job(place.catalog, place.settings.owner, job_id)
    records.update_job(place.catalog, job.id, state=JobState.FAILED, error=reason[:2000])
    if job.mlflow_run_id:
        place.tracking.end(job.mlflow_run_id, "FAILED")
    log.warning("job %s given up: %s", job.id[:8], reason)


def end_run(flow: Any, flow_run: Any, state: Any) -> None:
    """State hook of the train flow: its job and the job's MLflow run end as the flow run did.

    What ended because it was asked to has told of it itself; a worker that had to kill it tells here.
    """
    place = workplace()
    job = _job_of(place, str(flow_run.id))
    if job is None:
        return
    end_as_cancelled(flow, flow_run, state)
    if state.type.value != "COMPLETED" and job.state is not JobState.RUNNING:
        return
    asked = state.type.value in ("CANCELLED", "CANCELLING")
    killed = asked or state.type.value == "CRASHED"
    if state.type.value != "COMPLETED":
        ended = JobState.CANCELLED if asked else JobState.FAILED
        records.end_job(place.catalog, job.id, ended, str(state.message or ""))
    if job.mlflow_run_id:
        unwatch(job.mlflow_run_id)
        status: EndStatus = "KILLED" if killed else "FAILED"
        place.tracking.end(job.mlflow_run_id, "FINISHED" if state.type.value == "COMPLETED" else status)


def _job_of(place: Workplace, flow_run_id: str) -> Job | None:
    found = records.jobs(place.catalog, place.settings.owner, limit=10_000)
    mine = [job for job in found if job.flow_run_id == flow_run_id]
    # One that was abandoned has ended already: the one that took over is meant.
    return next((job for job in mine if job.state is not JobState.FAILED), mine[0] if mine else None)
