"""What published schemes do that plain tables do not: gaps, other ways, codes, symbols, inferred marks."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from domain.documents.extraction import PAGE_BREAK, Extraction, Table
from domain.documents.symbol_fonts import mapped
from domain.grading.guides import parse_guide
from domain.grading.mark_codes import codes_in
from domain.grading.marks_cells import read_marks_cell
from domain.grading.number_cells import other_way
from domain.grading.number_gaps import missing_numbers
from domain.grading.records import Guide


def guide_of(
    *tables: Sequence[Sequence[str]], before: Sequence[str] = (), notes: tuple[str, ...] = ()
) -> Guide:
    """What is read from a PDF with these tables, a page each, below the lines `before`."""
    pages = []
    for n, rows in enumerate(tables):
        lines = [*(before if n == 0 else ()), *(" | ".join(row) for row in rows)]
        pages.append("\n".join(lines))
    extraction = Extraction(
        text=f"\n{PAGE_BREAK}\n".join(pages),
        method="pypdfium2",
        media_type="application/pdf",
        seconds=0.0,
        quality=1.0,
        language="en",
        tables=tuple(Table(tuple(map(tuple, rows)), n) for n, rows in enumerate(tables, 1)),
        n_pages=len(tables),
        notes=notes,
    )
    return parse_guide(extraction, "guide.pdf")


HEADER = ("Q", "Working", "Answer", "Mark", "Notes")


def test_a_question_in_which_nothing_states_marks_is_worth_its_total_and_less_sure() -> None:
    guide = guide_of(
        [HEADER, ("1", "20 × 3", "", "", "M1"), ("", "", "60", "", "A1"), ("", "", "", "", "Total 2 marks")]
    )
    (item,) = guide.items
    assert (item.number, item.max_score, guide.problems) == ("1", 2.0, ())
    assert item.confidence < 1


def test_marks_of_one_cell_are_shared_out_to_the_parts_by_the_codes_of_their_notes() -> None:
    guide = guide_of(
        [
            HEADER,
            ("1(i)", "", "16", "3", "B1"),
            ("(ii)", "", "y < 16", "", "B2 for both signs"),
            ("", "", "", "", "Total 3 marks"),
        ]
    )
    assert [(item.number, item.max_score) for item in guide.items] == [("1i", 1.0), ("1ii", 2.0)]


def test_another_way_to_a_question_does_not_earn_its_marks_twice() -> None:
    guide = guide_of(
        [HEADER, ("1", "2 × 3", "6", "2", "M1 A1"), ("", "", "", "", "Total 2 marks")],
        [("1 ALT", "3 + 3", "6", "2", "M1 A1"), ("", "", "", "", "Total 2 marks")],
        [("2", "", "8", "1", "B1"), ("", "", "", "", "Total 1 mark")],
    )
    assert [(item.number, item.max_score, item.page) for item in guide.items] == [
        ("1", 2.0, 1),
        ("2", 1.0, 3),
    ]


def test_columns_of_a_wider_table_are_those_that_add_up_to_its_total() -> None:
    guide = guide_of(
        [HEADER, ("1", "2 × 3", "6", "2", "M1 A1"), ("", "", "", "", "Total 2 marks")],
        [
            ("2", "45 ÷ 5", "or 9 × 1", "", "3", "M1"),
            ("", "", "", "81", "", "A2"),
            ("", "", "", "", "", "Total 3 marks"),
        ],
    )
    assert [(item.number, item.max_score, item.model_answer) for item in guide.items][1] == ("2", 3.0, "81")
    assert guide.problems == ()


def test_marks_that_are_stated_are_looked_for_before_they_are_inferred() -> None:
    guide = guide_of(
        [HEADER, ("1", "2 × 3", "6", "2", "M1 A1"), ("", "", "", "", "Total 2 marks")],
        [
            ("2", "3x = 21", "or in another way", "", "2", "M1"),
            ("", "", "", "x = 7", "", "A1"),
            ("", "", "", "", "", "Total 2 marks"),
        ],
    )
    assert (guide.items[1].max_score, guide.items[1].model_answer) == (2.0, "x = 7")
    assert guide.items[1].confidence == 1


def test_a_value_in_the_column_of_numbers_is_no_question_before_the_total_of_the_one_in_hand() -> None:
    tables = [[(str(n), "", str(10 * n), "1", "B1"), ("", "", "", "", "Total 1 mark")] for n in range(1, 5)]
    tables[3].insert(1, ("12", "", "", "", "seen in the table"))
    guide = guide_of([HEADER, *tables[0]], *tables[1:])
    assert [item.number for item in guide.items] == ["1", "2", "3", "4"]


def test_a_table_that_explains_marks_gives_notes_to_the_items_above_it() -> None:
    guide = guide_of(
        [("Question", "Scheme", "Marks"), ("1(a)", "x > 3", "B1"), ("(b)", "x < 9", "B1")],
        [("Part", "Mark", "Notes"), ("(a)", "B1", "For the strict sign"), ("(b)", "B1", "Allow ≤")],
    )
    assert [(item.number, item.max_score) for item in guide.items] == [("1a", 1.0), ("1b", 1.0)]
    assert "strict sign" in guide.items[0].guidance and "Allow" in guide.items[1].guidance


def test_a_number_and_its_answer_in_one_cell_are_told_apart() -> None:
    guide = guide_of(
        [
            ("Question", "Answer", "Marks"),
            ("1", "chlorophyll", "1"),
            ("2(a) light falls on the leaf", "", "1"),
        ]
    )
    assert [(item.number, item.model_answer) for item in guide.items][1] == ("2a", "light falls on the leaf")


def test_an_item_whose_header_is_ruled_otherwise_than_its_row_is_read_by_its_row() -> None:
    guide = guide_of(
        [("Question\nnumber", "Answer", "Mark"), ("1(a)", "chlorophyll", "(1)")],
        [("Q\nn", "Question\nnumber", "A", "Answer", "", "Mark"), ("1(b)", "", "in leaves", "", "(2)", "")],
    )
    assert [(i.number, i.max_score, i.model_answer) for i in guide.items][1] == ("1b", 2.0, "in leaves")


def test_levels_that_are_ruled_beside_their_header_say_what_the_item_above_is_worth() -> None:
    guide = guide_of(
        [("Question", "Answer", "Marks"), ("1", "Discuss both sides.", "")],
        [("Level", "", "Mark", "Descriptor"), ("1", "1–2", "", "some knowledge"), ("2", "3–6", "", "clear")],
    )
    assert [(item.number, item.max_score) for item in guide.items] == [("1", 6.0)]


def test_general_instructions_are_kept_apart_from_the_items() -> None:
    guide = guide_of(
        [("Question", "Answer", "Marks"), ("1", "chlorophyll", "1")],
        before=["Biology Paper 1", "Read each answer to its end before you mark it.", "Total: 1 mark"],
    )
    assert guide.instructions == "Read each answer to its end before you mark it."
    assert guide.stated_total == 1


def test_an_item_on_a_page_that_ocr_was_unsure_of_is_as_unsure() -> None:
    guide = guide_of(
        [("Question", "Answer", "Marks"), ("1", "chlorophyll", "1")],
        notes=("page 1 read by OCR, confidence 0.71",),
    )
    assert guide.items[0].confidence == pytest.approx(0.71)
    assert any("hold its items against the source" in problem for problem in guide.problems)


@pytest.mark.parametrize(
    ("cell", "total"),
    [
        ("(1)\nM1\nA1\nB1ft", 3),
        ("(3)\nB1ft\n(1)", 1),
        ("M1 A1\n{M1} {A1}", 2),
        ("M1\nA1\n[2]\n[M1\nA1]", 2),
        ("6.02", None),
        ("2.25", 2.25),
    ],
)
def test_a_cell_of_marks_says_what_its_own_item_is_worth(cell: str, total: float | None) -> None:
    assert read_marks_cell(cell).total == total


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("21 ALT", "21"),
        ("1\nALT II\n(Via\nsum and\nproduct)", "1"),
        ("Alternative mark scheme for 8(a)", ""),
        ("12", None),
        ("altogether", None),
    ],
)
def test_a_cell_of_numbers_says_whether_it_names_another_way(cell: str, number: str | None) -> None:
    assert other_way(cell) == number


def test_a_number_that_is_left_out_is_told_with_what_follows_it() -> None:
    read = [("1", "a"), ("1", "b"), ("1", "d"), ("2",), ("4",)]
    assert list(missing_numbers(read)) == [("3", "4"), ("1c", "1d")]
    assert list(missing_numbers([("7",), ("8",)])) == []


def test_codes_in_a_scheme_are_told_with_their_meanings_and_words_are_not_codes() -> None:
    found = codes_in(["M1 for 3x, ft their 21", "A1 cao", "SC1 for 145"])
    assert list(found) == ["M", "A", "SC", "ft", "cao"]
    assert codes_in(["A large plant often bears fruit; B vitamins"]) == {}


def test_characters_of_symbol_fonts_are_those_that_they_show() -> None:
    assert mapped("2 \uf0b4 3 \uf0b3 5 \uf0b7") == "2 × 3 ≥ 5 •"
    assert mapped("\uf0fc done") == "✓ done"
    assert mapped("plain") == "plain"
