"""Class lists, a row a student and a column a question, as spreadsheets, forms and quizzes export them."""

import io
from textwrap import dedent

import pytest

from domain.contracts import Rejection
from domain.documents.extraction import Extraction, Limits
from domain.documents.xlsx import read as read_xlsx
from domain.grading.class_columns import Use, read_columns
from domain.grading.class_lists import choose_class_guide, class_sheets
from domain.grading.class_rows import ClassList, read_class_list
from domain.grading.records import Answer, Guide, Item

PLANTS = Guide(
    "Plants",
    (
        Item("1", "How do plants make food?", "By photosynthesis.", 3.0),
        Item("2a", "Why are leaves green?", "They reflect green light.", 2.0),
    ),
)

WHAT_IT_IS = "says what it is: name it after a question (Q1, 1a), a score (Q1 score) or the total"


def csv(text: str) -> Extraction:
    return Extraction(dedent(text).strip("\n"), "csv", "text/csv", 0.0, 1.0, "en")


def xlsx(*sheets: list[list[object]]) -> Extraction:
    from openpyxl import Workbook

    book = Workbook()
    for n, rows in enumerate(sheets):
        sheet = book.active if n == 0 else book.create_sheet()
        for row in rows:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    draft = read_xlsx(file.getvalue(), "list.xlsx", Limits())
    media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return Extraction(draft.text, draft.method, media, 0.0, 1.0, "en", draft.tables)


def read(extraction: Extraction, guide: Guide = PLANTS) -> ClassList:
    return read_class_list(class_sheets(extraction), guide)


def told(found: ClassList) -> list[tuple[str, str, str, str]]:
    return [(r.row, r.column, r.check, r.value) for r in found.rejections]


def test_a_row_is_a_paper_with_its_answers_scores_and_places() -> None:
    found = read(
        csv(
            """
            Student,Q1 answer,Q1 score,Q1 second marker,2a,2a mark,Total
            Ada,Sugar from light,3,2.5,They reflect green,2,5
            Ben,,0,,"It is
            their colour","1,5",
            """
        )
    )
    ada, ben = found.papers
    assert (ada.student, ada.guide_title, ada.expected_total) == ("Ada", "Plants", None)
    assert ada.answers == (
        Answer("1", "Sugar from light", 3.0, 2.5, "row 2, column Q1 answer"),
        Answer("2a", "They reflect green", 2.0, None, "row 2, column 2a"),
    )
    assert [(a.number, a.text, a.gold) for a in ben.answers] == [
        ("1", "", 0.0),
        ("2a", "It is\ntheir colour", 1.5),
    ]
    assert found.rejections == ()


def test_the_total_is_kept_where_only_it_is_known_and_checked_where_all_scores_are() -> None:
    found = read(
        csv("Name,Q1 answer,Q1 score,2a answer,2a score,Total /5\nAda,a,,b,,4\nBen,a,1,b,1,5\nCy,a,,b,,9")
    )
    assert [paper.expected_total for paper in found.papers] == [4.0, None, None]
    assert told(found) == [
        ("row 4 (Cy)", "Total /5", "at_most_max_score(5)", "9"),
        ("row 3 (Ben)", "Total /5", "the scores add up to 2, the paper states a total of 5", "5"),
    ]


def test_bad_cells_are_rejected_by_row_and_column_and_the_rest_of_the_row_is_kept() -> None:
    found = read(
        csv(
            """
            Student,Q1 answer,Q1 score,Q9,2a answer,2a score,Shoe size
            Ada,light,5,x,green,2,37
            Ben,sun,good,y,leaf,-1,38
            ,who?,1,z,am I,1,
            Ada,again,1,,again,1,
            Cy,#REF!,1,,leaf,1,
            """
        )
    )
    assert told(found) == [
        ("header", "Q9", "is an item of guide 'Plants', which has 1, 2a: correct it", ""),
        ("header", "Shoe size", WHAT_IT_IS, ""),
        ("row 2 (Ada)", "Q1 score", "at_most_max_score(3)", "5"),
        ("row 3 (Ben)", "Q1 score", "is_a_number", "good"),
        ("row 3 (Ben)", "2a score", "at_least(0)", "-1"),
        ("row 4", "student", "has a student's name or number", ""),
        ("row 5 (Ada)", "student", "is there once: keep one row", "Ada"),
        ("row 6 (Cy)", "Q1 answer", "is no error of the spreadsheet: restore the answer", "#REF!"),
    ]  # fmt: skip
    assert [(p.student, [(a.text, a.gold) for a in p.answers]) for p in found.papers] == [
        ("Ada", [("light", None), ("green", 2.0)]),
        ("Ben", [("sun", None), ("leaf", None)]),
        ("Cy", [("leaf", 1.0)]),
    ]


def test_a_google_form_is_read_by_its_questions() -> None:
    found = read(
        csv(
            """
            Timestamp,Email Address,Score,{asked},{asked} [Score],{asked} [Feedback],2a. Why?,2a. Why? [Score]
            2026/11/02 9:14:03 am,ada@school.example,4 / 5,With light,2.00 / 3,good,They reflect it,2.00 / 2
            """.replace("{asked}", "How do plants make food?")
        )
    )
    (paper,) = found.papers
    assert (paper.student, found.rejections) == ("ada@school.example", ())
    assert [(a.number, a.text, a.gold) for a in paper.answers] == [
        ("1", "With light", 2.0),
        ("2a", "They reflect it", 2.0),
    ]


def test_a_microsoft_form_counts_its_rows_and_names_its_students() -> None:
    found = read(
        csv(
            """
            ID,Start time,Completion time,Email,Name,Total points,{asked},Points - {asked},Feedback - {asked}
            1,9:00,9:10,anonymous,Ada Lovelace,2,With light,2,
            2,9:00,9:11,anonymous,Ben Okri,1,With soil,1,
            """.replace("{asked}", "How do plants make food?")
        )
    )
    assert [(p.student, p.answers[0].gold) for p in found.papers] == [
        ("Ada Lovelace", 2.0),
        ("Ben Okri", 1.0),
    ]


def test_a_moodle_quiz_is_read_with_its_averages_left_out() -> None:
    answers = [
        [
            "Last name",
            "First name",
            "ID number",
            "State",
            "Started on",
            "Grade/5.00",
            "Response 1",
            "Response 2a",
        ],
        ["Lovelace", "Ada", "S7", "Finished", "2 Nov", "4.50", "With light", "-"],
    ]
    scores = [
        ["Last name", "First name", "ID number", "Grade/5.00", "Q. 1 /3.00", "Q. 2a /2.00"],
        ["Lovelace", "Ada", "S7", 4.5, 2.5, "Requires grading"],
        ["Overall average", "", "", 4.5, 2.5, ""],
    ]
    found = read(xlsx(answers, scores))
    (paper,) = found.papers
    assert (paper.student, paper.expected_total, found.rejections) == ("S7", 4.5, ())
    assert [(a.number, a.text, a.gold, a.place) for a in paper.answers] == [
        ("1", "With light", 2.5, "table 1 row 2, column Response 1"),
        ("2a", "", None, "table 1 row 2, column Response 2a"),
    ]


def test_a_bare_number_is_an_answer_or_a_score_by_its_cells_and_never_guessed() -> None:
    words = read(csv("Name,Q1,Q1 /3\nAda,light,2\nBen,7,1"))
    assert [(p.answers[0].text, p.answers[0].gold) for p in words.papers] == [("light", 2.0), ("7", 1.0)]
    numbers = read(csv("Name,Q1,Q1 score\nAda,42,2\nBen,7,1"))
    assert [(p.answers[0].text, p.answers[0].gold) for p in numbers.papers] == [("42", 2.0), ("7", 1.0)]
    either = read(csv("Name,Q1,2a\nAda,1,so\nBen,2,thus"))
    assert [[a.number for a in p.answers] for p in either.papers] == [["2a"], ["2a"]]
    assert told(either)[0][:2] == ("header", "Q1")
    assert "name it 'Q1 answer' or 'Q1 score'" in told(either)[0][2]


def test_scores_without_answers_and_other_maxima_are_told_once() -> None:
    found = read(csv("Name,Q1 score,2a,2a /4\nAda,1,so,1\nBen,2,thus,2"))
    assert told(found) == [
        ("header", "Q1 score", "has the answers beside it: add a column 'Q1 answer'", ""),
        ("header", "2a /4", "is out of 2, what item 2a is worth in the guide: correct one of them", ""),
    ]
    assert [a.gold for p in found.papers for a in p.answers] == [None, None]


@pytest.mark.parametrize(
    ("header", "use", "number"),
    [
        ("Q1", Use.MARKS, "1"), ("Question 2(b)(ii) mark", Use.SCORE, "2bii"), ("Q1_score", Use.SCORE, "1"),
        ("Mark for question 2", Use.SCORE, "2"), ("Score Q3", Use.SCORE, "3"),
        ("Q1 score 2", Use.SECOND_SCORE, "1"),
        ("Your answer to Q1", Use.ANSWER, "1"), ("Response 1", Use.ANSWER, "1"),
        ("Right answer 1", Use.BESIDE, "1"),
        ("Q1 feedback", Use.BESIDE, "1"), ("Q. 1 /2.00", Use.MARKS, "1"), ("Grade/10.00", Use.TOTAL, ""),
        ("Candidate number", Use.ID, ""), ("Surname", Use.LAST_NAME, ""),
        ("Favourite colour", Use.UNKNOWN, ""),
    ],
)  # fmt: skip
def test_a_header_says_what_its_column_is(header: str, use: Use, number: str) -> None:
    (column,) = read_columns([header])
    assert (column.use, column.number) == (use, number)


def test_other_tables_are_no_class_lists() -> None:
    assert class_sheets(csv("Student,Question,Answer,Score\nAda,1,so,2")) == []
    assert class_sheets(csv("Question,Answer,Score\n1,so,2")) == []
    prose = Extraction("Name,Q1\nAda,so", "text", "text/plain", 0.0, 1.0, "en")
    assert class_sheets(prose) == []


def test_a_guide_is_chosen_by_the_column_that_names_it_or_the_questions() -> None:
    rocks = Guide("Rocks", (Item("1", "What is lava?", "Molten rock.", 1.0),))
    by_numbers, by_question = "Name,Q1,2a\nAda,so,so", "Name,What is lava?\nAda,hot"
    assert choose_class_guide(class_sheets(csv(by_numbers)), [rocks, PLANTS]).index == 1
    assert choose_class_guide(class_sheets(csv(by_question)), [PLANTS, rocks]).index == 1
    titled = "Name,Guide,Q1\nAda,rocks,so\nBen,rocks,so"
    assert choose_class_guide(class_sheets(csv(titled)), [PLANTS, rocks]).index == 1
    either = choose_class_guide(class_sheets(csv("Name,Q1\nAda,so")), [PLANTS, rocks])
    assert (either.index, "add a column 'Guide'" in either.problem) == (None, True)


def test_a_rejection_names_its_contract() -> None:
    found = read(csv("Name,Q1,Q1 score\nAda,so,7"))
    assert found.rejections == (
        Rejection("ClassList", "row 2 (Ada)", "Q1 score", "at_most_max_score(3)", "7"),
    )
