"""Bad input through the command line: a message that names it and the remedy, exit code 1, the rest done."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from docx import Document
from pypdf import PdfWriter

from tests.flows.conftest import CommandLine, write_class_set

TABLE_HEADER = "item_id,question,model_answer,max_score,student,answer,score\n"


def encrypted_pdf(path: Path) -> None:
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    writer.encrypt("secret")
    writer.write(path)


def truncated_docx(path: Path) -> None:
    document = Document()
    document.add_paragraph("Student: Z")
    document.save(str(path))
    path.write_bytes(path.read_bytes()[:-400])


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, prefect_api: str) -> tuple[str, dict[str, object]]:
    """One prepare over a good class set with one of every bad thing in it: what it said, what came of it."""
    folder = tmp_path_factory.mktemp("bad")
    write_class_set(folder)
    papers, guides = folder / "papers", folder / "guides"
    (papers / "empty.txt").write_text("")
    (papers / "picture.docx").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    encrypted_pdf(papers / "locked.pdf")
    truncated_docx(papers / "cut.docx")
    (guides / "no-marks.txt").write_text("No marks here\n\n1. Why?\nModel answer: because\n")
    paper = "Student: {}\nGuide: Plants and rust\n\nQuestion {}\nleaves absorb sunlight\nScore: {}\n"
    (papers / "too-much.txt").write_text(paper.format("T1", 1, "5/2"))
    (papers / "unknown-item.txt").write_text(paper.format("T2", 9, "1"))
    (papers / "unknown-guide.txt").write_text("Student: T3\nGuide: Volcanoes\n\nQuestion 1\nlava\nScore: 1\n")
    table = folder / "answers.csv"
    table.write_text("item_id,answer,score\n1,water,1\n")
    trainyard = CommandLine(folder / "home", {"TRAINYARD_PREFECT_API_URL": prefect_api})
    given = ["--guides", guides, "--submissions", papers, "--answers", table]
    shown = trainyard.run("prepare", *given, code=1)
    return shown.stdout, trainyard.json("prepare", *given, "--allow-rejects")


def test_the_rest_of_the_batch_is_done(told: tuple[str, dict[str, dict[str, int]]]) -> None:
    assert told[1]["dataset"]["n_answers"] == 60


@pytest.mark.parametrize(
    ("name", "reason", "remedy"),
    [
        ("empty.txt", "empty", "copied whole"),
        ("picture.docx", "PNG", "text"),
        ("locked.pdf", "password", "without a password"),
        ("cut.docx", "damaged", "save it anew"),
        ("no-marks.txt", "no marks", "such as [3]"),
        ("too-much.txt", "scores 5 for item 1", "correct the score"),
        ("unknown-item.txt", "answers item 9", "correct the number"),
        ("unknown-guide.txt", "'Volcanoes'", "add the guide"),
        ("answers.csv", "model_answer", "Add or rename"),
    ],
)
def test_each_bad_thing_is_named_with_its_remedy(
    told: tuple[str, object], name: str, reason: str, remedy: str
) -> None:
    lines = [line for line in told[0].splitlines() if name in line]
    assert any(reason in line and remedy in line for line in lines), told[0]


def test_a_folder_that_does_not_exist_is_named(trainyard: CommandLine, tmp_path: Path) -> None:
    said = trainyard.run("prepare", "--guides", tmp_path / "nowhere", code=1).stderr
    assert f"{tmp_path / 'nowhere'} does not exist" in said
    assert "Traceback" not in said


def test_a_guide_that_nobody_answered_says_what_is_missing(trainyard: CommandLine, class_set: Path) -> None:
    said = trainyard.run("prepare", "--guides", class_set / "guides", code=1).stderr
    assert "only 0 graded answers" in said
    assert "Traceback" not in said


@pytest.mark.sqlite_only("PostgreSQL does not lock a whole database")
def test_a_locked_database_is_named_with_the_remedy(trainyard: CommandLine, class_set: Path) -> None:
    trainyard.run("db", "upgrade")
    holder = sqlite3.connect(trainyard.home / "catalog.db")
    holder.execute("BEGIN EXCLUSIVE")
    try:
        said = trainyard.run(
            "prepare", "--guides", class_set / "guides", code=1, TRAINYARD_LOCK_SECONDS="1"
        ).stderr
    finally:
        holder.close()
    assert "locked" in said
    assert "Traceback" not in said


def test_too_many_bad_rows_stop_the_flow_with_the_first_of_them(
    trainyard: CommandLine, tmp_path: Path
) -> None:
    rows = [f'i1,Why?,because,1,s{n},"word {n}",{1 if n % 2 else 7}' for n in range(40)]
    table = tmp_path / "half-bad.csv"
    table.write_text(TABLE_HEADER + "\n".join(rows))
    said = trainyard.run("prepare", "--answers", table, code=1).stderr
    assert "20 of 40 rows" in said
    assert "max-reject-share" in said


def test_a_setting_out_of_bounds_is_named(trainyard: CommandLine) -> None:
    said = trainyard.run("status", code=1, TRAINYARD_MAX_REJECT_SHARE="7").stderr
    assert "TRAINYARD_MAX_REJECT_SHARE" in said
    assert "Traceback" not in said


def test_a_hyperparameter_that_does_not_exist_is_named_with_those_that_do(
    trainyard: CommandLine, class_set: Path
) -> None:
    given = ["--guides", class_set / "guides", "--submissions", class_set / "papers"]
    said = trainyard.run("pipeline", *given, "--strategy", "native", "--set", "speed=9", code=1).stderr
    assert "speed" in said
    assert "iterations" in said
    assert "Traceback" not in said


def test_a_word_that_is_no_verb_is_a_usage_error(trainyard: CommandLine) -> None:
    assert "tarin" in trainyard.run("tarin", code=2).stderr
