"""Jobs: requests to train, the runs that serve them, and their iterations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, select, update

from domain.errors import InputError
from domain.kinds import Kind
from infra.catalog import tables
from infra.catalog.connection import Catalog
from infra.catalog.types import named, now
from infra.catalog.writing import Query, add_missing, add_or_change

BROKEN_OFF = "broken off: "
"""With this begins the error of a job that failed by no fault of its own: a kill, a signal, a time limit."""


class JobState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Job:
    """A request to train. Texts that are not known yet are ""; `choice` says why others were passed over."""

    id: str
    owner: str
    key: str
    kind: Kind
    dataset_id: str
    requested_strategy: str
    strategy: str
    choice: Mapping[str, str]
    config: Mapping[str, Any]
    state: JobState
    flow_run_id: str
    mlflow_run_id: str
    model_name: str
    model_version: str
    checkpoint_key: str
    error: str
    created_at: datetime
    updated_at: datetime

    @property
    def broken_off(self) -> bool:
        return self.state is JobState.FAILED and self.error.startswith(BROKEN_OFF)


@dataclass(frozen=True)
class IterationRow:
    """`remedied`: a failure was answered with the strategy's remedy before the iteration succeeded."""

    iteration: int
    checkpoint_key: str
    metrics: Mapping[str, float | None]
    seconds: float
    remedied: bool = False


def begin_job(
    catalog: Catalog,
    *,
    owner: str,
    key: str,
    kind: Kind,
    dataset_id: str,
    requested_strategy: str,
    config: Mapping[str, Any],
) -> Job:
    """The job of that key, made if it is not there; `key` names the dataset and the configuration."""
    job_id, moment = named("job", owner, key), now()
    row = {
        "id": job_id, "owner": owner, "key": key, "kind": kind, "dataset_id": dataset_id,
        "requested_strategy": requested_strategy, "config": dict(config), "created_at": moment,
        "updated_at": moment,
    }  # fmt: skip
    with catalog.writing() as connection:
        add_missing(connection, tables.Job, [row])
        return _job(connection, job_id)


def update_job(
    catalog: Catalog,
    job_id: str,
    *,
    state: JobState | None = None,
    strategy: str | None = None,
    choice: Mapping[str, str] | None = None,
    config: Mapping[str, Any] | None = None,
    flow_run_id: str | None = None,
    model_name: str | None = None,
    model_version: str | None = None,
    checkpoint_key: str | None = None,
    error: str | None = None,
) -> Job:
    """The job after setting what is not None. `error=""` clears an error."""
    given = {
        "state": state, "strategy": strategy, "choice": choice, "config": config, "flow_run_id": flow_run_id,
        "model_name": model_name, "model_version": model_version, "checkpoint_key": checkpoint_key,
        "error": error,
    }  # fmt: skip
    changes = {name: value for name, value in given.items() if value is not None}
    with catalog.writing() as connection:
        _job(connection, job_id)
        query = update(tables.Job).where(tables.Job.id == job_id)
        connection.execute(query.values(**changes, updated_at=now()))
        return _job(connection, job_id)


def end_job(catalog: Catalog, job_id: str, state: JobState, error: str) -> bool:
    """Whether the job was running and now has ended so; one that has ended otherwise stays as it is."""
    j = tables.Job
    with catalog.writing() as connection:
        running = update(j).where(j.id == job_id, j.state == JobState.RUNNING)
        return bool(
            connection.execute(running.values(state=state, error=error[:2000], updated_at=now())).rowcount
        )


def settle_job(catalog: Catalog, job: Job, error: str) -> bool:
    """Marks a job failed whose process is gone, unless someone has taken it up again since `job` was read."""
    j = tables.Job
    unchanged = (j.id == job.id, j.state == JobState.RUNNING, j.updated_at == job.updated_at)
    with catalog.writing() as connection:
        change = (
            update(j)
            .where(*unchanged)
            .values(state=JobState.FAILED, error=f"{BROKEN_OFF}{error}", updated_at=now())
        )
        return bool(connection.execute(change).rowcount)


def claim_mlflow_run(catalog: Catalog, job_id: str, mlflow_run_id: str) -> str:
    """The job's MLflow run: `mlflow_run_id` unless another was claimed before, which then stands."""
    j = tables.Job
    with catalog.writing() as connection:
        claim = update(j).where(j.id == job_id, j.mlflow_run_id == "")
        connection.execute(claim.values(mlflow_run_id=mlflow_run_id, updated_at=now()))
        return _job(connection, job_id).mlflow_run_id


def rename_model(catalog: Catalog, owner: str, name: str, new_name: str) -> int:
    """Lets the owner's jobs know their model by its new name; how many there are."""
    j = tables.Job
    with catalog.writing() as connection:
        query = update(j).where(j.owner == owner, j.model_name == name)
        return connection.execute(query.values(model_name=new_name, updated_at=now())).rowcount


def jobs(
    catalog: Catalog, owner: str, *, states: Iterable[JobState] | None = None, limit: int = 50
) -> list[Job]:
    """The owner's jobs, newest first."""
    j = tables.Job
    query = _query().where(j.owner == owner).order_by(j.created_at.desc(), j.id).limit(limit)
    if states is not None:
        query = query.where(j.state.in_(list(states)))
    with catalog.reading() as connection:
        return [_to_job(row) for row in connection.execute(query)]


def find_job(catalog: Catalog, owner: str, which: str = "latest") -> Job:
    """The job whose id begins with `which`, or the latest. Raises InputError that says what there is."""
    known = jobs(catalog, owner, limit=10_000)
    found = known[:1] if which == "latest" else [job for job in known if which and job.id.startswith(which)]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(f"{len(found)} jobs begin with {which!r}: give more of the id")
    listed = ", ".join(job.id[:8] for job in known[:5]) or "none: run `trainyard train`"
    raise InputError(f"There is no job {which!r}. The latest are: {listed}")


def _query() -> Query:
    columns = tables.Job.__table__.columns
    return select(*(columns[name] for name in Job.__dataclass_fields__))


def _job(connection: Connection, job_id: str) -> Job:
    row = connection.execute(_query().where(tables.Job.id == job_id)).one_or_none()
    if row is None:
        raise InputError(f"There is no job {job_id}: `trainyard runs` lists those there are")
    return _to_job(row)


def _to_job(row: Any) -> Job:
    return Job(**{**row._mapping, "kind": Kind(row.kind), "state": JobState(row.state)})


def record_iteration(catalog: Catalog, job_id: str, row: IterationRow) -> None:
    """Keeps an iteration; one of the same number is replaced, since a remedy may repeat it."""
    values = {
        "job_id": job_id, "iteration": row.iteration, "checkpoint_key": row.checkpoint_key,
        "metrics": dict(row.metrics), "seconds": row.seconds, "remedied": row.remedied, "created_at": now(),
    }  # fmt: skip
    change = ("checkpoint_key", "metrics", "seconds", "remedied")
    with catalog.writing() as connection:
        add_or_change(connection, tables.Iteration, [values], change=change)


def iterations(catalog: Catalog, job_id: str) -> list[IterationRow]:
    """A job's iterations in order. A metric that was not a number is None."""
    i = tables.Iteration
    query = select(i.iteration, i.checkpoint_key, i.metrics, i.seconds, i.remedied)
    with catalog.reading() as connection:
        found = connection.execute(query.where(i.job_id == job_id).order_by(i.iteration))
        return [IterationRow(*row) for row in found]
