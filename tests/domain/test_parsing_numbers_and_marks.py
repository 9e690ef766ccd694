"""Question numbers, marks and scores, as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.grading.marks_notation import has_limit, marks_each, read_number, split_points, take_marks
from domain.grading.numbering import nest, normalise_number, read_label
from domain.grading.scores_notation import read_total_score, take_scores


@pytest.mark.parametrize(
    ("printed", "normal"),
    [
        ("Q 2 (b)(ii)", "2bii"),
        ("1(a)", "1a"),
        ("Q1 a", "1a"),
        ("Question 1:", "1"),
        ("  3. ", "3"),
        ("03", "3"),
        ("10", "10"),
        ("1.2", "1.2"),
        ("1.2.a", "1.2a"),
        ("1-2", "1.2"),
        ("Item No. 4", "4"),
        ("Aufgabe 5b", "5b"),
        ("２ｂ", "2b"),
        ("(c)", "c"),
    ],
)
def test_a_number_has_one_form_however_it_is_printed(printed: str, normal: str) -> None:
    assert normalise_number(printed) == normal


@given(st.text(max_size=20))
def test_normalising_a_number_twice_changes_nothing(text: str) -> None:
    assert normalise_number(normalise_number(text)) == normalise_number(text)


@given(st.integers(1, 99), st.sampled_from(["", "a", "f"]), st.sampled_from(["", "i", "iv"]))
def test_every_way_to_print_a_number_is_read_as_the_same_label(top: int, part: str, roman: str) -> None:
    roman = roman if part else ""
    levels = tuple(level for level in (str(top), part, roman) if level)
    brackets = "".join(f"({level})" for level in levels[1:])
    for printed in (f"{top}{brackets}. Why?", f"Q{top}{brackets} Why?", f"## Question {top}{brackets}: Why?"):
        label = read_label(printed)
        assert label is not None
        assert (label.levels, label.rest) == (levels, "Why?")


@pytest.mark.parametrize(
    "line",
    [
        "1914 was the year",
        "2 marks for method",
        "1.5 litres of water",
        "3d printing works",
        "12:30 was noon",
        "i.e. so",
    ],
)
def test_numbers_within_prose_are_not_question_numbers(line: str) -> None:
    assert read_label(line) is None


def test_parts_without_their_question_belong_to_the_one_above() -> None:
    assert nest(("a",), ("2",)) == ("2", "a")
    assert nest(("i",), ("2", "b")) == ("2", "b", "i")
    assert nest(("ii",), ("2", "b", "i")) == ("2", "b", "ii")
    assert nest(("c",), ("2", "b", "ii")) == ("2", "c")
    assert nest(("i",), ("2", "h")) == ("2", "i")
    assert nest(("ii",), ("2", "i")) == ("2", "ii")
    assert nest(("a", "ii"), ("2",)) == ("2", "a", "ii")


@pytest.mark.parametrize(
    ("text", "rest", "marks"),
    [
        ("Name it. [3]", "Name it.", 3.0),
        ("Name it. [3 marks]", "Name it.", 3.0),
        ("Name it. (2 marks)", "Name it.", 2.0),
        ("Name it. (2)", "Name it.", 2.0),
        ("Name it. /5", "Name it.", 5.0),
        ("Name it. ____/5", "Name it.", 5.0),
        ("Name it - 3 pts", "Name it", 3.0),
        ("Name it. Marks: 2", "Name it.", 2.0),
        ("Name it: 2 points", "Name it", 2.0),
        ("Name it [½]", "Name it", 0.5),
        ("Name it (1½ marks)", "Name it", 1.5),
        ("Name it (1/2 mark)", "Name it", 0.5),
        ("Name it (0.25 P)", "Name it", 0.25),
        ("Nenne es (1,5 Punkte)", "Nenne es", 1.5),
        ("(3 marks) Name it", "Name it", 3.0),
        ("[2] Name it", "Name it", 2.0),
        ("Name it [1 mark].", "Name it.", 1.0),
        ("Name it (one mark)", "Name it", 1.0),
        ("Name it | 2", "Name it", 2.0),
        ("See figure (2) and name it", "See figure (2) and name it", None),
        ("It weighs 3 kg", "It weighs 3 kg", None),
        ("The ratio is 3/4", "The ratio is 3/4", None),
    ],
)
def test_marks_are_taken_out_of_a_text(text: str, rest: str, marks: float | None) -> None:
    taken = take_marks(text)
    assert (taken.text, taken.marks) == (rest, marks)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2", 2.0),
        ("1.5", 1.5),
        ("1,5", 1.5),
        ("1½", 1.5),
        ("½", 0.5),
        ("1/2", 0.5),
        ("three", 3.0),
        ("x", None),
        ("", None),
    ],
)
def test_numbers_are_read_as_written_by_hand(text: str, value: float | None) -> None:
    assert read_number(text) == value


def test_lists_of_points_say_what_each_earns_and_what_all_earn_at_most() -> None:
    assert marks_each("Any two from (one mark each)") == 1.0
    assert marks_each("2 marks for each reason") == 2.0
    assert has_limit("Any two from:")
    assert has_limit("1 mark each, max 3")
    assert not has_limit("names two gases")
    assert split_points("green [1]; absorbs light (1 mark), fixes carbon [2]") == [
        "green [1]",
        "absorbs light (1 mark)",
        "fixes carbon [2]",
    ]


@pytest.mark.parametrize(
    ("line", "score", "second"),
    [
        ("Score: 2", 2.0, None),
        ("Score: 2/3", 2.0, None),
        ("**Score:** 2 / 3", 2.0, None),
        ("Score: 2 out of 3", 2.0, None),
        ("Mark: 1.5", 1.5, None),
        ("Marks awarded: 1½ marks", 1.5, None),
        ("Awarded: 0", 0.0, None),
        ("[2/3]", 2.0, None),
        ("2/3", 2.0, None),
        ("Second marker: 2", None, 2.0),
        ("Score: 3   Second marker: 2/4", 3.0, 2.0),
        ("Score: 3 | Marker 2: 1", 3.0, 1.0),
        ("Examiner 1: 3; Examiner 2: 2", 3.0, 2.0),
    ],
)
def test_a_line_of_scores_leaves_no_text(line: str, score: float | None, second: float | None) -> None:
    scored = take_scores(["It is green.", line])
    assert (scored.lines, scored.score, scored.second) == (("It is green.",), score, second)


@pytest.mark.parametrize(
    "line",
    [
        "It is green. [2/3]",
        "It is green. (Score: 2)",
        "It is green.   Score: 2/3",
        "It is green. Mark: 2",
        "[2/3] It is green.",
    ],
)
def test_scores_at_the_end_or_start_of_an_answer_are_taken_out(line: str) -> None:
    scored = take_scores([line])
    assert (scored.lines, scored.score) == (("It is green.",), 2.0)


@pytest.mark.parametrize(
    "line",
    [
        "The chance is 2/3",
        "They scored 2 goals",
        "Points: A and B are fixed",
        "The high mark is set by tides",
        "x = 2 / 3 of it",
    ],
)
def test_students_may_write_about_numbers_and_marks(line: str) -> None:
    assert take_scores([line]).lines == (line,)
    assert take_scores([line]).score is None


def test_a_score_that_cannot_be_read_is_told_and_still_taken_out() -> None:
    scored = take_scores(["It is green.", "Score: see over"])
    assert scored.lines == ("It is green.",)
    assert scored.problems == ("the score 'see over' cannot be read: write a number",)


def test_two_different_scores_are_told_and_neither_is_taken() -> None:
    scored = take_scores(["Green.", "Score: 2", "Mark: 3"])
    assert scored.score is None
    assert scored.problems == ("two different scores are stated, 2 and 3: keep the right one",)


def test_remarks_of_the_examiner_are_no_part_of_the_answer() -> None:
    scored = take_scores(["Green.", "Feedback: good, but", "say why.", "Score: 1", "It grows."])
    assert scored.lines == ("Green.", "It grows.")


@pytest.mark.parametrize(
    ("line", "total"),
    [
        ("Total: 14/20", (14.0, 20.0)),
        ("Total score: 14", (14.0, None)),
        ("**Total:** 6,5 / 13 marks", (6.5, 13.0)),
        ("Final mark: 12 out of 15", (12.0, 15.0)),
        ("The total was 14 of them", None),
    ],
)
def test_totals_of_a_paper_are_read(line: str, total: tuple[float, float | None] | None) -> None:
    assert read_total_score(line) == total
