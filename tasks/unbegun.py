"""Flow runs that a worker claimed and never began: it was killed before their process was there.

Prefect leaves such a run PENDING for ever, and a restarted worker passes it over (its issues 18933, 20485 and
22664 are open). It is asked for once more; one that is lost a second time has crashed.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import ObjectNotFound
from prefect.states import Crashed, Scheduled

from infra.lives import Life, is_executed_here

_OURS = "flows."
_PROCESS = "process"
SLOW_START = {_PROCESS: timedelta(minutes=5)}
"""By a work pool's type: longer than a start takes on a machine that is busy."""
SLOWEST_START = timedelta(minutes=30)
"""Of all other types: images are pulled, nodes are waited for."""
_TOLD = timedelta(minutes=1)
"""Within which a worker that lives tells of a process that has died."""
_ONCE_MORE = "a worker claimed it and was gone before it began: it is asked for once more"
_LOST_TWICE = "two workers claimed it, and it never began: see their logs"


def is_unbegun(run: FlowRun) -> bool:
    """Whether a worker has claimed it, and it has not said that it runs."""
    return run.deployment_id is not None and run.state is not None and run.state.is_pending()


def settle_unbegun(
    client: SyncPrefectClient, run: FlowRun, life: Life, now: datetime
) -> tuple[str, str] | None:
    """(its new state, why) where it was lost; ("", why) where it may yet come; None if nothing is wrong.

    `life` is that of the process which signed for it. Other people's deployments are nobody's business here.
    """
    if life is Life.ALIVE or is_executed_here(str(run.id)) or not _is_ours(client, run):
        return None
    pool = _pool_type(client, run)
    waited = now - _since(run)
    if waited < (_TOLD if life is Life.DEAD else SLOW_START.get(pool, SLOWEST_START)):
        return None
    if life is not Life.DEAD and pool != _PROCESS and run.infrastructure_pid:
        # What was made for it starts by itself, worker or no worker.
        return "", f"{run.name} has been starting in a work pool of type {pool} for {_minutes(waited)}"
    return _moved(client, run)


def _moved(client: SyncPrefectClient, run: FlowRun) -> tuple[str, str] | None:
    states = client.read_flow_run_states(run.id)
    lost_before = any(state.message == _ONCE_MORE for state in states)
    after: State[None] = Crashed(message=_LOST_TWICE) if lost_before else Scheduled(message=_ONCE_MORE)
    now = client.read_flow_run(run.id)
    if not is_unbegun(now):
        # It has begun while it was looked at.
        return None
    # What it was known by is gone, and the next claim is not to be taken for that one.
    client.update_flow_run(run.id, infrastructure_pid="")
    client.set_flow_run_state(run.id, after, force=True)
    return ("crashed", _LOST_TWICE) if lost_before else ("scheduled", _ONCE_MORE)


def _is_ours(client: SyncPrefectClient, run: FlowRun) -> bool:
    assert run.deployment_id is not None  # of an unbegun one
    try:
        return (client.read_deployment(run.deployment_id).entrypoint or "").startswith(_OURS)
    except ObjectNotFound:
        return False


def _pool_type(client: SyncPrefectClient, run: FlowRun) -> str:
    if not run.work_pool_name:
        return ""
    try:
        return client.read_work_pool(run.work_pool_name).type
    except ObjectNotFound:
        return ""


def _since(run: FlowRun) -> datetime:
    assert run.state is not None
    return run.state.timestamp or datetime.now(UTC)


def _minutes(time: timedelta) -> str:
    return f"{time.total_seconds() / 60:.0f} minutes"
