"""`trainyard simulate-llm`, run as a user runs it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from domain.documents.extraction import Extraction
from domain.errors import SettingError
from domain.grading.guides import parse_guide
from domain.grading.json_submissions import read_json_submission
from tasks.simulation import read_faults, write_examples

ROOT = Path(__file__).parent.parent.parent
PROGRAM = "import typer; from flows.commands.simulate_llm import simulate_llm; typer.run(simulate_llm)"


def test_it_says_what_to_set_serves_and_ends_at_ctrl_c(tmp_path: Path) -> None:
    folder = tmp_path / "try it"
    command = [sys.executable, "-c", PROGRAM, "--port", "0", "--latency", "0", "--students", "5"]
    process = subprocess.Popen(
        [*command, "--write-examples", str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline().strip() for _ in range(3)]
        url = lines[0].removeprefix("export TRAINYARD_LLM_BASE_URL=")
        model = lines[1].removeprefix("export TRAINYARD_LLM_MODELS=compatible:")
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1", url)
        assert model in [entry["id"] for entry in httpx.get(f"{url}/models").json()["data"]]
        assert lines[2].endswith(
            f" pipeline --strategy llm --guides '{folder}/guide.json' --submissions '{folder}/submissions'"
        )
    finally:
        process.send_signal(signal.SIGINT)
        _, talk = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Stopped. Requests: 1 models" in talk


def test_the_examples_are_a_guide_that_balances_and_graded_papers(tmp_path: Path) -> None:
    written = write_examples(tmp_path / "examples", n_items=5, n_students=7, seed=2)
    read = Extraction(written.guide.read_text(), "json", "application/json", 0.0, 1.0, "en")
    guide = parse_guide(read, "guide.json")
    assert guide.problems == ()
    assert len(guide.items) == 5
    assert guide.total == guide.stated_total
    assert all(len(item.criteria) == item.max_score for item in guide.items)
    papers = sorted(written.submissions.iterdir())
    assert [path.stem for path in papers] == [f"S{n:03d}" for n in range(1, 8)]
    for path in papers:
        paper = read_json_submission(path.read_text(), path.name)
        assert paper.guide_title == guide.title
        assert [answer.number for answer in paper.answers] == [item.number for item in guide.items]
        assert all(answer.gold is not None and answer.second_gold is not None for answer in paper.answers)


def test_the_same_seed_writes_the_same_examples(tmp_path: Path) -> None:
    def told(name: str, seed: int) -> list[str]:
        written = write_examples(tmp_path / name, n_items=4, n_students=3, seed=seed)
        return [path.read_text() for path in sorted(written.submissions.iterdir())]

    assert told("a", 1) == told("b", 1) != told("c", 2)
    assert json.loads(told("a", 1)[0])["student"] == "S001"


def test_faults_are_read_and_a_wrong_one_is_named() -> None:
    assert read_faults(["hang=0.1", "error_500=0.25"]) == {"hang": 0.1, "error_500": 0.25}
    with pytest.raises(SettingError, match="--fault hang has no probability"):
        read_faults(["hang"])
