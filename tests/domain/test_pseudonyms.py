"""Names taken out of texts: every way they are written, and nothing that only looks like them."""

import pytest

from domain.documents.extraction import Extraction
from domain.grading.identities import identity_of, masked
from domain.grading.pseudonyms import Eraser, Person, code


def text(content: str, media_type: str = "text/plain") -> Extraction:
    return Extraction(content, "t", media_type, 0.0, 1.0, "en")


def person(*names: str) -> Person:
    return Person("student-x", frozenset(names), frozenset(names))


def test_a_pseudonym_is_the_same_for_the_same_name_and_key_only() -> None:
    one = code(b"secret", "student", "Ada Lovelace")
    assert one == code(b"secret", "student", "  ADA   lovelace ")
    assert one.startswith("student-") and len(one) == len("student-") + 8
    assert len({one, code(b"other", "student", "Ada Lovelace"), code(b"secret", "student", "Ada")}) == 3


@pytest.mark.parametrize(
    "written",
    ["José Álvarez", "jose alvarez", "Jose\u0301 A\u0301lvarez", "Álvarez, José", "JOSÉ_ÁLVAREZ",
     "JoséÁlvarez", "josé.álvarez", "José", "ÁLVAREZ", "Alvarez"],
)  # fmt: skip
def test_a_name_goes_however_it_is_written(written: str) -> None:
    erased = Eraser([]).erase(f"I, {written}, think so.", [person("José Álvarez")])
    assert erased == "I, student-x, think so."


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (("Will Rose",), "The plant will grow; a rose has thorns."),
        (("Ann Li",), "Annual plants and Linen, an answer."),
        (("Mark Twain",), "Mark: 2/3"),
        (("12",), "12 apples and 112 pears"),
        (("S8",), "Sulphur is S8."),
    ],
)
def test_words_that_only_look_like_a_name_stay(names: tuple[str, ...], kept: str) -> None:
    assert Eraser([]).erase(kept, [person(*names)]) == kept


def test_full_names_of_others_and_addresses_go_too() -> None:
    eraser = Eraser([Person("student-a", frozenset(["Ada Lovelace", "Rose"]))])
    assert eraser.erase("With Ada Lovelace and a Rose, ask a.b@c.example!") == (
        "With student-a and a Rose, ask [address]!"
    )


def test_a_number_of_a_student_goes_where_it_is_long_enough() -> None:
    assert (
        Eraser([]).erase("I am 4041799 (zq-17).", [person("4041799", "ZQ-17")])
        == "I am student-x (student-x)."
    )


def test_all_that_names_a_student_in_a_header_is_found_and_masked() -> None:
    paper = text("Name: Ada Lovelace (S12)    Class: 7b\nGuide: Plants\n\n1. so\nName: of the leaf")
    identity = identity_of(paper)
    assert (identity.student, set(identity.names)) == ("S12", {"Ada Lovelace", "S12"})
    assert masked(paper, "student-x").text.startswith("Name: student-x    Class: 7b\nGuide: Plants\n")


def test_a_name_alone_on_top_is_likely_and_a_sentence_is_not() -> None:
    assert identity_of(text("Lysandra Wrenfield\n\n1. so")).likely == ("Lysandra Wrenfield",)
    assert identity_of(text("By: Ada Lovelace\n1. so")).likely == ("Ada Lovelace",)
    assert identity_of(text("plants make sugar\n\nfrom light")).likely == ()


def test_fields_of_json_papers_are_masked_and_answers_stay() -> None:
    paper = text(
        '{"student": "Ada", "email": "a@b.c", "answers": [{"id": "1", "text": "so"}]}', "application/json"
    )
    assert identity_of(paper).student == "Ada"
    hidden = masked(paper, "student-x").text
    assert "Ada" not in hidden and "a@b.c" not in hidden
    assert '"id": "1"' in hidden
