"""What schedules start: champions on new answers, datasets made anew and trained on."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra import catalog as records
from infra.catalog import Catalog
from tests.flows.conftest import CommandLine, write_class_set
from tests.llm_server import running_simulator

SCHEDULED = """
import json
from tasks.launch import launch
launch()
from flows.nightly import nightly
from flows.retrain import retrain
print(json.dumps([nightly(), retrain(), retrain()]))
"""


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("papers")
    write_class_set(folder, 60)
    return folder


def scheduled(trainyard: CommandLine) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", SCHEDULED],
        env=trainyard.whole_environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.timeout(900)
def test_new_graded_papers_measure_the_champion_and_then_make_a_new_dataset_once(
    trainyard: CommandLine, papers: Path, tmp_path: Path
) -> None:
    early, late = tmp_path / "early", tmp_path / "late"
    for folder, numbers in ((early, range(30)), (late, range(30, 60))):
        folder.mkdir()
        for number in numbers:
            shutil.copy(papers / "papers" / f"paper-{number:03d}.txt", folder)
    given = ("--strategy", "native", "--set", "iterations=2")
    trainyard.run("pipeline", "--guides", papers / "guides", "--submissions", early, *given)
    trainyard.run("grade", late, "--out", tmp_path / "grades.csv")

    with running_simulator() as models:
        trainyard.environment["TRAINYARD_LLM_BASE_URL"] = models.base_url
        trainyard.environment["TRAINYARD_LLM_MODELS"] = "compatible:simulated-old"
        (measured,), first, second = scheduled(trainyard)
    assert measured["model"] == "grader-default version 1"
    assert measured["n_new"] == 60
    assert -1 <= measured["headline"]["qwk"][0] <= 1
    assert first["failed"] == []
    assert [step.split()[0] for step in first["done"]] == ["train", "evaluate", "report"]
    assert second == {"done": [], "failed": []}
    with Catalog.open(trainyard.catalog_url) as catalog:
        (retiring,) = records.announcements(catalog, "local", event="trainyard.model.retiring")
        assert retiring.subject == "compatible:simulated-old 2026-12-31"
        assert sorted(d.n_answers for d in records.datasets(catalog, "local")) == [60, 120]
        assert [job.strategy for job in records.jobs(catalog, "local")] == ["native", "native"]
