"""Marking guides in the layouts that teachers use."""

import json
from textwrap import dedent

import pytest

from domain.documents.extraction import Extraction, Table
from domain.errors import InputError
from domain.grading.guides import parse_guide
from domain.grading.records import Guide


def read(text: str, media_type: str = "text/plain", tables: tuple[Table, ...] = ()) -> Guide:
    text = dedent(text).strip("\n")
    return parse_guide(Extraction(text, "test", media_type, 0.0, 1.0, "en", tables), "folder/leaf.txt")


def summary(guide: Guide) -> list[tuple[str, str, str, float]]:
    return [(item.number, item.question, item.model_answer, item.max_score) for item in guide.items]


PLANTS = [
    ("1", "What is photosynthesis?", "Plants make sugar with light.", 3.0),
    ("2", "Why are leaves green?", "Chlorophyll reflects green.", 2.0),
]

LAYOUTS = {
    "labelled fields": """
        Plants
        Total: 5 marks

        1. What is photosynthesis? [3 marks]
        Model answer: Plants make sugar with light.

        2. Why are leaves green? (2)
        Answer: Chlorophyll reflects green.
        """,
    "headings of Markdown": """
        # Plants

        ## Question 1 (3 marks)
        What is photosynthesis?

        **Model answer:** Plants make sugar with light.

        ## Question 2 (2 marks)
        Why are leaves green?

        **Model answer:** Chlorophyll reflects green.

        **Total: 5 marks**
        """,
    "brackets after numbers": """
        Plants
        1) What is photosynthesis? /3
        Expected answer: Plants make sugar with light.
        2) Why are leaves green? /2
        Expected answer: Chlorophyll reflects green.
        [Total: 5]
        """,
    "marks on their own line": """
        Title: Plants
        Q1 What is photosynthesis?
        Marks: 3
        Answer:
        Plants make sugar with light.
        Q2 Why are leaves green?
        Max marks: 2
        Answer:
        Chlorophyll reflects green.
        Total marks 5
        """,
    "answers without a label": """
        Plants
        Maximum mark 5
        1. What is photosynthesis? [3]
        Plants make sugar with light.
        2. Why are leaves green? [2]
        Chlorophyll reflects green.
        """,
    "every field with its label": """
        Marking guide: Plants
        Question 1
        Question: What is photosynthesis?
        Model answer: Plants make sugar with light.
        Marks: 3

        Question 2
        Question: Why are leaves green?
        Model answer: Chlorophyll reflects green.
        Marks: 2
        Total: 5
        """,
    "items without numbers": """
        Plants
        Total: 5
        Question: What is photosynthesis? (3 points)
        Solution: Plants make sugar with light.
        Question: Why are leaves green? (2 points)
        Solution: Chlorophyll reflects green.
        """,
    "answers after all questions": """
        Plants
        Total: 5 marks
        Questions
        1. What is photosynthesis? [3]
        2. Why are leaves green? [2]
        Answers
        1. Plants make sugar with light.
        2. Chlorophyll reflects green.
        """,
    "marks before the question": """
        Plants
        Question 1: (3 marks) What is photosynthesis?
        A: Plants make sugar with light.
        Question 2: (2 marks) Why are leaves green?
        A: Chlorophyll reflects green.
        5 marks total
        """,
    "numbers without a point": """
        Plants
        1 What is photosynthesis? [3]
        Model answer: Plants make sugar with light.
        2 Why are leaves green? [2]
        Model answer: Chlorophyll reflects green.
        Total: 5 marks
        """,
    "one question and answer a line": """
        Plants
        Total = 5
        Q1: What is photosynthesis? - 3 pts
        A1: Plants make sugar with light.
        Q2: Why are leaves green? - 2 pts
        A2: Chlorophyll reflects green.
        """,
    "a table of Markdown": """
        # Plants

        | No. | Question | Model answer | Marks |
        |-----|----------|--------------|------:|
        | 1 | What is photosynthesis? | Plants make sugar with light. | 3 |
        | 2 | Why are leaves green? | Chlorophyll reflects green. | 2 |
        | Total | | | 5 |
        """,
    "a table with its columns in another order": """
        Plants
        Max. Marks | Expected Answer | Question
        [3] | Plants make sugar with light. | 1. What is photosynthesis?
        [2] | Chlorophyll reflects green. | 2. Why are leaves green?
        Total: 5 marks
        """,
    "one table of names and values an item": """
        Plants
        Question 1 | What is photosynthesis?
        Model answer | Plants make sugar with light.
        Marks | 3
        Question 2 | Why are leaves green?
        Model answer | Chlorophyll reflects green.
        Marks | 2
        Total | 5
        """,
    "marks behind a dash in brackets": """
        Plants (5 marks)
        1. What is photosynthesis? - [3]
           Answer: Plants make sugar with light.
        2. Why are leaves green? - [2]
           Answer: Chlorophyll reflects green.
        """,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_guide_reads_the_same_in_every_layout(layout: str) -> None:
    guide = read(LAYOUTS[layout])
    assert summary(guide) == PLANTS
    assert (guide.title, guide.stated_total, guide.problems) == ("Plants", 5.0, ())


def test_every_item_says_where_it_came_from() -> None:
    assert [item.place for item in read(LAYOUTS["labelled fields"]).items] == ["line 4", "line 7"]
    assert [item.place for item in read(LAYOUTS["answers after all questions"]).items] == [
        "line 4 and line 7",
        "line 5 and line 8",
    ]


def test_tables_of_a_document_say_page_table_and_row() -> None:
    rows = (("Question", "Answer", "Marks"), ("1(a)", "The heart", "1"), ("1(b)", "It pumps blood", "2"))
    guide = read("Blood\nTotal: 3", tables=(Table(rows, page=2),))
    assert [(i.number, i.model_answer, i.max_score, i.place) for i in guide.items] == [
        ("1a", "The heart", 1.0, "page 2 table 1 row 2"),
        ("1b", "It pumps blood", 2.0, "page 2 table 1 row 3"),
    ]
    assert guide.problems == ()


def test_a_table_that_goes_on_below_an_item_adds_to_it() -> None:
    text = """
        Gases
        No | Question | Answer | Marks
        1 | Name two gases. | oxygen | 1
         |  | nitrogen | 1
        2 | Name a metal. | iron | 1
        Total: 3
        """
    guide = read(text)
    assert summary(guide) == [
        ("1", "Name two gases.", "oxygen\nnitrogen", 2.0),
        ("2", "Name a metal.", "iron", 1.0),
    ]
    assert guide.problems == ()


def test_guidance_in_a_table_tells_what_is_accepted_and_what_is_not() -> None:
    rows = (
        ("Question", "Answer", "Marks", "Guidance"),
        ("1", "The king", "1", "Accept monarch\nDo not accept: the queen"),
        ("2", "Taxes and war", "2", "taxes [1]; war [1]"),
    )
    guide = read("History", tables=(Table(rows),))
    assert guide.items[0].alternatives == ("monarch",)
    assert guide.items[0].not_accepted == ("the queen",)
    assert [c.text for c in guide.items[1].criteria] == ["taxes", "war"]
    assert guide.problems == ()


def test_a_csv_guide_is_read_by_its_header() -> None:
    guide = read(
        'Question No;Prompt;Reference answer;Max score\n1;Why?;"Because; so";1,5\n2;How?;Thus;2\n', "text/csv"
    )
    assert summary(guide) == [("1", "Why?", "Because; so", 1.5), ("2", "How?", "Thus", 2.0)]
    assert (guide.title, guide.items[1].place, guide.problems) == ("leaf", "row 3", ())


def test_parts_of_a_question_are_items_with_its_stem_before_them() -> None:
    guide = read(
        """
        Cars
        Question 1 (4 marks)
        A car brakes.
        (a) Define speed. [1]
        Answer: distance per time
        (b) (i) Find the speed. [1]
        Answer: 20 m/s
        (ii) Say why it falls. [2]
        Answer: friction
        2 (a) Name a force. [½]
        Answer: drag
        (b) Name another. [1½]
        Answer: weight
        Total: 6
        """
    )
    assert [(i.number, i.max_score) for i in guide.items] == [
        ("1a", 1.0), ("1bi", 1.0), ("1bii", 2.0), ("2a", 0.5), ("2b", 1.5),
    ]  # fmt: skip
    assert guide.items[1].question == "A car brakes.\nFind the speed."
    assert guide.problems == ()


def test_marking_points_alternatives_and_exclusions_are_kept_apart() -> None:
    guide = read(
        """
        Leaf
        1. Why is it green? [3]
        Model answer: Chlorophyll.
        Marking points:
        - names chlorophyll [1]
        - absorbs red light
          and blue light (1 mark)
        * reflects green light; 1 mark
        Accept: the green pigment; chloroplasts
        Do not accept: it is paint
        Total: 3
        """
    )
    (item,) = guide.items
    assert [(c.text, c.marks) for c in item.criteria] == [
        ("names chlorophyll", 1.0),
        ("absorbs red light and blue light", 1.0),
        ("reflects green light", 1.0),
    ]
    assert item.alternatives == ("the green pigment", "chloroplasts")
    assert item.not_accepted == ("it is paint",)
    assert guide.problems == ()


def test_points_written_in_one_line_or_in_a_table_are_points_too() -> None:
    guide = read(
        """
        Leaf
        1. Why is it green? [2]
        Model answer: Chlorophyll.
        Mark scheme: names chlorophyll [1]; reflects green (1 mark)
        2. What does it need? [3]
        Model answer: Light and water.
        Marking point | Marks
        light | 1
        water | 2
        Total: 5
        """
    )
    assert [[(c.text, c.marks) for c in item.criteria] for item in guide.items] == [
        [("names chlorophyll", 1.0), ("reflects green", 1.0)],
        [("light", 1.0), ("water", 2.0)],
    ]
    assert guide.problems == ()


def test_any_two_of_three_points_may_sum_to_more_than_the_item() -> None:
    guide = read(
        """
        1. Name two gases. [2]
        Answer: oxygen, nitrogen
        Marking points (any two, 1 mark each):
        - oxygen
        - nitrogen
        - argon
        2. Name one metal. [1]
        Answer: iron
        Criteria:
        Any one from:
        - iron [1]
        - tin [1]
        """
    )
    assert [sum(c.marks for c in item.criteria) for item in guide.items] == [3.0, 2.0]
    assert guide.problems == ()


def test_marking_points_stand_in_for_a_model_answer() -> None:
    guide = read(
        "1. Why? [2]\nMark scheme:\n- it is hot [1]\n- it is dry [1]\n2. How? [1]\nMark scheme:\n- by sea [1]"
    )
    assert [item.model_answer for item in guide.items] == ["it is hot\nit is dry", "by sea"]
    assert guide.problems == ()


def test_or_on_a_line_opens_an_alternative() -> None:
    guide = read(
        "1. What moves blood? [1]\nThe heart\nOR\nThe pump of the body\n2. What carries it? [1]\nVeins"
    )
    assert guide.items[0].model_answer == "The heart"
    assert guide.items[0].alternatives == ("The pump of the body",)


def test_numbered_lists_in_an_answer_are_not_questions() -> None:
    guide = read(
        """
        Factors
        1. Name three factors. [3]
        Model answer:
        1. light
        2. water
        3. warmth
        2. Name one gas. [1]
        Model answer: oxygen
        3. Name two metals. [2]
        Model answer: iron
        and tin
        Total: 6
        """
    )
    assert [(i.number, i.max_score) for i in guide.items] == [("1", 3.0), ("2", 1.0), ("3", 2.0)]
    assert guide.items[0].model_answer == "1. light\n2. water\n3. warmth"
    assert guide.problems == ()


def test_instructions_before_the_first_question_are_not_items() -> None:
    guide = read(
        """
        Physics
        1. Mark in red.
        2. Give half marks.
        Total: 3
        Question 1 [1]
        What is a force?
        Answer: a push
        Question 2 [2]
        What is work?
        Answer: force times way
        """
    )
    assert [i.number for i in guide.items] == ["1", "2"]
    assert guide.problems == ()


def test_a_guide_that_does_not_add_up_names_both_totals() -> None:
    guide = read(LAYOUTS["labelled fields"].replace("Total: 5", "Total: 20"))
    assert guide.problems == ("the items add up to 5 marks, the guide states 20",)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "1. Why? [3]\nAnswer: so\nPoints:\n- a [1]\n- b [1]\n2. How? [1]\nAnswer: thus",
            "item 1 (line 1) is worth 3 marks, but its marking points add up to 2",
        ),
        (
            "1. Why? [3]\nAnswer: so\nPoints: (any three)\n- a [1]\n- b [1]\n2. How? [1]\nAnswer: thus",
            "item 1 (line 1) is worth 3 marks, but all its marking points add up to only 2",
        ),
        (
            "1. Why? [3]\nAnswer: so\nMarks: 4\n2. How? [1]\nAnswer: thus",
            "item 1 (line 1) states different marks, 4 and 3: keep the right one",
        ),
        (
            "1. Why? [3]\nAnswer: so\n2. How? [1]\n3. When? [1]\nAnswer: now",
            "item 2 (line 3) has no model answer: add one, or marking points",
        ),
        (
            "1. Why? [3]\nAnswer: so\n2. How?\nAnswer: thus",
            "item 2 (line 3) states no marks: say what it is worth",
        ),
        (
            "1. Why? [3]\nAnswer: so\n2. How? [1]\nAnswer: thus\n2. Who? [1]\nAnswer: they",
            "item 2 appears 2 times: number each item once",
        ),
        (
            "Question 1 (5 marks)\n(a) Why? [1]\nAnswer: so\n(b) How? [2]\nAnswer: thus",
            "question 1 states 5 marks, but its parts add up to 3",
        ),
        (
            "1 (a) Why? [1]\nso\n(b) How? [2]\nthus\nTotal for question 1: 4\n2 Who? [1]\nthey",
            "question 1 states 4 marks, but its parts add up to 3",
        ),
        (
            "Total: 4\n1. Why? [3]\nAnswer: so\nTotal: 3",
            "the guide states different totals, 4 and 3: keep the right one",
        ),
        (
            "1. Why?\nAnswer: so\n2. How?\nAnswer: thus",
            "no marks were found: give each question its marks, such as [3] or (3 marks)",
        ),
        (
            "Dear colleagues,\nplease mark kindly.",
            "no questions were found: number them (1., 2., ...) and give each its marks, such as [3]",
        ),
        (
            "1. Why? [0]\nAnswer: so\n2. How? [1]\nAnswer: thus",
            "item 1 (line 1) is worth 0 marks: say what it is worth",
        ),
    ],
)
def test_what_is_wrong_with_a_guide_is_told_in_a_sentence(text: str, problem: str) -> None:
    assert problem in read(text).problems


def test_totals_of_questions_are_not_the_total_of_the_guide() -> None:
    guide = read(
        "1 (a) Why? [1]\nso\n(b) How? [2]\nthus\n[Total: 3]\n"
        "2. Who? [1]\nthey\n[Total: 1]\nTotal for paper: 4"
    )
    assert (guide.stated_total, guide.problems) == (4.0, ())


def test_marks_from_points_alone_count_only_where_the_total_confirms_them() -> None:
    text = "1. Why?\nAnswer: so\nPoints:\n- a [1]\n- b [1]\n2. How? [1]\nAnswer: thus"
    assert read(text).problems == (
        "item 1 (line 1) states no marks, its marking points add up to 2: say what it is worth",
    )
    confirmed = read(f"{text}\nTotal: 3")
    assert (confirmed.items[0].max_score, confirmed.problems) == (2.0, ())


def test_a_guide_without_a_title_is_named_by_its_file() -> None:
    assert read("1. Why? [3]\nAnswer: so").title == "leaf"


def test_a_json_guide_is_read_in_our_shape() -> None:
    guide = read(
        json.dumps(
            {
                "title": "Plants",
                "total": 2,
                "items": [
                    {
                        "number": "1(a)",
                        "question": "Why?",
                        "model_answer": "So.",
                        "max_score": 2,
                        "criteria": [{"text": "hot", "marks": 1}, {"text": "dry", "marks": 1}],
                        "alternatives": ["Thus."],
                    }
                ],
            }
        ),
        "application/json",
    )
    (item,) = guide.items
    assert (guide.title, guide.stated_total, guide.problems) == ("Plants", 2.0, ())
    assert (item.number, item.place, item.alternatives) == ("1a", "items[0]", ("Thus.",))
    assert [(c.text, c.marks) for c in item.criteria] == [("hot", 1.0), ("dry", 1.0)]


def test_a_json_guide_is_read_under_common_other_names() -> None:
    guide = read(
        json.dumps(
            {
                "name": "Plants",
                "totalMarks": "4",
                "questions": [
                    {
                        "id": 1,
                        "prompt": "Why?",
                        "answer": "So.",
                        "marks": 2,
                        "marking_points": ["hot [1]", "dry (1 mark)"],
                    },
                    {"id": 2, "text": "How?", "prompt": "How?", "expectedAnswer": "Thus.", "points": 2},
                ],
            }
        ),
        "application/json",
    )
    assert summary(guide) == [("1", "Why?", "So.", 2.0), ("2", "How?", "Thus.", 2.0)]
    assert [(c.text, c.marks) for c in guide.items[0].criteria] == [("hot", 1.0), ("dry", 1.0)]
    assert (guide.title, guide.stated_total, guide.problems) == ("Plants", 4.0, ())


@pytest.mark.parametrize(
    ("items", "path"),
    [
        ([{"number": "1", "max_score": "three or so"}], "items[0].max_score"),
        ([{"number": "1", "max_score": True}], "items[0].max_score"),
        ([{"number": "1", "max_score": -1}], "items[0].max_score"),
        ([{"number": "1", "max_score": 10**400}], "items[0].max_score"),
        ([{"number": "1"}, {"number": ["2"]}], "items[1].number"),
        ([{"number": "1", "model_answer": {"a": 1}}], "items[0].model_answer"),
        ([{"number": "1", "criteria": [{"marks": 1}]}], "items[0].criteria[0]"),
        ([{"number": "1", "criteria": [{"text": "a", "marks": []}]}], "items[0].criteria[0].marks"),
        (["1"], "items[0]"),
        ("none", "items"),
    ],
)
def test_a_wrong_type_in_a_json_guide_is_named_by_its_path(items: object, path: str) -> None:
    with pytest.raises(InputError) as error:
        read(json.dumps({"title": "T", "items": items}), "application/json")
    assert f"leaf.txt: {path} is " in str(error.value)


def test_broken_json_is_an_input_error_that_names_the_file() -> None:
    with pytest.raises(InputError, match=r"leaf\.txt is not valid JSON"):
        read('{"title": ', "application/json")
    with pytest.raises(InputError, match=r"leaf\.txt is not valid JSON"):
        read("[" * 100_000, "application/json")


def test_a_json_guide_without_marks_has_a_problem_and_no_error() -> None:
    guide = read('{"items": [{"number": 1, "answer": "So."}]}', "application/json")
    assert "item 1 (items[0]) states no marks: say what it is worth" in guide.problems


def test_marks_that_a_line_end_cuts_in_two_are_still_marks() -> None:
    first = "Motion\n\n1. Why does it fall? [3\nmarks]\nModel answer: because\n"
    found = read(first + "2. And then? (2\nmarks)\nAnswer: it lands\n")
    assert [(item.question, item.max_score) for item in found.items] == [
        ("Why does it fall?", 3.0),
        ("And then?", 2.0),
    ]
