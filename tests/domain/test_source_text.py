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
