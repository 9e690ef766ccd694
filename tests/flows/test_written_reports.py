"""Reports with a text by a language model, through the command line, against a server of our own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from infra.llm_simulator.responders.report_text import slipping
from tests.flows.conftest import CommandLine
from tests.llm_server import running_simulator

KEY = "sk-marked-report-5b1e8f-do-not-tell"
PRICES = """
[[model]]
provider = "compatible"
model = "simulated-*"
input = 0.5
output = 2.0
source = "made up"
as_of = 2026-11-20
"""


def environment(base_url: str, folder: Path) -> dict[str, str]:
    prices = folder / "prices.toml"
    prices.write_text(PRICES)
    return {
        "TRAINYARD_LLM_BASE_URL": base_url,
        "TRAINYARD_LLM_API_KEY": KEY,
        "TRAINYARD_LLM_MODELS": "compatible:simulated-1",
        "TRAINYARD_LLM_PRICE_FILE": str(prices),
    }


@pytest.fixture(scope="module")
def graded(
    tmp_path_factory: pytest.TempPathFactory, prefect_api: str, class_set: Path
) -> tuple[CommandLine, Any]:
    """A class set graded by a native model, where no language model is set up."""
    trainyard = CommandLine(
        tmp_path_factory.mktemp("written") / "home", {"TRAINYARD_PREFECT_API_URL": prefect_api}
    )
    material = ["--guides", class_set / "guides", "--submissions", class_set / "papers"]
    outcome = trainyard.json(
        "pipeline", *material, "--dataset", "plants", "--strategy", "native", "--set", "iterations=2"
    )
    return trainyard, outcome


@pytest.fixture
def simulator() -> Iterator[Any]:
    with running_simulator(responders={"report_text": slipping("invented", corrects=False)}) as server:
        yield server


def described(outcome: Any) -> Any:
    return json.loads((Path(outcome["folder"]) / "report.json").read_text())


def test_a_job_that_asks_no_model_gets_no_text_unless_asked_for(
    graded: tuple[CommandLine, Any], simulator: Any, tmp_path: Path
) -> None:
    trainyard, first = graded
    assert described(first["report"])["written"] is None
    again = trainyard.json("report", **environment(simulator.base_url, tmp_path))
    assert described(again)["written"] is None
    assert simulator.counts()["received"] == 0


def test_a_text_is_written_checked_and_paid_for_once(
    graded: tuple[CommandLine, Any], simulator: Any, tmp_path: Path
) -> None:
    trainyard, first = graded
    always = {**environment(simulator.base_url, tmp_path), "TRAINYARD_WRITTEN_REPORT": "always"}
    done = trainyard.run("report", "--json", **always)
    outcome = json.loads(done.stdout)
    told = described(outcome)
    qwk = first["evaluate"]["headline"]["qwk"][0]
    assert f"{qwk:.2f} (95% interval" in told["written"]["summary"][0]
    (dropped,) = told["written"]["dropped"]
    assert f"{qwk + 0.05:.2f}" in dropped["sentence"]
    (use,) = [one for one in told["language_models"]["uses"] if one["purpose"] == "write report"]
    assert (use["n_calls"], use["n_unpriced"]) == (2, 0)
    assert use["cost_usd"] > 0
    html = Path(outcome["html"]).read_text()
    assert "1 sentence was dropped" in html
    assert f"{qwk + 0.05:.2f} [qwk]" not in html
    _in_mlflow(trainyard.home, use["cost_usd"])

    asked = simulator.counts()["received"]
    written = Path(outcome["html"]).read_bytes()
    trainyard.run("report", **always)
    assert simulator.counts()["received"] == asked
    assert Path(outcome["html"]).read_bytes() == written
    for path in trainyard.home.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path
    assert KEY not in done.stdout + done.stderr


def _in_mlflow(home: Path, cost_usd: float) -> None:
    client = MlflowClient(f"sqlite:///{home}/mlflow.db")
    (run,) = client.search_runs([e.experiment_id for e in client.search_experiments()])
    assert run.data.metrics["job.cost_usd"] >= cost_usd
    assert run.data.metrics["job.n_tokens"] > 1000


def test_a_model_that_does_not_answer_costs_the_text_and_not_the_report(
    graded: tuple[CommandLine, Any], tmp_path: Path
) -> None:
    trainyard, _ = graded
    with running_simulator() as server:
        gone = environment(server.base_url, tmp_path)
    gone |= {"TRAINYARD_WRITTEN_REPORT": "always", "TRAINYARD_LLM_DEADLINE_SECONDS": "2"}
    # Another name, so that no earlier reply is found.
    gone["TRAINYARD_LLM_MODELS"] = "compatible:simulated-2"
    outcome = trainyard.json("report", **gone)
    html = Path(outcome["html"]).read_text()
    assert re.search(r"No text was written: .+ The computed findings stand", html)
    assert outcome["findings"]
