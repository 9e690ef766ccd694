"""A job's log and the place's metrics, through the command line."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from infra import catalog as records
from infra.catalog import Catalog
from infra.job_logs import file_of
from tests.flows.conftest import CommandLine


def test_a_log_is_followed_while_a_job_runs_and_has_its_ids(trainyard: CommandLine, class_set: Path) -> None:
    material = ["--guides", class_set / "guides", "--submissions", class_set / "papers"]
    process = trainyard.start("pipeline", *material, "--strategy", "native", "--set", "iterations=20")
    assert process.stderr
    assert any("iteration 1:" in line for line in process.stderr)
    following = trainyard.start("logs", "--follow", "--json")
    for _ in process.stderr:
        pass
    assert process.wait(timeout=200) == 0
    said = [json.loads(line) for line in following.communicate(timeout=200)[0].splitlines()]
    assert following.returncode == 0
    with Catalog.open(trainyard.catalog_url) as catalog:
        (job,) = records.jobs(catalog, "local")
    messages = [line["message"] for line in said]
    assert sum("iteration 2:" in message for message in messages) == 1
    assert any("held-out answers: qwk" in message for message in messages)
    # Following ended when the process did, not when the job was trained.
    assert {line["job"] for line in said} == {job.id}
    assert {line["run"] for line in said[1:] if "iteration" in line["message"]} == {job.mlflow_run_id}
    assert trainyard.run("logs").stdout.count("\n") >= len(said)
    assert file_of(trainyard.home, job.id).exists()

    text = trainyard.run("metrics").stdout
    values = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert values["trainyard_jobs", "finished"] == 1
    assert values["trainyard_jobs_lost",] == 0
    assert values["trainyard_files", "document", "submission"] == 30
    assert 0 < values["trainyard_model_qwk", "grader-default", "1"] <= 1

    server = trainyard.start("metrics", "--port", "0")
    assert server.stderr
    url = next(line.split()[2] for line in server.stderr if "metrics at" in line)
    assert "trainyard_jobs" in httpx.get(url).text
    server.send_signal(signal.SIGINT)
    server.communicate(timeout=30)
