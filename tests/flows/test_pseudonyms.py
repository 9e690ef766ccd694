"""Students' names stay in the key file: nothing that a run leaves behind has them."""

from __future__ import annotations

import csv
import json
import re
import stat
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from pypdf import PdfWriter

from tests.flows.conftest import CommandLine, write_class_set

SECRET_WORDS = (
    *(
        "Zéphyrine",
        "Zephyrine",
        "Quillfeather",
        "Pemberwick",
        "Ignatius",
        "Oduya-Marsh",
        "Thessaly",
        "Wrenfield",
    ),
    *("Bartholomew", "Undershaw", "Kestrelby", "zq-40417", "tmarsh@school.example", "Lysandra", "Crowhurst"),
)
ANSWERS = ("Question 1\n{} soak up sunlight in the leaves {n}\nScore: 1/2\n\n"
           "Question 2\nit needs moisture, {} wrote {n}\nScore: 1/2\n")  # fmt: skip
QUICK = ("--strategy", "native", "--set", "iterations=1")


def write_named_set(folder: Path) -> list[str | Path]:
    """A class set, and students with unmistakable names in every form that papers come in."""
    write_class_set(folder)
    papers = folder / "papers"
    document = Document()
    for line in ("Name: Zéphyrine Quillfeather    Student ID: zq-40417", "Guide: Plants and rust"):
        document.add_paragraph(line)
    for line in ANSWERS.format("As Zephyrine says, plants", "QUILLFEATHER", n=1).split("\n"):
        document.add_paragraph(line)
    document.save(str(papers / "Quillfeather_Zephyrine.docx"))
    own = papers / "Ignatius Pemberwick"
    own.mkdir()
    (own / "q1.txt").write_text("Ignatius thinks that roots take up water\nScore: 1/2\n")
    (own / "q2.txt").write_text("it rusts since oxygen reacts, I. Pemberwick\nScore: 1/2\n")
    with (papers / "class 7b Crowhurst.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["First name", "Surname", "Email", "Q1 answer", "Q1 score", "Q2 answer", "Q2 score"])
        told = ["Thessaly: sunlight on leaves", 1, "oxygen, as Zephyrine Quillfeather told me", 1]
        rows.writerow(["Thessaly", "Oduya-Marsh", "tmarsh@school.example", *told])
        rows.writerow(["Bartholomew", "Undershaw", "", "water by the roots", 9, "the wet", 1])
    lone = "Lysandra Wrenfield\n\nGuide: Plants and rust\n\n" + ANSWERS.format("We", "I", n=3)
    (papers / "scan-0017.txt").write_text(lone)
    locked = PdfWriter()
    locked.add_blank_page(200, 200)
    locked.encrypt("secret")
    locked.write(papers / "Kestrelby essay.pdf")
    table = folder / "answers.csv"
    with table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["question", "model_answer", "max_score", "student", "answer", "score", "nickname"])
        for n in range(25):
            said = f"a force, said Bartholomew number {n}"
            rows.writerow(
                ["What pulls?", "Gravity", 1, f"Bartholomew Undershaw {n}", said, n % 2, "Kestrelby"]
            )
    given = ["--guides", folder / "guides", "--submissions", papers, "--answers", table]
    return [*given, "--dataset", "plants", "--max-reject-share", "0.2"]


def contents(home: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file below `home`, and the files in those that are archives; and every file's name."""
    for path in sorted(home.rglob("*")):
        yield path, str(path.relative_to(home)).encode()
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            yield path, content
            if zipfile.is_zipfile(BytesIO(content)):
                with zipfile.ZipFile(BytesIO(content)) as archive:
                    yield from ((path, archive.read(name)) for name in archive.namelist())


def leaks(content: bytes) -> list[str]:
    """The secret words in it, in UTF-8 and UTF-16, composed or escaped as JSON has them, in any case."""
    found = []
    for word in SECRET_WORDS:
        spelt = [word, json.dumps(word)[1:-1], word.replace("é", "e\u0301")]
        coded = {one.encode(code) for one in spelt for code in ("utf-8", "utf-16-le", "utf-16-be")}
        lowered = content.lower()
        if any(one in content or one.lower() in lowered for one in coded):
            found.append(word)
    return found


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> tuple[CommandLine, Path, list[Any], Any]:
    """A pipeline under pseudonyms, with a Prefect server of its own inside its home."""
    folder = tmp_path_factory.mktemp("class")
    given = write_named_set(folder / "named")
    key = folder / "keys" / "class.key"
    key.parent.mkdir()
    trainyard = CommandLine(folder / "home")
    done = trainyard.run("pipeline", *given, *QUICK, "--pseudonymise", key, code=1)
    return trainyard, key, given, done


def test_nothing_that_a_run_leaves_behind_has_a_name(named: tuple[CommandLine, Path, list[Any], Any]) -> None:
    trainyard, key, _, done = named
    for said in (done.stdout, done.stderr):
        assert leaks(said.encode()) == []
    found = {
        (str(path.relative_to(trainyard.home)), *leaks(content)) for path, content in contents(trainyard.home)
    }
    assert {entry for entry in found if len(entry) > 1} == set()
    assert set(leaks(key.read_bytes())) >= {"Quillfeather", "Pemberwick", "Undershaw"}, (
        "the test can find names"
    )


def test_the_papers_are_trained_on_all_the_same(named: tuple[CommandLine, Path, list[Any], Any]) -> None:
    trainyard, key, given, _ = named
    again = trainyard.json("prepare", *given, "--pseudonymise", key, "--allow-rejects")
    assert sum(part["n_read"] for part in again["ingested"]) == 0, "copied and read once"
    # 30 papers, the four with names in other forms, and the table; one score was too high for its item.
    assert again["dataset"]["n_students"] >= 30 + 4
    rejected = [entry for part in again["ingested"] for entry in part["rejected"]]
    assert any(re.fullmatch(r"file-[0-9a-f]{8}\.pdf", entry["name"]) for entry in rejected)
    row = next(row for row in again["quarantine"] if row["check"].startswith("at_most_max_score"))
    assert re.fullmatch(r"row 3 \(student-[0-9a-f]{8}\)", row["row"])


def test_names_come_back_from_the_key_alone(named: tuple[CommandLine, Path, list[Any], Any]) -> None:
    trainyard, key, _, done = named
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    pseudonym = re.search(r"row 3 \((student-[0-9a-f]{8})\)", done.stdout)
    assert pseudonym
    assert trainyard.json("reveal", key, pseudonym[1])[0]["name"] == "Bartholomew Undershaw"
    everybody = {row["name"]: row["also"] for row in trainyard.json("reveal", key)}
    assert "Zéphyrine Quillfeather" in everybody["zq-40417"]
    assert "Ignatius Pemberwick" in everybody
    assert "Kestrelby essay.pdf" in everybody
    said = trainyard.run("reveal", key, "student-00000000", code=1).stderr
    assert "does not know student-00000000" in said


def test_new_papers_are_graded_under_the_same_pseudonyms(
    named: tuple[CommandLine, Path, list[Any], Any], tmp_path: Path
) -> None:
    trainyard, key, _, _ = named
    paper = tmp_path / "new" / "Ignatius Pemberwick.txt"
    paper.parent.mkdir()
    paper.write_text("Guide: Plants and rust\n\nQuestion 1\nIgnatius says leaves absorb sunlight\n")
    done = trainyard.run("grade", paper.parent, "--pseudonymise", key)
    (row,) = csv.DictReader(done.stdout.splitlines())
    assert trainyard.json("reveal", key, row["student"])[0]["name"] == "Ignatius Pemberwick"
    assert leaks((done.stdout + done.stderr).encode()) == []


def test_a_key_that_others_may_read_lies_in_the_home_or_is_none_is_refused(
    trainyard: CommandLine, class_set: Path, tmp_path: Path
) -> None:
    given = ["--guides", class_set / "guides", "--submissions", class_set / "papers"]
    open_key, no_key = tmp_path / "open.key", tmp_path / "none.key"
    open_key.write_text("{}")
    open_key.chmod(0o644)
    no_key.write_text("hello")
    no_key.chmod(0o600)
    inside = trainyard.home / "class.key"
    for key, reason in (
        (open_key, "run chmod 600 on it"),
        (no_key, "is no key file of Trainyard"),
        (inside, "keep the key file elsewhere"),
        (tmp_path / "nowhere" / "class.key", "make the key file's folder first"),
    ):
        said = trainyard.run("prepare", *given, "--pseudonymise", key, code=1).stderr
        assert reason in said
        assert "Traceback" not in said
    assert not inside.exists()
