"""The strategy llm through the command line, against a server that speaks the providers' protocol."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.llm_simulator.behaviour import mixed
from tasks.simulation import Examples, write_examples
from tests.flows.conftest import CommandLine
from tests.llm_server import running_simulator

KEY = "sk-marked-41d8cd98f00b-do-not-tell"
QUICK = ("--set", "iterations=2", "--set", "minibatch=12", "--set", "candidates=2")


@pytest.fixture(scope="session")
def examination(tmp_path_factory: pytest.TempPathFactory) -> Examples:
    """A guide with marking points, and papers graded by the simulated examiner's convention."""
    return write_examples(tmp_path_factory.mktemp("bank"), n_items=4, n_students=30, seed=1)


@pytest.fixture
def simulator() -> Iterator[Any]:
    with running_simulator() as server:
        yield server


def environment(base_url: str, prefect_api: str, **more: str) -> dict[str, str]:
    return {
        "TRAINYARD_PREFECT_API_URL": prefect_api,
        "TRAINYARD_LLM_BASE_URL": base_url,
        "TRAINYARD_LLM_API_KEY": KEY,
        "TRAINYARD_LLM_MODELS": "compatible:simulated-1",
        **more,
    }


def given(examination: Examples) -> list[str | Path]:
    return ["--guides", examination.guide, "--submissions", examination.submissions]


def pipeline(examination: Examples, *more: str) -> list[str | Path]:
    return ["pipeline", *given(examination), "--dataset", "bank", "--strategy", "llm", *QUICK, *more]


def test_a_grader_is_trained_evaluated_reported_and_a_second_run_asks_nothing(
    tmp_path: Path, prefect_api: str, examination: Examples, simulator: Any
) -> None:
    trainyard = CommandLine(tmp_path / "home", environment(simulator.base_url, prefect_api))
    done = trainyard.run(*pipeline(examination), "--json")
    outcome = json.loads(done.stdout)
    assert outcome["train"]["choice"]["strategy"] == "llm"
    assert outcome["evaluate"]["ungraded"] == []
    assert outcome["evaluate"]["headline"]["qwk"][0] > 0.4
    asked = simulator.counts()["received"]
    trainyard.run(*pipeline(examination))
    assert simulator.counts()["received"] == asked
    _written_nowhere(KEY, trainyard.home, done.stdout, done.stderr)


def _written_nowhere(secret: str, home: Path, *texts: str) -> None:
    for text in texts:
        assert secret not in text
    for path in home.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path
    for database in home.rglob("*.db"):
        with sqlite3.connect(database) as connection:
            # What is only in the write-ahead log is seen through a connection.
            assert secret not in "\n".join(connection.iterdump())


def test_with_every_fifth_reply_faulty_all_answerable_rows_are_graded_and_the_rest_say_why(
    tmp_path: Path, prefect_api: str, examination: Examples
) -> None:
    quick = {"TRAINYARD_LLM_TIMEOUT_SECONDS": "3", "TRAINYARD_LLM_DEADLINE_SECONDS": "15"}
    with running_simulator(faults=mixed(0.2), poison=0.04) as server:
        trainyard = CommandLine(tmp_path / "home", environment(server.base_url, prefect_api, **quick))
        outcome = trainyard.json(*pipeline(examination))
    splits = outcome["prepare"]["dataset"]["splits"]
    n_test = sum(n for name, n in splits.items() if name.startswith("test"))
    ungraded = outcome["evaluate"]["ungraded"]
    assert 0 < len(ungraded) < 0.2 * n_test + 20
    assert all(one["reason"] for one in ungraded)


def test_a_budget_ends_the_training_with_what_there_is(
    tmp_path: Path, prefect_api: str, examination: Examples, simulator: Any
) -> None:
    trainyard = CommandLine(
        tmp_path / "home",
        environment(simulator.base_url, prefect_api, TRAINYARD_LLM_BUDGET_TOKENS="120000"),
    )
    outcome = trainyard.json(*pipeline(examination, "--set", "iterations=8"))
    counts = simulator.counts()
    spent = counts["prompt_tokens"] + counts["completion_tokens"]
    assert spent < 1.2 * 120_000
    assert outcome["train"]["model"]["version"] == 1


def test_where_no_model_answers_native_takes_over_if_asked_to(
    tmp_path: Path, prefect_api: str, examination: Examples
) -> None:
    with running_simulator() as server:
        gone = server.base_url
    trainyard = CommandLine(
        tmp_path / "home", environment(gone, prefect_api, TRAINYARD_LLM_DEADLINE_SECONDS="3")
    )
    told = trainyard.run(*pipeline(examination), code=1).stderr
    assert "Traceback" not in told
    outcome = trainyard.json(
        "train", "bank", "--strategy", "llm", "--otherwise", "native", *QUICK, "--set", "examples=2"
    )
    assert outcome["choice"]["strategy"] == "native"
    assert outcome["choice"]["requested"] == "llm"
    assert "llm" in {passed["name"] for passed in outcome["choice"]["passed_over"]}


def test_without_a_key_the_pipeline_ends_at_once_with_one_sentence(
    tmp_path: Path, prefect_api: str, examination: Examples
) -> None:
    trainyard = CommandLine(tmp_path / "home", {"TRAINYARD_PREFECT_API_URL": prefect_api})
    told = trainyard.run("pipeline", *given(examination), "--strategy", "llm", code=1).stderr
    errors = [line for line in told.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert "TRAINYARD_OPENAI_API_KEY" in errors[0] and "--strategy" in errors[0]
    assert "Traceback" not in told
    assert not (trainyard.home / "reports").exists()
