"""Settling what a killed worker, server or database left undone: jobs, MLflow runs and flow runs.

Only what is shown to be dead is touched: its process is gone from this machine, or Prefect has ended its
flow run. What nothing is known of is left alone and said.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any, TypedDict

from prefect import task
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed

from infra import catalog as records
from infra.catalog import Job, JobState
from infra.lives import Life, forget, life_of, life_of_flow_run, signed
from infra.unsent import forget_unsent, unsent
from tasks.policy import RETRIED
from tasks.telling import ENDED, opened_run, tell_all
from tasks.unbegun import is_unbegun, settle_unbegun
from tasks.workplace import Workplace, workplace

log = logging.getLogger(__name__)

_UNENDED = FlowRunFilter.model_validate({"state": {"type": {"any_": ["RUNNING", "CANCELLING", "PENDING"]}}})
_GONE = "its process was killed: run the same command again, and it is resumed"
_PAGE = 200


class Settled(TypedDict):
    """`settled` are {"what", "id", "now", "why"}; `left` are {"what", "id", "why"} that may be alive."""

    settled: list[dict[str, str]]
    left: list[dict[str, str]]


@task(task_run_name="settle", **RETRIED)
def settle_all() -> Settled:
    """Settles everything that is shown to be dead. Doing it again finds nothing more to do."""
    place = workplace()
    told = Settled(settled=[], left=[])
    with get_client(sync_client=True) as client:
        _settle_flow_runs(client, told)
        _settle_jobs(place, client, told)
        _send_figures(place, client, told)
        _settle_mlflow(place, client, told)
    log.info("settled %d, left %d that may be alive", len(told["settled"]), len(told["left"]))
    return told


def _settle_flow_runs(client: SyncPrefectClient, told: Settled) -> None:
    unended: list[FlowRun] = []
    while len(page := client.read_flow_runs(flow_run_filter=_UNENDED, limit=_PAGE, offset=len(unended))):
        unended += page
    for run in unended:
        life = _life_of(client, run)
        if is_unbegun(run):
            _settle_claim(client, run, life, told)
        elif life is Life.DEAD:
            client.set_flow_run_state(run.id, Crashed(message=_GONE), force=True)
            told["settled"].append(_row("flow run", str(run.id), f"crashed ({run.name})", _GONE))
        elif life is Life.UNKNOWN:
            why = f"{run.name} may run on another machine: Prefect's heartbeats tell"
            told["left"].append({"what": "flow run", "id": str(run.id), "why": why})


def _settle_claim(client: SyncPrefectClient, run: FlowRun, life: Life, told: Settled) -> None:
    if (found := settle_unbegun(client, run, life, datetime.now(UTC))) is None:
        return
    now, why = found
    if now:
        told["settled"].append(_row("flow run", str(run.id), f"{now} ({run.name})", why))
    else:
        told["left"].append({"what": "flow run", "id": str(run.id), "why": why})


def _life_of(client: SyncPrefectClient, run: FlowRun) -> Life:
    life = life_of_flow_run(str(run.id), list(run.tags), run.infrastructure_pid or "")
    if life is Life.UNKNOWN:
        # A worker notes a process's number and no machine; the process signs for its flow run itself.
        life = life_of(workplace().settings.home, str(run.id))
    if life is not Life.UNKNOWN or run.parent_task_run_id is None:
        return life
    # A subflow runs in its parent's process, and only the parent's is known by its worker.
    parent = client.read_task_run(run.parent_task_run_id).flow_run_id
    return life if parent is None else _life_of(client, client.read_flow_run(parent))


def _settle_jobs(place: Workplace, client: SyncPrefectClient, told: Settled) -> None:
    jobs = records.jobs(place.catalog, place.settings.owner, states=[JobState.RUNNING], limit=10_000)
    for job in jobs:
        life, why = _life_of_job(place, client, job)
        if life is Life.DEAD and records.settle_job(place.catalog, job, why):
            told["settled"].append(_row("job", job.id, JobState.FAILED.value, why))
        elif life is Life.UNKNOWN:
            told["left"].append({"what": "job", "id": job.id, "why": why})


def _life_of_job(place: Workplace, client: SyncPrefectClient, job: Job) -> tuple[Life, str]:
    """By its process, else by its flow run, which is dead where Prefect has ended it."""
    life = life_of(place.settings.home, job.id)
    if life is not Life.UNKNOWN:
        return life, _GONE
    try:
        run = client.read_flow_run(_uuid(job.flow_run_id))
    except (ObjectNotFound, ValueError):
        return Life.UNKNOWN, "neither a process of this machine nor a flow run of this server is known for it"
    if run.state is not None and run.state.is_final():
        return Life.DEAD, f"its flow run {run.name} is {run.state.name}"
    return _life_of(client, run), f"its flow run {run.name} may run on another machine"


def _send_figures(place: Workplace, client: SyncPrefectClient, told: Settled) -> None:
    """Of jobs that ended while MLflow was away; one that lives sends its own."""
    known = {job.id: job for job in records.jobs(place.catalog, place.settings.owner, limit=10_000)}
    for job_id in unsent(place.settings.home):
        job = known.get(job_id)
        if job is None:
            forget_unsent(place.settings.home, job_id)
        elif job.state in ENDED and _life_of_job(place, client, job)[0] is not Life.ALIVE:
            run_id = opened_run(place, job, job.flow_run_id)
            tell_all(place, records.find_job(place.catalog, place.settings.owner, job.id))
            place.tracking.end(run_id, ENDED[job.state])
            told["settled"].append(_row("figures", job.id, "sent", "MLflow was away when they came"))


def _settle_mlflow(place: Workplace, client: SyncPrefectClient, told: Settled) -> None:
    known = {job.id: job for job in records.jobs(place.catalog, place.settings.owner, limit=10_000)}
    for run_id, job_id in place.tracking.running_runs().items():
        job = known.get(job_id)
        if job is None or job.state not in ENDED:
            continue
        if _life_of_job(place, client, job)[0] is not Life.DEAD:
            continue
        # A run that lost the race for its job holds nothing of it.
        status = ENDED[job.state] if job.mlflow_run_id == run_id else "KILLED"
        for ended in place.tracking.settle([run_id], status):
            told["settled"].append(
                _row("MLflow run", ended, status, f"job {job.id[:8]} is {job.state.value}")
            )
    # All that they signed for has ended by now.
    for name in signed(place.settings.home):
        if life_of(place.settings.home, name) is Life.DEAD:
            forget(place.settings.home, name)


def _row(what: str, name: str, now: str, why: str) -> dict[str, str]:
    return {"what": what, "id": name, "now": now, "why": why}


def _uuid(text: str) -> Any:
    from uuid import UUID

    return UUID(text)
