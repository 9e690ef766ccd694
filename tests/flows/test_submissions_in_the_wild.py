"""Papers as classes hand them in, through the command line: without numbers, in class lists, in folders."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from openpyxl import Workbook

from infra import catalog as records
from infra.catalog import Catalog
from tests.flows.conftest import CommandLine, write_class_set

PAPER = re.compile(r"Student: (?P<student>.*)\n(?:.*\n){2}Question 1\n(?P<q1>.*)\nScore: (?P<s1>\d)/2\n\n"
                   r"Question 2\n(?P<q2>.*)\nScore: (?P<s2>\d)/2\n")  # fmt: skip


def class_rows(folder: Path) -> list[list[str]]:
    """The papers of a class set as rows: student, answer 1, score 1, answer 2, score 2."""
    found = [PAPER.match(paper.read_text()) for paper in sorted((folder / "papers").iterdir())]
    return [list(match.group("student", "q1", "s1", "q2", "s2")) for match in found if match]


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
    with Catalog.open(trainyard.catalog_url) as catalog:
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
    with Catalog.open(trainyard.catalog_url) as catalog:
        answers = records.answers_frame(catalog, "local")
    doubtful = answers[answers["doubt"] != ""]
    assert "V1" in set(doubtful["student"])
    assert (doubtful["alignment"] < 0.9).all()
    assert any("vague.txt, V1" in line and "put the numbers" in line for line in shown.splitlines())


def test_a_paper_that_fits_no_guide_waits_with_the_remedy(unnumbered: tuple[CommandLine, str, dict]) -> None:
    lines = [line for line in unnumbered[1].splitlines() if "elsewhere.txt" in line]
    assert any("write 'Guide: ' and its title on top" in line for line in lines)


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory, prefect_api: str) -> tuple[str, dict]:
    """Half a class in a CSV, half in an XLSX with totals alone, and bad cells in both."""
    folder = tmp_path_factory.mktemp("listed")
    write_class_set(folder)
    rows = class_rows(folder)
    assert len(rows) == 30
    lists = folder / "lists"
    lists.mkdir()
    header = ["Timestamp", "Student", "Q1", "Q1 score", "Question 2 answer", "2 mark /2"]
    bad = [
        ["", "B1", "sun", "9", "wet", "1"],
        ["", "B2", "sun", "two-ish", "a damp place", "1"],
        ["", "", "x", "1", "y", "1"],
    ]
    with (lists / "first half.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [[*header, "Q7", "Shoe size"], *([["9:00", *row, "lost", "37"] for row in rows[:15]]), *bad]
        )
    book = Workbook()
    book.active.append(["Name", "Q1 answer", "Q2 answer", "Total"])
    for student, q1, s1, q2, s2 in rows[15:]:
        book.active.append([student, q1, q2, int(s1) + int(s2)])
    book.save(lists / "second half.xlsx")
    trainyard = CommandLine(folder / "home", {"TRAINYARD_PREFECT_API_URL": prefect_api})
    given = ["--guides", folder / "guides", "--submissions", lists, "--max-reject-share", "0.2"]
    shown = trainyard.run("prepare", *given, code=1).stdout
    return shown, trainyard.json("prepare", *given, "--allow-rejects")


def test_class_lists_become_papers_with_scores_or_totals(listed: tuple[str, dict]) -> None:
    dataset = listed[1]["dataset"]
    assert (dataset["n_answers"], dataset["n_students"]) == (62, 32)


@pytest.mark.parametrize(
    ("row", "column", "check"),
    [
        ("header", "Q7", "is an item of guide 'Plants and rust'"),
        ("header", "Shoe size", "says what it is"),
        ("row 17 (B1)", "Q1 score", "at_most_max_score(2) (9)"),
        ("row 18 (B2)", "Q1 score", "is_a_number (two-ish)"),
        ("row 19", "student", "has a student's name or number"),
    ],
)
def test_what_a_class_list_has_wrong_is_told_by_file_row_and_column(
    listed: tuple[str, dict], row: str, column: str, check: str
) -> None:
    assert f"first half.csv, {row}: {column}: {check}" in listed[0]


@pytest.fixture(scope="module")
def in_folders(tmp_path_factory: pytest.TempPathFactory, prefect_api: str) -> tuple[CommandLine, str, list]:
    """A folder a student: a file a question, whole papers in others, and three that are wrong."""
    folder = tmp_path_factory.mktemp("folders")
    write_class_set(folder)
    papers = folder / "by student"
    for n, (student, q1, s1, q2, s2) in enumerate(class_rows(folder)):
        own = papers / student
        own.mkdir(parents=True)
        if n % 2:
            (own / "q1.txt").write_text(f"{q1}\nScore: {s1}/2\n")
            (own / "Question 2.md").write_text(f"Question 2\n{q2}\n\nScore: {s2}/2\n")
        else:
            text = f"Guide: Plants and rust\n\n1. {q1}\nScore: {s1}\n2. {q2}\nScore: {s2}\n"
            (own / "my paper.txt").write_text(text)
    for student, name, content in (
        ("Cut", "q1.docx", b"PK\x03\x04 no document"),
        ("Unknown", "q7.txt", b"what?\nScore: 1"),
        ("Generous", "q1.txt", b"sun\nScore: 9/2"),
    ):
        (papers / student).mkdir()
        (papers / student / name).write_bytes(content)
    # The same answers from two students are two papers, not one document.
    (papers / "Generous" / "q2.txt").write_text("needs moisture\nScore: 1/2")
    twin = papers / "Twin"
    twin.mkdir()
    (twin / "q1.txt").write_text((papers / "S001" / "q1.txt").read_text())
    (twin / "q2.md").write_text((papers / "S001" / "Question 2.md").read_text())
    trainyard = CommandLine(folder / "home", {"TRAINYARD_PREFECT_API_URL": prefect_api})
    given = ["--guides", folder / "guides", "--submissions", papers]
    return trainyard, trainyard.run("prepare", *given, code=1).stdout, given


def test_a_folder_is_a_paper_of_the_student_it_is_named_after(
    in_folders: tuple[CommandLine, str, list],
) -> None:
    trainyard, shown, given = in_folders
    again = trainyard.json("prepare", *given, "--allow-rejects")
    assert sum(part["n_read"] for part in again["ingested"]) == 0, "nothing is read twice"
    with Catalog.open(trainyard.catalog_url) as catalog:
        answers = records.answers_frame(catalog, "local")
    students = set(answers["student"])
    assert {"S000", "S001", "S029", "Twin"} <= students, shown
    assert len(answers) == 63
    assert answers["gold"].notna().all()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Cut/", "q1.docx"),
        ("Unknown/", "no guide has all the items that this paper answers (7)"),
        ("Generous/", "scores 9 for item 1 (q1.txt), which is worth 2"),
    ],
)
def test_what_a_folder_has_wrong_is_told_with_its_student(
    in_folders: tuple[CommandLine, str, list], name: str, reason: str
) -> None:
    assert any(name in line and reason in line for line in in_folders[1].splitlines()), in_folders[1]
