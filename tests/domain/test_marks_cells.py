"""Cells of marks, as mark schemes print them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.grading.marks_cells import read_marks_cell
from domain.grading.number_cells import read_number_cell


@pytest.mark.parametrize(
    ("cell", "total"),
    [
        ("2", 2), ("(2)", 2), ("[3]", 3), ("[3 marks]", 3), ("2 marks", 2), ("½", 0.5), ("1½", 1.5),
        ("/5", 5),
        ("1\n1\n1", 3), ("1 1 1", 3), ("1 + 1", 2), ("2 x 1", 2), ("3 × 2", 6), ("max 3", 3), ("4 max", 4),
        ("1\n1\n1\nmax 2", 2), ("1\n1\n(2)", 2), ("M1\nA1", 2), ("M1 A1 A1", 3), ("M1A1", 2),
        ("(M1)(A1)", 2),
        ("dM1", 1), ("B2", 2), ("M1dep A1ft", 2), ("B1 SC1", 1), ("5–6", 6), ("5-6", 6), ("1 to 2", 2),
        ("Level 3: 5-6 marks", 6), ("2 (AO1)", 2), ("AO2.1a 3", 3), ("", None), ("see notes", None),
        ("AO1", None), ("0", 0),
    ],
)  # fmt: skip
def test_a_cell_says_what_it_is_worth(cell: str, total: float | None) -> None:
    assert read_marks_cell(cell).total == total


def test_a_cell_of_several_marks_keeps_each_and_tells_sums_and_levels_apart() -> None:
    assert read_marks_cell("1\n2\n1").lines == (1.0, 2.0, 1.0)
    assert read_marks_cell("M1 A2").lines == (1.0, 2.0)
    assert read_marks_cell("(4)").is_sum and not read_marks_cell("4").is_sum
    assert read_marks_cell("3–4").is_band


@given(st.text(max_size=400))
def test_no_cell_breaks_the_reading(cell: str) -> None:
    total = read_marks_cell(cell).total
    assert total is None or total >= 0
    read_number_cell(cell)


@pytest.mark.parametrize(
    ("cell", "levels"),
    [
        ("1", ("1",)), ("1.", ("1",)), ("Q1", ("1",)), ("Question 2", ("2",)), ("01.2", ("1.2",)),
        ("0 1 . 2", ("1.2",)), ("1a", ("1", "a")), ("1(a)", ("1", "a")), ("1 (a) (ii)", ("1", "a", "ii")),
        ("1(a)\n(i)", ("1", "a", "i")),
        ("(b)", ("b",)), ("(ii)", ("ii",)), ("b)", ("b",)), ("*3(c)", ("3", "c")), ("2(a) cont.", ("2", "a")),
        ("1.2.3", ("1.2.3",)), ("Notes:", ()), ("Total", ()), ("or", ()), ("QWC", ()), ("", ()),
    ],
)  # fmt: skip
def test_a_number_is_read_as_its_levels(cell: str, levels: tuple[str, ...]) -> None:
    assert read_number_cell(cell) == levels
