"""What counts as standing in a document."""

import pytest

from domain.grading.source_text import Found, SourceText, numbers_in

SOURCE = SourceText(
    "The guide “Plants”\n"
    "Photosyn-\n"
    "thesis needs light, i.e. energy.\n"
    "- green [1]; absorbs light (1 mark)\n"
    "| 1 | 5 | oxygen |\n"
    "| 2 | 6 | nitrogen |\n"
    "x² + 10² = −3.5 m/s\n"
    "It’s ﬁne\n"
    "光合作用是重要的\n"
    "It costs 1,500"
)


@pytest.mark.parametrize(
    ("quotation", "first", "last"),
    [
        ('The guide "Plants"', 1, 1),
        ("Photosynthesis needs light, i.e. energy", 2, 3),
        ("green; absorbs light", 4, 4),
        ("x^2 + 10^2 = -3.5 m/s", 7, 7),
        ("It's fine", 8, 8),
        ("合作用是", 9, 9),
    ],
)
def test_what_a_printer_changes_does_not_hide_a_quotation(quotation: str, first: int, last: int) -> None:
    assert SOURCE.find(quotation) == (Found(first, last),)


@pytest.mark.parametrize(
    "quotation",
    [
        "Photosynthesis requires light",  # another word
        "the guide",  # another letter's case
        "synthesis needs lights",
        "reen",  # part of a word
        "15",  # two numbers side by side
        "102",  # a power
        "3.5",  # without its sign
        "35",
        "m s",
        "light needs Photosynthesis",
        "",
        " ... ",
    ],
)
def test_what_changes_the_meaning_is_not_found(quotation: str) -> None:
    assert SOURCE.find(quotation) == ()


def test_rows_of_a_table_are_found_one_by_one_in_their_order() -> None:
    assert SOURCE.find("oxygen\nnitrogen") == (Found(5, 5), Found(6, 6))
    assert SOURCE.find("nitrogen\noxygen") == ()


def test_a_wording_that_two_items_share_is_found_in_the_later_one_if_asked() -> None:
    source = SourceText("1. Why?\nIt is green.\n2. And why?\nIt is green.")
    assert source.find("It is green.", after=3) == (Found(4, 4),)
    assert source.find("It is green.") == (Found(2, 2),)


def test_numbers_are_read_in_digits_halves_and_words() -> None:
    told = numbers_in("Question 2 (3 marks): ½ or 1½, two of 2.5; not a2 or CO2, 1,5 in German")
    assert told == {2.0, 3.0, 0.5, 1.5, 2.5}


@pytest.mark.parametrize(
    ("quotation", "cut_before", "cut_after"),
    [
        ("Plants make sugar with light", False, False),
        ("Plants make sugar", False, True),
        ("sugar with light", True, False),
        ("They are green, as a rule, and grow", False, False),
        ("They are green", False, True),
        ("leaves", False, False),
        ("What is it?", False, False),
        ("What is", False, True),
        ("wrapped to", False, True),
        ("wrapped to the next line", False, False),
        ("a cell", False, False),
        ("support", False, False),
    ],
)
def test_a_part_of_a_sentence_is_known_from_a_whole_one(
    quotation: str, cut_before: bool, cut_after: bool
) -> None:
    source = SourceText(
        "Model answer: Plants make sugar with light. They are green, as a rule, and grow\n"
        "- leaves [1]; roots and stems [2]\n"
        "1 What is it? (2)\n"
        "wrapped to\n"
        "the next line\n"
        "| a cell | another cell |\n"
        "- support (1 mark each)\n"
    )
    (found,) = source.find(quotation)
    assert (found.cut_before, found.cut_after) == (cut_before, cut_after)
