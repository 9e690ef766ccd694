import hashlib
import math
from dataclasses import replace

import pandas as pd
import pytest

from domain.contracts import Rejection, sift
from domain.documents.extraction import Extraction
from domain.errors import InputError
from domain.grading.contracts import Answers, Items
from domain.grading.records import Answer, Criterion, Guide, Item, Submission
from domain.kinds import Role
from infra.catalog import (
    Catalog,
    FoundFile,
    ParsedGuide,
    ParsedSubmission,
    ParsedTable,
    ParseOutcome,
    ReadFile,
    TableAnswer,
    Unparsed,
    answers_frame,
    guide_items,
    guides,
    items_frame,
    pending_parses,
    quarantine,
    quarantined,
    record_files,
    save_guides,
    save_submissions,
    save_table,
    save_unparsed,
    submissions,
    unparsed,
)
from infra.texts import TextRefs

SKY = Item(
    "1",
    "Why is the sky blue?",
    "Rayleigh scattering",
    2.0,
    (Criterion("scattering", 1.0), Criterion("short waves", 1.0)),
    ("molecules scatter blue",),
    "line 1",
)
SEA = Item("2a", "Why is the sea salty?", "Rivers carry salts", 3.0)
GUIDE = Guide("Nature", (SKY, SEA), stated_total=5.0)


def document(catalog: Catalog, name: str, role: Role, owner: str = "local") -> str:
    """The id of a new document."""
    sha256 = hashlib.sha256(name.encode()).hexdigest()
    extraction = Extraction(f"text of {name}", "text", "text/plain", 0.0, 1.0, "en")
    read = ReadFile.of(sha256, extraction, TextRefs("x"))
    (outcome,) = record_files(catalog, owner, role, "1", [FoundFile(name, sha256, 1)], [read])
    return str(outcome.document_id)


def paper(student: str, *answers: Answer, **more: object) -> Submission:
    return replace(Submission(student, answers), **more)  # type: ignore[arg-type]


@pytest.fixture
def guide_id(catalog: Catalog) -> str:
    """A guide that has been parsed."""
    guide_id = document(catalog, "nature.txt", Role.GUIDE)
    save_guides(catalog, "1", [ParsedGuide(guide_id, GUIDE)])
    return guide_id


def test_items_come_back_as_they_were_parsed_and_obey_their_contract(catalog: Catalog, guide_id: str) -> None:
    frame = items_frame(catalog, "local")
    sifted = sift(Items, frame, key="item_id", max_reject_share=0)
    assert list(sifted.passed["number"]) == ["1", "2a"]
    first = frame.iloc[0]
    assert (first["guide"], first["guide_id"], first["place"]) == ("Nature", guide_id, "line 1")
    assert first["criteria"] == [
        {"text": "scattering", "marks": 1.0},
        {"text": "short waves", "marks": 1.0},
    ]
    assert first["alternatives"] == ["molecules scatter blue"]
    assert guide_items(catalog, guide_id) == {
        "1": (frame["item_id"][0], 2.0),
        "2a": (frame["item_id"][1], 3.0),
    }


def test_answers_come_back_with_their_students_and_obey_their_contract(
    catalog: Catalog, guide_id: str
) -> None:
    ada, ben = document(catalog, "ada.txt", Role.SUBMISSION), document(catalog, "ben.txt", Role.SUBMISSION)
    save_submissions(
        catalog,
        "1",
        [
            ParsedSubmission(ada, guide_id, paper("Ada", Answer("1", "light scatters", 2.0, 1.5, "line 3"))),
            ParsedSubmission(ben, guide_id, paper("Ben", Answer("2a", "salt"), expected_total=4.0)),
        ],
    )
    frame = answers_frame(catalog, "local")
    sifted = sift(Answers, frame, key="answer_id", max_reject_share=0)
    assert sifted.passed[["student", "text", "max_score"]].values.tolist() == [
        ["Ada", "light scatters", 2.0],
        ["Ben", "salt", 3.0],
    ]
    assert frame["gold"].tolist()[0] == 2.0
    assert math.isnan(frame["gold"].tolist()[1])
    assert frame["document_id"].tolist() == [ada, ben]
    assert [(s.student, s.expected_total, s.n_answers) for s in submissions(catalog, "local")] == [
        ("Ada", None, 1),
        ("Ben", 4.0, 1),
    ]
    (row,) = guides(catalog, "local")
    assert (row.n_items, row.total, row.stated_total, row.n_answers, row.n_graded) == (2, 5.0, 5.0, 2, 1)


def test_an_empty_catalog_has_empty_frames_with_all_columns(catalog: Catalog) -> None:
    items, answers = items_frame(catalog, "local"), answers_frame(catalog, "local")
    assert set(Items.to_schema().columns) <= set(items.columns)
    assert set(Answers.to_schema().columns) <= set(answers.columns)
    assert (len(items), len(answers)) == (0, 0)
    assert guides(catalog, "local") == []


def test_saving_again_changes_nothing(catalog: Catalog, guide_id: str) -> None:
    ada = document(catalog, "ada.txt", Role.SUBMISSION)
    parsed = [ParsedSubmission(ada, guide_id, paper("Ada", Answer("1", "light", 2.0)))]
    save_submissions(catalog, "1", parsed)
    before = (items_frame(catalog, "local"), answers_frame(catalog, "local"))
    save_guides(catalog, "1", [ParsedGuide(guide_id, GUIDE)])
    save_submissions(catalog, "1", parsed)
    pd.testing.assert_frame_equal(before[0], items_frame(catalog, "local"))
    pd.testing.assert_frame_equal(before[1], answers_frame(catalog, "local"))


def test_a_parsed_document_is_pending_only_for_another_version(catalog: Catalog, guide_id: str) -> None:
    other = document(catalog, "other.txt", Role.GUIDE)
    assert [d.id for d in pending_parses(catalog, "local", Role.GUIDE, "1")] == [other]
    assert [d.id for d in pending_parses(catalog, "local", Role.GUIDE, "2")] == [guide_id, other]
    assert [d.id for d in pending_parses(catalog, "local", Role.GUIDE, "2", [guide_id])] == [guide_id]
    assert pending_parses(catalog, "other school", Role.GUIDE, "1") == []


def test_a_submission_without_its_guide_stays_pending_and_a_failed_one_does_not(catalog: Catalog) -> None:
    waiting = document(catalog, "early.txt", Role.SUBMISSION)
    failed = document(catalog, "noise.txt", Role.SUBMISSION)
    save_unparsed(
        catalog,
        "1",
        [
            Unparsed(waiting, ParseOutcome.WAITING, ("its guide 'Nature' is not here",)),
            Unparsed(failed, ParseOutcome.FAILED, ("no answer was found",)),
        ],
    )
    assert [d.name for d in pending_parses(catalog, "local", Role.SUBMISSION, "1")] == ["early.txt"]
    assert [(row.name, row.outcome) for row in unparsed(catalog, "local")] == [
        ("early.txt", ParseOutcome.WAITING),
        ("noise.txt", ParseOutcome.FAILED),
    ]
    guide_id = document(catalog, "nature.txt", Role.GUIDE)
    save_guides(catalog, "1", [ParsedGuide(guide_id, GUIDE)])
    save_submissions(catalog, "1", [ParsedSubmission(waiting, guide_id, paper("Ada", Answer("1", "light")))])
    assert pending_parses(catalog, "local", Role.SUBMISSION, "1") == []
    assert [row.name for row in unparsed(catalog, "local", Role.SUBMISSION)] == ["noise.txt"]


def test_a_guide_with_problems_is_listed_but_not_trained_on(catalog: Catalog, guide_id: str) -> None:
    odd = document(catalog, "odd.txt", Role.GUIDE)
    problem = "the items are worth 2, the guide says 10"
    save_guides(catalog, "1", [ParsedGuide(odd, Guide("Odd", (SKY,), 10.0, (problem,)))])
    rows = {row.name: row for row in guides(catalog, "local")}
    assert (rows["odd.txt"].outcome, rows["odd.txt"].problems) == (ParseOutcome.PROBLEM, (problem,))
    assert set(items_frame(catalog, "local")["guide_id"]) == {guide_id}
    assert set(items_frame(catalog, "local", [odd])["guide_id"]) == {odd}
    ada = document(catalog, "ada.txt", Role.SUBMISSION)
    save_submissions(catalog, "1", [ParsedSubmission(ada, odd, paper("Ada", Answer("1", "light", 1.0)))])
    assert len(answers_frame(catalog, "local")) == 0
    assert len(answers_frame(catalog, "local", [odd])) == 1


def test_a_newer_parse_that_finds_the_same_keeps_the_ids(catalog: Catalog, guide_id: str) -> None:
    before = items_frame(catalog, "local").set_index("number")["item_id"]
    richer = replace(SEA, model_answer="Rivers carry dissolved salts")
    save_guides(catalog, "2", [ParsedGuide(guide_id, replace(GUIDE, items=(richer, SKY)))])
    after = items_frame(catalog, "local").set_index("number")["item_id"]
    assert list(after.index) == ["2a", "1"]
    assert after["1"] == before["1"]
    assert after["2a"] != before["2a"]


def test_only_the_newest_parse_counts(catalog: Catalog, guide_id: str) -> None:
    ada = document(catalog, "ada.txt", Role.SUBMISSION)
    both = paper("Ada", Answer("1", "light", 2.0), Answer("2a", "salt", 1.0))
    save_submissions(catalog, "1", [ParsedSubmission(ada, guide_id, both)])
    save_guides(catalog, "2", [ParsedGuide(guide_id, replace(GUIDE, items=(SKY,)))])
    assert list(items_frame(catalog, "local")["number"]) == ["1"]
    assert list(answers_frame(catalog, "local")["text"]) == ["light"]
    save_submissions(
        catalog, "2", [ParsedSubmission(ada, guide_id, paper("Ada", Answer("1", "bent light", 2.0)))]
    )
    assert list(answers_frame(catalog, "local")["text"]) == ["bent light"]
    assert guides(catalog, "local")[0].n_answers == 1


def test_two_items_of_one_number_are_refused(catalog: Catalog) -> None:
    guide_id = document(catalog, "twice.txt", Role.GUIDE)
    with pytest.raises(InputError, match="Item 1 is in the guide twice"):
        save_guides(catalog, "1", [ParsedGuide(guide_id, Guide("Twice", (SKY, replace(SEA, number="1"))))])
    assert guides(catalog, "local") == []


def test_an_answer_to_an_unknown_item_is_named_and_nothing_is_kept(catalog: Catalog, guide_id: str) -> None:
    ada = document(catalog, "ada.txt", Role.SUBMISSION)
    answers = (Answer("1", "light"), Answer("9", "what?", place="line 7"))
    with pytest.raises(InputError, match=r"Ada answers item 9 \(line 7\)"):
        save_submissions(catalog, "1", [ParsedSubmission(ada, guide_id, paper("Ada", *answers))])
    assert len(answers_frame(catalog, "local")) == 0
    assert len(pending_parses(catalog, "local", Role.SUBMISSION, "1")) == 1


def test_a_student_who_answers_an_item_twice_is_named(catalog: Catalog, guide_id: str) -> None:
    ada = document(catalog, "ada.txt", Role.SUBMISSION)
    answers = (Answer("1", "light"), Answer("1", "dust"))
    with pytest.raises(InputError, match="Ada answers item 1 twice"):
        save_submissions(catalog, "1", [ParsedSubmission(ada, guide_id, paper("Ada", *answers))])


def test_a_table_of_answers_is_a_guide_and_its_submissions(catalog: Catalog) -> None:
    table = document(catalog, "answers.csv", Role.ANSWERS)
    rows = tuple(
        TableAnswer(f"s{n}", "1" if n % 2 else "2a", f"answer {n}", float(n % 3), split="test",
                    protocol="unseen_items", place=f"row {n}")
        for n in range(10_000)
    )  # fmt: skip
    parsed = ParsedTable(table, GUIDE, rows)
    save_table(catalog, "1", parsed)
    save_table(catalog, "1", parsed)
    frame = answers_frame(catalog, "local")
    assert len(frame) == 10_000
    assert frame["text"].tolist() == [row.text for row in rows]
    assert set(frame["given_split"]) == {"test"}
    assert set(frame["given_protocol"]) == {"unseen_items"}
    (row,) = guides(catalog, "local")
    assert (row.name, row.n_items, row.n_answers, row.n_graded) == ("answers.csv", 2, 10_000, 10_000)
    assert pending_parses(catalog, "local", Role.ANSWERS, "1") == []


def test_a_score_that_is_not_a_number_is_no_score(catalog: Catalog) -> None:
    table = document(catalog, "answers.csv", Role.ANSWERS)
    rows = (TableAnswer("s1", "1", "text", float("nan"), float("nan")), TableAnswer("s2", "1", "text", 1.0))
    save_table(catalog, "1", ParsedTable(table, GUIDE, rows))
    (row,) = guides(catalog, "local")
    assert (row.n_answers, row.n_graded) == (2, 1)


def test_owners_do_not_see_each_others_items_and_answers(catalog: Catalog, guide_id: str) -> None:
    assert len(items_frame(catalog, "other school")) == 0
    assert guides(catalog, "other school", [guide_id]) == []
    assert len(answers_frame(catalog, "other school", [guide_id])) == 0


def test_text_that_postgresql_refuses_is_scrubbed(catalog: Catalog) -> None:
    guide_id = document(catalog, "odd.txt", Role.GUIDE)
    hostile = Item("1", "Why\0?", "because \ud800", 1.0, (Criterion("\0point", 1.0),), ("alter\udfffnative",))
    for _ in range(2):
        save_guides(catalog, "1", [ParsedGuide(guide_id, Guide("a\0b", (hostile,)))])
    (row,) = items_frame(catalog, "local").to_dict("records")
    assert (row["guide"], row["question"], row["model_answer"]) == ("ab", "Why?", "because \ufffd")
    assert row["criteria"] == [{"text": "point", "marks": 1.0}]


def test_quarantine_keeps_each_failed_check_once(catalog: Catalog) -> None:
    failed = [
        Rejection("Answers", "a1", "gold", "gold_within_max_score", "7"),
        Rejection("Answers", "a1", "text", "not_blank", ""),
    ]
    assert quarantine(catalog, "local", "ada.txt", failed) == 2
    assert quarantine(catalog, "local", "ada.txt", failed[:1]) == 0
    assert quarantine(catalog, "local", "ben.txt", failed[:1]) == 1
    assert quarantine(catalog, "local", "ben.txt", []) == 0
    frame = quarantined(catalog, "local")
    assert len(frame) == 3
    first = frame[["row", "column", "check", "value"]].values.tolist()[0]
    assert first == ["a1", "gold", "gold_within_max_score", "7"]
    assert set(quarantined(catalog, "local", ["ben.txt"])["source"]) == {"ben.txt"}
    assert len(quarantined(catalog, "other school")) == 0


def test_an_essay_in_a_failed_cell_is_kept_short(catalog: Catalog) -> None:
    quarantine(catalog, "local", "x", [Rejection("Answers", "r" * 9000, "text", "not_blank", "x" * 9000)])
    assert len(quarantined(catalog, "local")["value"][0]) == 500
