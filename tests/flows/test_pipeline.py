"""The whole line, from files to report, through the command line, on real servers and stores."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mlflow.tracking import MlflowClient

from infra import catalog as records
from infra.catalog import Catalog
from tests.flows.conftest import CommandLine, write_class_set

QUICK = ("--strategy", "native", "--set", "iterations=2")


def material(folder: Path) -> list[str | Path]:
    return ["--guides", folder / "guides", "--submissions", folder / "papers", "--dataset", "plants"]


def client(home: Path) -> MlflowClient:
    return MlflowClient(f"sqlite:///{home}/mlflow.db")


def runs_of(home: Path) -> list[Any]:
    store = client(home)
    return list(store.search_runs([e.experiment_id for e in store.search_experiments()]))


@pytest.fixture(scope="module")
def finished(
    tmp_path_factory: pytest.TempPathFactory, prefect_api: str, class_set: Path
) -> tuple[CommandLine, dict[str, Any]]:
    trainyard = CommandLine(
        tmp_path_factory.mktemp("done") / "home", {"TRAINYARD_PREFECT_API_URL": prefect_api}
    )
    return trainyard, trainyard.json("pipeline", *material(class_set), *QUICK)


def test_a_class_set_becomes_an_evaluated_model_and_a_report(finished: tuple[CommandLine, Any]) -> None:
    _, outcome = finished
    assert outcome["prepare"]["dataset"]["n_answers"] == 60
    assert outcome["evaluate"]["headline"]["qwk"][0] > 0.5
    html = Path(outcome["report"]["html"]).read_text()
    assert "Grading report: plants" in html
    assert "<svg" in html
    assert "<script src" not in html and "<link" not in html, "one file, nothing fetched"


def test_a_second_run_reads_nothing_and_trains_nothing(
    finished: tuple[CommandLine, Any], class_set: Path
) -> None:
    trainyard, first = finished
    again = trainyard.json("pipeline", *material(class_set), *QUICK)
    assert sum(part["n_read"] for part in again["prepare"]["ingested"]) == 0
    assert (again["train"]["n_trained"], again["train"]["n_reused"]) == (0, 2)
    assert again["train"]["model"] == first["train"]["model"]
    assert again["train"]["job_id"] == first["train"]["job_id"]


def test_the_job_has_one_finished_mlflow_run_with_its_figures(finished: tuple[CommandLine, Any]) -> None:
    trainyard, outcome = finished
    (run,) = runs_of(trainyard.home)
    assert run.info.status == "FINISHED"
    assert run.data.params["iterations"] == "2"
    assert run.data.metrics["unseen_answers.qwk"] == pytest.approx(
        outcome["evaluate"]["headline"]["qwk"][0], abs=1e-3
    )
    assert len(client(trainyard.home).get_metric_history(run.info.run_id, "qwk")) == 2
    files = {a.path for a in client(trainyard.home).list_artifacts(run.info.run_id, "report")}
    assert "report/report.html" in files


def test_mlflow_links_to_the_flow_run_and_the_flow_run_to_mlflow(
    finished: tuple[CommandLine, Any], prefect_api: str
) -> None:
    import httpx

    trainyard, outcome = finished
    (run,) = runs_of(trainyard.home)
    flow_run_id = run.data.tags["prefect.flow_run_id"]
    assert run.data.tags["prefect.flow_run_url"].endswith(f"/runs/flow-run/{flow_run_id}")
    assert httpx.get(f"{prefect_api}/flow_runs/{flow_run_id}").json()["state"]["type"] == "COMPLETED"
    key = f"mlflow-run-{outcome['train']['job_id'][:8]}"
    artifact = httpx.get(f"{prefect_api}/artifacts/{key}/latest").json()
    assert run.info.run_id in artifact["data"]


def test_the_registered_model_grades_in_a_fresh_process_without_pickle(
    finished: tuple[CommandLine, Any],
) -> None:
    trainyard, _ = finished
    code = (
        "import mlflow, pandas as pd, json\n"
        f"mlflow.set_tracking_uri('sqlite:///{trainyard.home}/mlflow.db')\n"
        "model = mlflow.pyfunc.load_model('models:/grader-plants@champion')\n"
        "rows = pd.DataFrame([{'question': 'Why does iron rust?', 'max_score': 2.0,\n"
        "  'model_answer': 'Iron reacts with oxygen and needs moisture.',\n"
        "  'answer': 'it reacts with oxygen and moisture is needed'}])\n"
        "print(json.dumps(model.predict(rows).to_dict('records')[0], default=float))\n"
    )
    environment = {**os.environ, "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    graded = json.loads(done.stdout.splitlines()[-1])
    assert 0 <= graded["score"] <= 2
    assert graded["score"] > 1


def test_a_raised_limit_goes_on_where_training_stopped(finished: tuple[CommandLine, Any]) -> None:
    trainyard, _ = finished
    more = trainyard.json("train", "plants", "--strategy", "native", "--set", "iterations=3")
    assert (more["n_trained"], more["n_reused"]) == (1, 2)


def test_new_submissions_are_graded_with_marks_and_referrals(
    finished: tuple[CommandLine, Any], tmp_path: Path
) -> None:
    trainyard, _ = finished
    paper = tmp_path / "new.txt"
    paper.write_text(
        "Student: N1\nGuide: Plants and rust\n\n"
        "Question 1\nleaves absorb sunlight and roots take up water\n\n"
        "Question 2\n\n"
    )
    out = tmp_path / "grades.csv"
    trainyard.run("grade", paper, "--out", out)
    rows = [dict(zip(*pair, strict=True)) for pair in _csv(out)]
    assert [row["number"] for row in rows] == ["1", "2"]
    assert float(rows[0]["mark"]) > float(rows[1]["mark"]) == 0.0
    assert {row["refer"] for row in rows} <= {"True", "False", "true", "false"}


def _csv(path: Path) -> list[tuple[list[str], list[str]]]:
    import csv

    header, *rows = list(csv.reader(path.open()))
    return [(header, row) for row in rows]


def test_show_and_runs_tell_of_the_job(finished: tuple[CommandLine, Any]) -> None:
    trainyard, outcome = finished
    job_id = outcome["train"]["job_id"]
    shown = trainyard.json("show", job_id[:8])
    assert shown["job"] == job_id
    assert len(shown["iterations"]) == 2
    assert job_id[:8] in {row["job"] for row in trainyard.json("runs")}
    assert trainyard.json("status")["guides"] == 1


def test_without_a_key_the_llm_strategy_says_what_to_set(finished: tuple[CommandLine, Any]) -> None:
    trainyard, _ = finished
    told = trainyard.run("train", "plants", "--strategy", "llm", code=1).stderr
    assert "TRAINYARD_OPENAI_API_KEY" in told
    assert "Traceback" not in told


def test_auto_tells_why_it_passed_llm_over(finished: tuple[CommandLine, Any]) -> None:
    trainyard, _ = finished
    outcome = trainyard.json("train", "plants", "--set", "iterations=2")
    assert "API key" in {p["name"]: p["objection"] for p in outcome["choice"]["passed_over"]}["llm"]


def test_the_pipeline_runs_on_postgresql(
    tmp_path: Path, prefect_api: str, class_set: Path, postgres_url: str
) -> None:
    url = postgres_url.replace("postgresql://", "postgresql+psycopg://")
    trainyard = CommandLine(
        tmp_path / "home", {"TRAINYARD_PREFECT_API_URL": prefect_api, "TRAINYARD_CATALOG_URL": url}
    )
    told = trainyard.run("pipeline", *material(class_set), *QUICK, code=1).stderr
    assert "trainyard db upgrade" in told
    trainyard.run("db", "upgrade")
    outcome = trainyard.json("pipeline", *material(class_set), *QUICK)
    assert outcome["prepare"]["dataset"]["n_answers"] == 60
    with Catalog.open(url) as catalog:
        assert len(records.jobs(catalog, "local")) == 1


def test_two_prepares_at_once_keep_each_document_once(tmp_path: Path, prefect_api: str) -> None:
    write_class_set(tmp_path / "class", 500)
    trainyard = CommandLine(tmp_path / "home", {"TRAINYARD_PREFECT_API_URL": prefect_api})
    trainyard.run("db", "upgrade")
    both = [trainyard.start("prepare", *material(tmp_path / "class"), "--json") for _ in range(2)]
    outcomes = []
    for process in both:
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
        outcomes.append(json.loads(out))
    new = [sum(part["n_new"] for part in outcome["ingested"]) for outcome in outcomes]
    assert sum(new) == 501
    assert outcomes[0]["dataset"]["fingerprint"] == outcomes[1]["dataset"]["fingerprint"]
    assert outcomes[0]["dataset"]["n_answers"] == 1000


def test_a_dataset_that_does_not_exist_is_named(trainyard: CommandLine) -> None:
    told = trainyard.run("train", "nothing", code=1).stderr
    assert "nothing" in told
    assert "Traceback" not in told
