"""`trainyard up` with every flow deployed: a run asked for on the server is done by the worker."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml

from infra import catalog as records
from infra.catalog import Catalog
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


def test_a_deployed_flow_runs_on_the_worker_of_trainyard_up(
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
        prepare = deployments(api)["prepare/prepare"]
        token = httpx.get(f"{api}/csrf-token", params={"client": "test"}).json()["token"]
        made = httpx.post(
            f"{api}/deployments/{prepare}/create_flow_run",
            json={
                "parameters": {
                    "guides": str(class_set / "guides"),
                    "submissions": str(class_set / "papers"),
                }
            },
            headers={"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": "test"},
        ).raise_for_status()
        address = f"{api}/flow_runs/{made.json()['id']}"
        wait_for(lambda: httpx.get(address).json()["state"]["type"] == "COMPLETED", 120)
        with Catalog.open(trainyard.catalog_url) as catalog:
            (dataset,) = records.datasets(catalog, "local")
            assert dataset.n_answers == 60
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


def _post(address: str) -> list[dict[str, Any]]:
    api = address.rpartition("/api/")[0] + "/api"
    token = httpx.get(f"{api}/csrf-token", params={"client": "test"}).json()["token"]
    headers = {"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": "test"}
    return list(httpx.post(address, json={}, headers=headers).raise_for_status().json())
