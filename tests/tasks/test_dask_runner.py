"""Which task runner the settings give."""

from __future__ import annotations

from pathlib import Path

import pytest
from prefect.task_runners import ThreadPoolTaskRunner
from prefect_dask.task_runners import DaskTaskRunner

from domain.errors import SettingError
from infra.settings import load_settings
from tasks.dask_runner import need_server
from tasks.policy import task_runner


def test_threads_unless_dask_is_asked_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(task_runner(), ThreadPoolTaskRunner)
    monkeypatch.setenv("TRAINYARD_TASK_RUNNER", "dask")
    monkeypatch.setenv("TRAINYARD_DASK_SCHEDULER", "tls://scheduler:8786")
    runner = task_runner()
    assert isinstance(runner, DaskTaskRunner)
    assert runner.address == "tls://scheduler:8786"


def test_dask_asks_for_a_server_that_its_workers_reach(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    need_server()
    monkeypatch.setenv("TRAINYARD_TASK_RUNNER", "dask")
    with pytest.raises(SettingError, match="start `trainyard up`"):
        need_server()
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    need_server()


def test_a_schedulers_address_without_a_protocol_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINYARD_DASK_SCHEDULER", "scheduler:8786")
    with pytest.raises(SettingError, match="tls://host:8786"):
        load_settings()
