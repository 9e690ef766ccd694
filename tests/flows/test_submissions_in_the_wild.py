"""Papers as classes hand them in, through the command line: without numbers, in class lists, in folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra import catalog as records
from infra.catalog import Catalog
from tests.flows.conftest import CommandLine, write_class_set


def without_numbers(folder: Path) -> None:
    """Takes the question numbers out of every paper, and the scores out of every third."""
    for n, paper in enumerate(sorted((folder / "papers").iterdir())):
        lines = paper.read_text().splitlines()
        kept = [line for line in lines if not line.startswith("Question")]
        paper.write_text("\n".join(kept if n % 3 else [k for k in kept if not k.startswith("Score")]))


@pytest.fixture(scope="module")
def unnumbered(tmp_path_factory: pytest.TempPathFactory, prefect_api: str) -> tuple[CommandLine, str, dict]:
    """A class set without numbers, with one paper that could answer anything and one that says nothing."""
    folder = tmp_path_factory.mktemp("unnumbered")
    write_class_set(folder)
    without_numbers(folder)
    (folder / "papers" / "vague.txt").write_text(
        "Student: V1\nGuide: Plants and rust\n\nIt is because of what happens there.\n\nI think it changes.\n"
    )
    (folder / "papers" / "elsewhere.txt").write_text("Student: V2\n\nThe king lost his crown in 1649.\n")
    trainyard = CommandLine(folder / "home", {"TRAINYARD_PREFECT_API_URL": prefect_api})
    given = ["--guides", folder / "guides", "--submissions", folder / "papers"]
    shown = trainyard.run("prepare", *given, code=1).stdout
    return trainyard, shown, trainyard.json("prepare", *given, "--allow-rejects")


def test_papers_without_numbers_are_aligned_and_trained_on(unnumbered: tuple[CommandLine, str, dict]) -> None:
    trainyard, shown, outcome = unnumbered
    assert outcome["dataset"]["n_answers"] >= 34, shown
    with Catalog.open(f"sqlite:///{trainyard.home}/catalog.db") as catalog:
        answers = records.answers_frame(catalog, "local")
        items = records.items_frame(catalog, "local")
    numbers = dict(zip(items["item_id"], items["number"], strict=True))
    sure = answers[answers["doubt"] == ""]
    rust = sure["text"].str.contains("oxygen|moisture|wet")
    plants = sure["text"].str.contains("leaves|water|sunlight")
    assert set(sure["item_id"][rust & ~plants].map(numbers)) == {"2"}
    assert set(sure["item_id"][plants & ~rust].map(numbers)) == {"1"}


def test_a_doubtful_answer_is_kept_told_and_not_trained_on(unnumbered: tuple[CommandLine, str, dict]) -> None:
    trainyard, shown, _ = unnumbered
    with Catalog.open(f"sqlite:///{trainyard.home}/catalog.db") as catalog:
        answers = records.answers_frame(catalog, "local")
    doubtful = answers[answers["doubt"] != ""]
    assert "V1" in set(doubtful["student"])
    assert (doubtful["alignment"] < 0.9).all()
    assert any("vague.txt, V1" in line and "put the numbers" in line for line in shown.splitlines())


def test_a_paper_that_fits_no_guide_waits_with_the_remedy(unnumbered: tuple[CommandLine, str, dict]) -> None:
    lines = [line for line in unnumbered[1].splitlines() if "elsewhere.txt" in line]
    assert any("write 'Guide: ' and its title on top" in line for line in lines)
