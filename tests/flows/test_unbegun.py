"""Flow runs that a worker claimed and never began: asked for once more, unless they may yet come."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun
from prefect.states import Pending, Running

from infra.lives import Life
from tasks.unbegun import settle_unbegun


@pytest.fixture(scope="module")
def client(prefect_api: str) -> Iterator[SyncPrefectClient]:
    with SyncPrefectClient(prefect_api) as made:
        for kind in ("process", "kubernetes"):
            made.create_work_pool(WorkPoolCreate(name=f"unbegun-{kind}", type=kind), overwrite=True)
        yield made


def claimed(
    client: SyncPrefectClient, kind: str = "process", entrypoint: str = "flows.settle.settle"
) -> FlowRun:
    """What a worker has taken from its pool, and not started yet."""
    flow = client.create_flow_from_name("settle")
    deployment = client.create_deployment(
        flow, uuid.uuid4().hex, work_pool_name=f"unbegun-{kind}", entrypoint=entrypoint
    )
    run = client.create_flow_run_from_deployment(deployment)
    client.set_flow_run_state(run.id, Pending())
    return client.read_flow_run(run.id)


def settled(
    client: SyncPrefectClient, run: FlowRun, minutes: int, life: Life = Life.UNKNOWN
) -> tuple[str, str | None]:
    """(its state's type afterwards, what was made of it), so many minutes after the claim."""
    found = settle_unbegun(client, run, life, datetime.now(UTC) + timedelta(minutes=minutes))
    after = client.read_flow_run(run.id)
    assert after.state
    return after.state.type.value, found and found[0]


def offered(client: SyncPrefectClient, run: FlowRun) -> bool:
    """Whether a worker of its pool would find it now."""
    assert run.work_pool_name
    found = client.get_scheduled_flow_runs_for_work_pool(
        run.work_pool_name, scheduled_before=datetime.now(UTC)
    )
    return run.id in [one.flow_run.id for one in found]


def test_a_run_that_was_claimed_and_not_begun_is_offered_once_more_and_then_has_crashed(
    client: SyncPrefectClient,
) -> None:
    run = claimed(client)
    assert not offered(client, run)
    assert settled(client, run, minutes=6) == ("SCHEDULED", "scheduled")
    assert offered(client, run)
    client.set_flow_run_state(run.id, Pending())
    assert settled(client, client.read_flow_run(run.id), minutes=6) == ("CRASHED", "crashed")


def test_a_run_whose_process_died_before_it_began_need_not_grow_old(client: SyncPrefectClient) -> None:
    run = claimed(client)
    # Its worker is about to tell of it.
    assert settled(client, run, minutes=0, life=Life.DEAD) == ("PENDING", None)
    assert settled(client, run, minutes=2, life=Life.DEAD) == ("SCHEDULED", "scheduled")


def test_a_slow_start_is_left_alone(client: SyncPrefectClient) -> None:
    assert settled(client, claimed(client), minutes=4) == ("PENDING", None)
    pod = claimed(client, "kubernetes")
    assert settled(client, pod, minutes=25) == ("PENDING", None)
    # A pod that is there comes, when its node does.
    client.update_flow_run(pod.id, infrastructure_pid="cluster:job")
    assert settled(client, client.read_flow_run(pod.id), minutes=300) == ("PENDING", "")
    assert settled(client, claimed(client, "kubernetes"), minutes=31) == ("SCHEDULED", "scheduled")


def test_a_run_that_lives_has_begun_or_is_not_ours_is_left_alone(client: SyncPrefectClient) -> None:
    assert settled(client, claimed(client), minutes=60, life=Life.ALIVE) == ("PENDING", None)
    others = claimed(client, entrypoint="elsewhere.py:flow")
    assert settled(client, others, minutes=60) == ("PENDING", None)
    begun = claimed(client)
    client.set_flow_run_state(begun.id, Running())
    assert settled(client, begun, minutes=60) == ("RUNNING", None)
    starting = claimed(client)
    process = subprocess.Popen(
        [sys.executable, "-c", "input()"],
        stdin=subprocess.PIPE,
        env={**os.environ, "PREFECT__FLOW_RUN_ID": str(starting.id)},
    )
    try:
        assert settled(client, starting, minutes=60) == ("PENDING", None)
    finally:
        process.communicate()
