"""Jobs held against each other, through the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from tests.flows.conftest import CommandLine

NATIVE = ("--strategy", "native")


@pytest.fixture(scope="module")
def two_jobs(
    tmp_path_factory: pytest.TempPathFactory, prefect_api: str, class_set: Path
) -> tuple[CommandLine, str, str]:
    """Two native trainings of one dataset; the second learns from less."""
    trainyard = CommandLine(
        tmp_path_factory.mktemp("compared") / "home", {"TRAINYARD_PREFECT_API_URL": prefect_api}
    )
    material = [
        "--guides",
        class_set / "guides",
        "--submissions",
        class_set / "papers",
        "--dataset",
        "plants",
    ]
    ids = []
    for iterations in ("3", "1"):
        outcome = trainyard.json("pipeline", *material, *NATIVE, "--set", f"iterations={iterations}")
        ids.append(outcome["train"]["job_id"])
    return trainyard, ids[0], ids[1]


def test_two_jobs_are_compared_on_the_same_answers(two_jobs: tuple[CommandLine, str, str]) -> None:
    trainyard, first, second = two_jobs
    outcome = trainyard.json("compare", first[:8], second[:8])
    assert [row["job"] for row in outcome["jobs"]] == [first[:8], second[:8]]
    assert len({row["n"] for row in outcome["jobs"]}) == 1
    assert all(row["USD per 1,000 answers"] == 0 for row in outcome["jobs"])
    assert all(row["seconds per answer"] > 0 for row in outcome["jobs"])
    assert len(outcome["verdicts"]) == 1
    html = Path(outcome["html"]).read_text()
    assert first[:8] in html and "<script" not in html
    described = json.loads((Path(outcome["folder"]) / "comparison.json").read_text())
    assert described["parts"][0]["n"] == outcome["jobs"][0]["n"]
    (row,) = csv.DictReader((Path(outcome["folder"]) / "differences.csv").open())
    assert (row["first"], row["second"]) == (first, second)


def test_the_comparison_lies_in_the_mlflow_runs_of_both_and_in_prefect(
    two_jobs: tuple[CommandLine, str, str], prefect_api: str
) -> None:
    import httpx

    trainyard, first, _ = two_jobs
    outcome = trainyard.json("compare", "latest", first)
    key = Path(outcome["folder"]).name
    client = MlflowClient(f"sqlite:///{trainyard.home}/mlflow.db")
    runs = client.search_runs([e.experiment_id for e in client.search_experiments()])
    assert len(runs) == 2
    for run in runs:
        files = {a.path for a in client.list_artifacts(run.info.run_id, f"comparisons/{key}")}
        assert f"comparisons/{key}/comparison.html" in files
    artifact = httpx.get(f"{prefect_api}/artifacts/comparison-{key}/latest").json()
    assert "| Pair | QWK |" in artifact["data"]


def test_people_see_a_table_and_where_the_page_is(two_jobs: tuple[CommandLine, str, str]) -> None:
    trainyard, first, second = two_jobs
    said = trainyard.run("compare", first, second).stdout
    assert first[:8] in said and "comparison.html" in said


def test_what_cannot_be_compared_is_said_with_the_remedy(two_jobs: tuple[CommandLine, str, str]) -> None:
    trainyard, first, _ = two_jobs
    told = trainyard.run("compare", code=1).stderr
    assert "evaluated job on the newest dataset: native" in told
    assert "named twice" in trainyard.run("compare", first, first[:8], code=1).stderr
    assert "There is no job" in trainyard.run("compare", first, "nothing", code=1).stderr
    alone = trainyard.run("compare", first, code=1).stderr
    assert "name two or more" in alone and "Traceback" not in alone


def test_jobs_of_datasets_without_a_common_answer_are_refused(
    two_jobs: tuple[CommandLine, str, str], tmp_path: Path
) -> None:
    trainyard, first, _ = two_jobs
    rows = [
        {"number": "1", "question": "Name a metal.", "model_answer": "iron or copper", "max_score": 1,
         "student": f"T{k}", "answer": f"{'iron' if k % 2 else 'water'} I think {k}", "score": k % 2}
        for k in range(60)
    ]  # fmt: skip
    table = tmp_path / "metals.csv"
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    other = trainyard.json(
        "pipeline", "--answers", table, "--dataset", "metals", *NATIVE, "--set", "iterations=1",
        "--allow-rejects",
    )  # fmt: skip
    told = trainyard.run("compare", first, other["train"]["job_id"], code=1).stderr
    assert "share no test answers" in told
