"""A folder a student: which folders those are, and the paper that their files make."""

import pytest

from domain.documents.extraction import Extraction, Table
from domain.grading.records import Answer
from domain.grading.student_folders import Bundle, parse_bundle, read_bundle, student_folders, student_of


def text(content: str) -> Extraction:
    return Extraction(content, "text", "text/plain", 0.1, 1.0, "en")


@pytest.mark.parametrize(
    ("names", "folders"),
    [
        (["ada/q1.txt", "ada/2b.docx", "ben/q1.txt"], ["ada", "ben"]),
        (["ada/paper.docx", "ben/final.pdf"], ["ada", "ben"]),
        (["ada/paper.docx", "ben/page-1.png", "ben/page-2.png", "cy/p.txt"], ["ada", "ben", "cy"]),
        (["7a/ada/q1.txt", "7a/ben/question-2.txt"], ["7a/ada", "7a/ben"]),
        (["ada/q1.txt", "cy.txt"], ["ada"]),
        (["7a/ada.txt", "7a/ben.txt", "7b/cy.txt", "7b/dee.txt"], []),
        (["class/1.txt", "class/2.txt"], []),
        (["ada.txt", "ben.txt"], []),
        (["class 7/ada.txt"], []),
        (["q1.txt", "q2a.txt"], [""]),
    ],
)
def test_a_students_folder_is_told_by_what_is_in_it(names: list[str], folders: list[str]) -> None:
    assert sorted(student_folders(names, "given")) == folders


def test_a_folder_is_named_after_its_student_even_by_moodle() -> None:
    assert student_of("7a/Ada Lovelace_60321_assignsubmission_file_", "x") == "Ada Lovelace"
    assert student_of("", "ada") == "ada"


def test_a_bundle_is_read_back_as_it_was_written() -> None:
    table = Table((("Q", "A"), ("1", "so")))
    part = Extraction("so", "docx", "application/docx", 0.0, 1.0, "en", (table,))
    bundle = read_bundle(Bundle("ada", ("paper.docx",), (part,)).extraction())
    assert bundle is not None
    assert (bundle.student, bundle.names, bundle.parts[0].text) == ("ada", ("paper.docx",), "so")
    assert bundle.parts[0].tables[0].rows == table.rows
    assert read_bundle(text('{"student": "ada"}')) is None


def test_files_called_after_questions_are_their_answers() -> None:
    parts = (
        text("It makes sugar.\nScore: 2/3"),
        text("Question 2b\nGreen is reflected. [1/1]"),
        text("Guide: Plants\nRoots drink:\n1. water\n2. salts\nScore: 0\nSecond marker: 1"),
    )
    paper = parse_bundle(
        Bundle("ada", ("q1.txt", "2(b).docx", "Question 3.txt"), parts), "ada/", ["1", "2b", "3"]
    )
    assert (paper.student, paper.guide_title, paper.problems) == ("ada", "Plants", ())
    assert paper.answers == (
        Answer("1", "It makes sugar.", 2.0, None, "q1.txt"),
        Answer("2b", "Green is reflected.", 1.0, None, "2(b).docx"),
        Answer("3", "Roots drink:\n1. water\n2. salts", 0.0, 1.0, "Question 3.txt"),
    )


def test_a_total_in_one_of_the_files_is_the_papers() -> None:
    bundle = Bundle("ada", ("q1.txt", "q2.txt"), (text("so"), text("thus\nTotal: 3/5")))
    paper = parse_bundle(bundle, "ada/", ["1", "2"])
    assert (paper.expected_total, [answer.text for answer in paper.answers]) == (3.0, ["so", "thus"])


def test_other_files_are_pages_and_a_student_whom_they_name_goes_before_the_folder() -> None:
    bundle = Bundle("ada", ("page1.txt", "page2.txt"), (text("Name: Ada L (S7)\n1. so"), text("2. thus")))
    paper = parse_bundle(bundle, "ada/", ["1", "2"])
    assert [(answer.number, answer.text) for answer in paper.answers] == [("1", "so"), ("2", "thus")]
    assert paper.student == "S7"
    assert parse_bundle(Bundle("ada", ("page.txt",), (text("1. so"),)), "ada/", ["1"]).student == "ada"


def test_a_file_of_an_unknown_item_and_two_of_one_are_told() -> None:
    bundle = Bundle("ada", ("q1.txt", "Q1.docx", "q9.txt"), (text("so"), text("thus"), text("what")))
    assert parse_bundle(bundle, "ada/", ["1"]).problems == (
        "answers item 1 2 times (q1.txt, Q1.docx): keep one",
        "answers item 9 (q9.txt), which is not among the guide's items",
    )
