"""Students' papers: whose they are, what they answer, what was scored, and which guide they fit."""

import json
import time
from textwrap import dedent

import pytest

from domain.documents.extraction import Extraction, Table
from domain.errors import InputError
from domain.grading.alignment import align, choose_guide
from domain.grading.records import Answer, Guide, Item, Submission
from domain.grading.submissions import parse_submission


def read(
    text: str,
    numbers: list[str] | None = None,
    media_type: str = "text/plain",
    tables: tuple[Table, ...] = (),
    name: str = "class 7/ada.txt",
) -> Submission:
    text = dedent(text).strip("\n")
    return parse_submission(Extraction(text, "test", media_type, 0.0, 1.0, "en", tables), name, numbers)


def texts(submission: Submission) -> dict[str, str]:
    return {answer.number: answer.text for answer in submission.answers}


def golds(submission: Submission) -> dict[str, tuple[float | None, float | None]]:
    return {answer.number: (answer.gold, answer.second_gold) for answer in submission.answers}


PAPER = """
    Student: S001
    Guide: Photosynthesis

    1. Plants make sugar
    from light.
    Score: 2/3

    2) Green light is reflected. [2/2]

    Q3. Light and temperature
    Mark: 1.5
    Second marker: 2
    Feedback: good, but
    incomplete.

    4 (a) roots
    Score: 1   Second marker: 0
    4 (b)
    Awarded: 0
    Total: 6.5/9
    """


def test_a_graded_paper_gives_texts_scores_and_places() -> None:
    paper = read(PAPER)
    assert (paper.student, paper.guide_title, paper.problems) == ("S001", "Photosynthesis", ())
    assert texts(paper) == {
        "1": "Plants make sugar\nfrom light.",
        "2": "Green light is reflected.",
        "3": "Light and temperature",
        "4a": "roots",
        "4b": "",
    }
    assert golds(paper) == {"1": (2, None), "2": (2, None), "3": (1.5, 2), "4a": (1, 0), "4b": (0, None)}
    assert [answer.place for answer in paper.answers][:2] == ["line 4", "line 8"]


SCORES = [
    *("Score: 3/4", "Score: 3", "SCORE = 3", "**Score:** 3", "Mark: 3", "Marks: 3/4", "Marks awarded: 3"),
    *("Awarded: 3", "[3/4]", "(3/4)", "3/4", "Points: 3 points", "Grade: 3", "Score | 3", "[Score: 3]"),
    *("Score: 3 out of 4", "Teacher's score: 3", "Human score: 3", "First marker: 3", "Score: 3 marks"),
    *("- Score: 3", "> Mark: 3"),
]


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize("where", ["below", "above", "between"])
def test_a_score_never_leaks_into_the_answer(score: str, where: str) -> None:
    body = {
        "below": f"It falls.\nSlowly.\n{score}",
        "above": f"{score}\nIt falls.\nSlowly.",
        "between": f"It falls.\n\n{score}\n\nSlowly.",
    }
    paper = read(f"Question 1\n{body[where]}\nQuestion 2\nIt rises.\nScore: 1", ["1", "2"])
    assert {number: text.replace("\n\n", "\n") for number, text in texts(paper).items()} == {
        "1": "It falls.\nSlowly.",
        "2": "It rises.",
    }
    assert golds(paper) == {"1": (3, None), "2": (1, None)}


@pytest.mark.parametrize(
    "ending", ["[3/4]", "(Score: 3)", "[Mark: 3/4]", "   Score: 3/4", " | Score: 3", " Score: 3", "[3 / 4]."]
)
def test_a_score_at_the_end_of_the_last_line_never_leaks(ending: str) -> None:
    paper = read(f"1. It falls. {ending}\n2. It rises. [1/2]", ["1", "2"])
    assert texts(paper) == {"1": "It falls.", "2": "It rises."}
    assert golds(paper)["1"] == (3, None)


@pytest.mark.parametrize(
    "head", ["Question 1 [3/4]", "Question 1: 3/4", "Question 1 (3/4)", "Question 1 — Score: 3"]
)
def test_a_score_beside_the_number_never_leaks(head: str) -> None:
    paper = read(f"{head}\nIt falls.\nQuestion 2 [1/2]\nIt rises.")
    assert texts(paper) == {"1": "It falls.", "2": "It rises."}
    assert golds(paper) == {"1": (3, None), "2": (1, None)}


def test_a_paper_with_only_a_total_keeps_it_and_not_in_the_text() -> None:
    for line in ("Total: 14/20", "Total score: 14", "**Total marks:** 14", "Overall: 14 out of 20"):
        paper = read(f"Name: Ada\n1. so\n2. thus\n{line}")
        assert paper.expected_total == 14
        assert texts(paper) == {"1": "so", "2": "thus"}
    assert read("Name: Ada\nScore: 14/20\n\n1. so\n2. thus").expected_total == 14


def test_a_total_beside_all_scores_is_checked_and_dropped() -> None:
    paper = read("1. so\nScore: 1\n2. thus\nScore: 2\nTotal: 5")
    assert paper.expected_total is None
    assert paper.problems == ("the scores add up to 3, the paper states a total of 5",)


@pytest.mark.parametrize(
    ("header", "student"),
    [
        ("Student: Ada Lovelace", "Ada Lovelace"),
        ("Name: Ada", "Ada"),
        ("**Candidate:** Ada", "Ada"),
        ("Candidate number: 0042", "0042"),
        ("Name: Ada\nStudent ID: s-7", "s-7"),
        ("Name: Ada    Student ID: s-7    Class: 7b", "s-7"),
        ("Student: Ada Lovelace (S12)", "S12"),
        ("Student | Ada", "Ada"),
        ("My answers", "ada"),
    ],
)
def test_a_student_is_named_by_the_header_and_else_by_the_file(header: str, student: str) -> None:
    assert read(f"{header}\n\n1. so\n2. thus").student == student


def test_blank_answers_are_kept_without_text() -> None:
    paper = read("1.\n2. (no answer)\n3. -\n4. [blank]\nScore: 0\n5. No")
    assert texts(paper) == {"1": "", "2": "", "3": "", "4": "", "5": "No"}


def test_lists_in_answers_stay_in_their_answer() -> None:
    paper = read(
        """
        Question 1
        1. first
        2. second
        Question 2
        a) one
        b) two
        """,
        ["1", "2"],
    )
    assert texts(paper) == {"1": "1. first\n2. second", "2": "a) one\nb) two"}
    nested = read("1. Two things:\n1. first\n2. second\n2. Thus.\n3. So.", ["1", "2", "3"])
    assert texts(nested) == {"1": "Two things:\n1. first\n2. second", "2": "Thus.", "3": "So."}


def test_parts_are_answers_where_the_guide_has_parts() -> None:
    paper = read("1 (a) one\n(b) two\n2.\na) three\nb) four\n3. five\na) six", ["1a", "1b", "2a", "2b", "3"])
    assert texts(paper)["1b"] == "two"
    assert (texts(paper)["2a"], texts(paper)["2b"]) == ("three", "four")
    assert texts(paper)["3"] == "five\na) six"


def test_a_number_without_a_sign_behind_it_opens_an_answer_where_it_can() -> None:
    assert texts(read("Q1 gravity pulls\nQ2 the engine\nQ3 Gas")) == {
        "1": "gravity pulls",
        "2": "the engine",
        "3": "Gas",
    }
    assert texts(read("1 Gravity\n2 Engine", ["1", "2"])) == {"1": "Gravity", "2": "Engine"}
    told = read("Question 1\nAs in\nQuestion 1 it falls.\nQuestion 2\nIt rises.")
    assert texts(told) == {"1": "As in\nQuestion 1 it falls.", "2": "It rises."}


def test_the_repeated_question_is_no_part_of_the_answer() -> None:
    paper = read(
        """
        Question 1
        Question: What is a force?
        Answer: A push.
        It can turn.
        Question 2 [3 marks]
        A pull.
        Question 3. What is work? (2 marks)
        Force times way.
        """
    )
    assert texts(paper) == {"1": "A push.\nIt can turn.", "2": "A pull.", "3": "Force times way."}


def test_unknown_numbers_are_kept_and_told() -> None:
    paper = read("Q1: so\nQ9: thus", ["1", "2"])
    assert texts(paper) == {"1": "so", "9": "thus"}
    assert paper.problems == ("answers item 9 (line 2), which is not among the guide's items",)


def test_an_item_answered_twice_is_told() -> None:
    assert read("Q1: so\nQ2: thus\nQ1: else").problems == (
        "answers item 1 2 times (line 1, line 3): keep one",
    )


def test_a_paper_without_answers_says_how_to_number_them() -> None:
    assert read("Dear teacher, I was ill.").problems == (
        "class 7/ada.txt has no answers: put the question's number before each, such as 1. or Q1",
    )


def test_a_table_of_answers_is_read_by_its_header() -> None:
    rows = (
        ("Question", "Student answer", "Max", "Score", "Second marker"),
        ("1(a)", "so", "3", "2", "1"),
        ("Q2", "thus", "2", "1½/2", ""),
        ("3", "", "1", "none", ""),
    )
    text = "Name | Ada\nGuide | Plants\n" + "\n".join(" | ".join(row) for row in rows)
    paper = read(text, tables=(Table((("Name", "Ada"), ("Guide", "Plants"))), Table(rows)))
    assert (paper.student, paper.guide_title) == ("Ada", "Plants")
    assert paper.answers[:2] == (
        Answer("1a", "so", 2.0, 1.0, "table 2 row 2"),
        Answer("2", "thus", 1.5, None, "table 2 row 3"),
    )
    assert paper.problems == ("item 3 (table 2 row 4): the score 'none' cannot be read: write a number",)


def test_a_table_of_answers_is_read_from_text_alone() -> None:
    paper = read("Name: Ada\n\nNo | Answer | Score\n1 | so | 2\n2 | thus | 1/2\n\nTotal: 3")
    assert paper.answers == (Answer("1", "so", 2.0, None, "line 4"), Answer("2", "thus", 1.0, None, "line 5"))
    assert (paper.student, paper.problems) == ("Ada", ())


def test_json_papers_are_read_under_our_names_and_others() -> None:
    ours = {
        "student": "Ada",
        "guide": "Plants",
        "answers": [
            {"number": "1(a)", "text": "so", "score": 2, "second_score": 1.5},
            {"number": 2, "text": None},
        ],
        "total": 3,
    }
    paper = read(json.dumps(ours), media_type="application/json")
    assert (paper.student, paper.guide_title, paper.expected_total) == ("Ada", "Plants", 3.0)
    assert paper.answers == (
        Answer("1a", "so", 2.0, 1.5, "answers[0]"),
        Answer("2", "", None, None, "answers[1]"),
    )
    other = {
        "candidate": "Ada",
        "exam": "Plants",
        "responses": {"Q1": "so", "2": {"response": "thus", "mark": "1½"}},
    }
    paper = read(json.dumps(other), media_type="application/json")
    assert paper.answers == (
        Answer("1", "so", None, None, "responses.Q1"),
        Answer("2", "thus", 1.5, None, "responses.2"),
    )


@pytest.mark.parametrize(
    ("content", "path"),
    [
        ({"answers": [{"number": "1", "score": "good"}]}, "answers[0].score"),
        ({"answers": [{"number": "1", "text": ["a"]}]}, "answers[0].text"),
        ({"answers": [{"text": "a"}]}, "answers[0]"),
        ({"answers": "a"}, "answers"),
        ({"student": {"a": 1}}, "student"),
        ([{"student": "a"}], "the document"),
    ],
)
def test_a_wrong_type_in_a_json_paper_is_named_by_its_path(content: object, path: str) -> None:
    with pytest.raises(InputError, match=r"ada\.txt: ") as error:
        read(json.dumps(content), media_type="application/json")
    assert f": {path} is " in str(error.value)


def guide(title: str, *items: tuple[str, float]) -> Guide:
    return Guide(title, tuple(Item(number, "Why?", "So.", worth) for number, worth in items))


def paper(*answers: Answer, title: str = "", total: float | None = None) -> Submission:
    return Submission("Ada", answers, title, total)


SIX = guide("Plants", *((str(n), 2.0) for n in range(1, 7)))


def test_answers_meet_their_items_by_number_in_any_notation() -> None:
    aligned = align(
        paper(Answer("Q1 a", "so", 1.0), Answer("2", "thus")), guide("G", ("1(a)", 2), ("2", 1), ("3", 1))
    )
    assert [(m.answer.text, m.item.number) for m in aligned.matched] == [("so", "1(a)"), ("thus", "2")]
    assert (aligned.problems, aligned.missing) == ((), ("3",))


def test_an_unknown_item_a_score_too_high_and_a_repeat_are_told_and_left_out() -> None:
    aligned = align(
        paper(
            Answer("9", "so", place="line 4"), Answer("2", "thus", 5.0), Answer("3", "a"), Answer("3", "b"),
            Answer("4", "c", 1.0, 2.5), Answer("5", "d", 2.0),
        ),
        SIX,
    )  # fmt: skip
    assert aligned.problems == (
        "answers item 9 (line 4), but guide 'Plants' has items 1 to 6: correct the number, or add the guide",
        "scores 5 for item 2, which is worth 2: correct the score",
        "answers item 3 more than once: keep one of the answers",
        "the second examiner scores 2.5 for item 4, which is worth 2: correct the score",
    )
    assert [m.answer.number for m in aligned.matched] == ["5"]
    assert aligned.missing == ("1", "6")


def test_a_total_above_the_worth_of_the_guide_is_told() -> None:
    assert align(paper(Answer("1", "so"), total=13), SIX).problems == (
        "states a total of 13, but guide 'Plants' is worth 12",
    )


def test_a_guide_is_chosen_by_its_title_whatever_the_case_and_punctuation() -> None:
    guides = [
        guide("Cells", ("1", 1)),
        guide("Marking guide – Plants & Light", ("1", 1)),
        guide("Plants", ("1", 1)),
    ]
    assert choose_guide(paper(Answer("1", "so"), title="plants & light"), guides).index == 1
    assert choose_guide(paper(Answer("1", "so"), title="PLANTS."), guides).index == 2


def test_a_guide_is_chosen_by_the_numbers_where_only_one_has_them() -> None:
    guides = [guide("Cells", ("1", 1), ("2", 1)), guide("Plants", ("1(a)", 1), ("1(b)", 1))]
    assert choose_guide(paper(Answer("1a", "so")), guides).index == 1


@pytest.mark.parametrize(
    ("submission", "guides", "words"),
    [
        (paper(Answer("1", "so")), [], "there is no marking guide"),
        (
            paper(Answer("1", "so"), title="Rocks"),
            [SIX],
            "no guide has the title 'Rocks', there are 'Plants'",
        ),
        (paper(Answer("1", "so"), title="plants"), [SIX, SIX], "2 guides have the title 'plants'"),
        (paper(Answer("1", "so")), [SIX, guide("Cells", ("1", 1))], "the paper fits 'Plants', 'Cells'"),
        (paper(Answer("7", "so")), [SIX], "no guide has all the items that this paper answers (7)"),
    ],
)
def test_a_guide_that_cannot_be_told_is_a_problem_and_no_guess(
    submission: Submission, guides: list[Guide], words: str
) -> None:
    choice = choose_guide(submission, guides)
    assert choice.index is None
    assert words in choice.problem


def test_a_page_is_parsed_in_under_two_milliseconds() -> None:
    page = dedent(PAPER) + "\n".join(
        f"Question {n}\n{'The plant takes in water. ' * 12}\nScore: 1" for n in range(5, 12)
    )
    extraction = Extraction(page, "test", "text/plain", 0.0, 1.0, "en")
    best = 1.0
    for _ in range(50):
        started = time.process_time()
        parse_submission(extraction, "a.txt", None)
        best = min(best, time.process_time() - started)
    assert best < 0.002
