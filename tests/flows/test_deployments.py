"""`trainyard up` with every flow deployed: a run asked for on the server is done by the worker."""

from __future__ import annotations

import importlib
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml
from mlflow.tracking import MlflowClient

from infra import catalog as records
from infra.catalog import Catalog, JobState
from tests.flows.conftest import CommandLine, free_port

ROOT = Path(__file__).parents[2]


def deployed_names() -> set[str]:
    described = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    return {f"{d['entrypoint'].rpartition('.')[2]}/{d['name']}" for d in described}


def test_every_flow_is_in_prefect_yaml_by_module_path() -> None:
    described = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    flows = {path.stem for path in (ROOT / "flows").glob("*.py")} - {"__init__", "__main__", "terminal"}
    assert {d["name"] for d in described} == flows
    assert all(d["entrypoint"] == f"flows.{d['name']}.{d['name']}" for d in described)


def test_every_field_of_a_deployments_form_is_flat_and_described() -> None:
    for described in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]:
        module, _, name = described["entrypoint"].rpartition(".")
        form = getattr(importlib.import_module(module), name).parameters
        for parameter, field in form.properties.items():
            told = described["name"], parameter, field
            assert field.get("description"), told
            assert (
                field.get("type") in ("string", "integer", "number", "boolean", "array") or "$ref" in field
            ), told


@pytest.mark.timeout(900)
def test_a_deployed_flow_runs_on_the_worker_of_trainyard_up_and_ends_when_it_is_cancelled_there(
    tmp_path: Path, class_set: Path, wait_for: Callable[[Callable[[], Any], float], Any]
) -> None:
    ports = {"TRAINYARD_PREFECT_PORT": str(free_port()), "TRAINYARD_MLFLOW_PORT": str(free_port())}
    trainyard = CommandLine(tmp_path / "home", ports)
    up = trainyard.start("up")
    try:
        said = ""
        assert up.stderr
        while "Ctrl-C" not in said:
            line = up.stderr.readline()
            assert line, said
            said += line
        api = f"http://127.0.0.1:{ports['TRAINYARD_PREFECT_PORT']}/api"
        assert set(deployments(api)) == deployed_names()
        trainyard.run("deploy")
        assert set(deployments(api)) == deployed_names(), "deploying again doubles nothing"
        material = {"guides": str(class_set / "guides"), "submissions": str(class_set / "papers")}
        prepared = asked_for(api, "prepare", material)
        wait_for(lambda: state_of(api, prepared) == "COMPLETED", 120)
        with Catalog.open(trainyard.catalog_url) as catalog:
            (dataset,) = records.datasets(catalog, "local")
            assert dataset.n_answers == 60
            long = ["iterations=2", "steps=10000", "rounds=1000"]
            training = asked_for(api, "train", {"strategy": "native", "hyperparameters": long})
            # The new dataset is trained on by itself too: that job is another one.
            mine = lambda: [j for j in records.jobs(catalog, "local") if j.flow_run_id == training]  # noqa: E731
            wait_for(lambda: any(job.mlflow_run_id for job in mine()), 120)
            _post(f"{api}/flow_runs/{training}/set_state", {"state": {"type": "CANCELLING"}})
            wait_for(lambda: state_of(api, training) == "CANCELLED", 60)
            (job,) = mine()
            assert job.state is JobState.CANCELLED
        store = MlflowClient(f"sqlite:///{trainyard.home}/mlflow.db")
        assert store.get_run(job.mlflow_run_id).info.status == "KILLED"
        family = psutil.Process(up.pid).children(recursive=True)
        assert len(family) >= 3
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(60)
    time.sleep(1)
    assert [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []


def deployments(api: str) -> dict[str, str]:
    """flow/deployment → id"""
    flows = {f["id"]: f["name"] for f in _post(f"{api}/flows/filter")}
    return {f"{flows[d['flow_id']]}/{d['name']}": d["id"] for d in _post(f"{api}/deployments/filter")}


def asked_for(api: str, name: str, parameters: dict[str, Any]) -> str:
    """The id of a new run of that deployment."""
    deployment = deployments(api)[f"{name}/{name}"]
    body = {"parameters": parameters}
    return str(_post(f"{api}/deployments/{deployment}/create_flow_run", body)["id"])


def state_of(api: str, flow_run: str) -> str:
    return str(httpx.get(f"{api}/flow_runs/{flow_run}").json()["state"]["type"])


def _post(address: str, body: dict[str, Any] | None = None) -> Any:
    api = address.rpartition("/api/")[0] + "/api"
    token = httpx.get(f"{api}/csrf-token", params={"client": "test"}).json()["token"]
    headers = {"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": "test"}
    return httpx.post(address, json=body or {}, headers=headers).raise_for_status().json()
