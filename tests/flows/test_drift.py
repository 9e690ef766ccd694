"""Drift through the command line: papers that came after the training."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra import catalog as records
from infra.catalog import Catalog
from tests.flows.conftest import CommandLine, write_class_set


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, prefect_api: str) -> CommandLine:
    folder = tmp_path_factory.mktemp("drift")
    write_class_set(folder / "class", 90)
    trainyard = CommandLine(folder / "home", {"TRAINYARD_PREFECT_API_URL": prefect_api})
    material = ["--guides", folder / "class" / "guides", "--submissions", folder / "class" / "papers"]
    trainyard.run("pipeline", *material, "--strategy", "native", "--set", "iterations=1")
    return trainyard


def papers(folder: Path, text: str, n: int = 30) -> Path:
    folder.mkdir()
    for k in range(n):
        (folder / f"{k}.txt").write_text(
            f"Student: N{k:03d}\nGuide: Plants and rust\n\nQuestion 1\n{text} {k}\n\nQuestion 2\n{text} {k}\n"
        )
    return folder


def test_answers_in_other_words_are_drift_and_the_exit_code_says_so(
    trained: CommandLine, tmp_path: Path
) -> None:
    assert "There is no new answer" in trained.run("drift").stdout
    foreign = papers(
        tmp_path / "new", "Blätter fangen Sonne ein und Wurzeln saugen Wasser, glaube ich wenigstens"
    )
    trained.run("grade", foreign, "--out", tmp_path / "grades.csv")
    outcome = trained.json("drift", code=1)
    assert outcome["drifted"] and outcome["n_now"] == 60
    assert any("no training text has" in finding for finding in outcome["findings"])
    assert any("0 new answers have a human's score" in finding for finding in outcome["findings"])
    with Catalog.open(trained.catalog_url) as catalog:
        (told,) = records.announcements(catalog, "local", event="trainyard.model.drifted")
    assert told.payload["findings"] == outcome["findings"]
    folder = Path(outcome["folder"])
    assert {file.name for file in folder.iterdir()} == {"drift.html", "drift.md", "drift.json"}
