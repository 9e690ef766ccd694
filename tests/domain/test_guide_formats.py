"""Guides in the formats of other programs, written by hand to their specifications."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from domain.documents.reading import extract
from domain.errors import InputError
from domain.grading.guides import parse_guide
from domain.grading.records import Guide

MOODLE = """<?xml version="1.0" encoding="UTF-8"?>
<quiz>
  <question type="category"><category><text>$course$/Biology/Cells</text></category></question>
  <question type="shortanswer">
    <name><text>Pigment</text></name>
    <questiontext format="html"><text><![CDATA[<p>Name the <b>green</b> pigment.</p>]]></text></questiontext>
    <generalfeedback><text>It is chlorophyll.</text></generalfeedback>
    <defaultgrade>2.0000000</defaultgrade>
    <answer fraction="100"><text>chlorophyll</text><feedback><text>Yes</text></feedback></answer>
    <answer fraction="100"><text>chlorophyl</text></answer>
    <answer fraction="0"><text>chloroplast</text></answer>
  </question>
  <question type="essay">
    <name><text>Essay</text></name>
    <questiontext format="html"><text>Explain osmosis.</text></questiontext>
    <defaultgrade>4</defaultgrade>
    <graderinfo format="html"><text>&lt;p&gt;water moves through a membrane&lt;/p&gt;</text></graderinfo>
  </question>
  <question type="multichoice">
    <name><text>Kingdoms</text></name>
    <questiontext format="html"><text>Which are plants?</text></questiontext>
    <defaultgrade>1</defaultgrade><single>false</single>
    <answer fraction="50"><text>moss</text></answer>
    <answer fraction="50"><text>fern</text></answer>
    <answer fraction="-100"><text>mushroom</text></answer>
  </question>
</quiz>
"""
GIFT = """// a comment
$CATEGORY: Geography

::Capital:: What is the capital of France? { =Paris#right ~Lyon ~Nice#no }

::Two:: Which are rivers? {~%50%Rhine ~%50%Loire ~%-100%Alps}

Water boils at {#100:2} degrees.

The sun is a star.{T}

::Match:: Match them. { =dog -> bark =cat -> meow }

Write about rain. {}
"""
AIKEN = """What is the capital of Italy?
A. Milan
B. Rome
ANSWER: B

Which is a mammal?
A) frog
B) whale
C) shark
ANSWER: B
"""
QTI2 = """<?xml version="1.0"?>
<assessmentItem xmlns="http://www.imsglobal.org/xsd/imsqti_v2p2" identifier="i1" title="Leaves">
  <responseDeclaration identifier="RESPONSE" cardinality="single" baseType="identifier">
    <correctResponse><value>B</value></correctResponse>
  </responseDeclaration>
  <outcomeDeclaration identifier="SCORE" cardinality="single" baseType="float" normalMaximum="3"/>
  <itemBody><p>Where is sugar made?</p>
    <choiceInteraction responseIdentifier="RESPONSE" maxChoices="1">
      <simpleChoice identifier="A">in roots</simpleChoice>
      <simpleChoice identifier="B">in leaves</simpleChoice>
    </choiceInteraction></itemBody>
</assessmentItem>
"""
QTI3 = """<qti-assessment-item xmlns="http://www.imsglobal.org/xsd/imsqtiasi_v3p0"
    identifier="i2" title="Rust">
  <qti-response-declaration identifier="RESPONSE" cardinality="single" base-type="string">
    <qti-mapping default-value="0"><qti-map-entry map-key="oxygen" mapped-value="2"/></qti-mapping>
  </qti-response-declaration>
  <qti-item-body><p>What does iron react with?</p>
    <qti-rubric-block view="scorer"><p>Accept air.</p></qti-rubric-block>
    <qti-text-entry-interaction response-identifier="RESPONSE"/></qti-item-body>
</qti-assessment-item>
"""
CANVAS = {
    "quiz": {"title": "Unit 3", "points_possible": 5},
    "questions": [
        {
            "question_type": "short_answer_question",
            "question_text": "<p>Name the pigment.</p>",
            "points_possible": 2,
            "answers": [{"text": "chlorophyll", "weight": 100}, {"text": "xylem", "weight": 0}],
        },
        {
            "question_type": "text_only_question",
            "question_text": "Part B",
            "points_possible": 0,
            "answers": [],
        },
        {
            "question_type": "essay_question",
            "question_text": "Explain osmosis.",
            "points_possible": 3,
            "answers": [],
            "neutral_comments": "water through a membrane",
        },
    ],
}
NOTEBOOK = {
    "nbformat": 4,
    "cells": [
        {"cell_type": "markdown", "metadata": {}, "source": ["Write `square`.\n"]},
        {
            "cell_type": "code",
            "metadata": {"nbgrader": {"grade": False, "solution": True, "grade_id": "square"}},
            "source": [
                "def square(x):\n",
                "    ### BEGIN SOLUTION\n",
                "    return x * x\n",
                "    ### END SOLUTION\n",
            ],
        },
        {
            "cell_type": "code",
            "metadata": {"nbgrader": {"grade": True, "solution": False, "points": 2, "grade_id": "test"}},
            "source": "assert square(3) == 9",
        },
        {
            "cell_type": "markdown",
            "metadata": {"nbgrader": {"grade": True, "solution": True, "points": 3, "grade_id": "why"}},
            "source": "Because each number is multiplied by itself.",
        },
    ],
}


def read(path: Path, content: str | bytes) -> Guide:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return parse_guide(extract(path), path.name)


def told(guide: Guide) -> list[tuple[str, str, str, float]]:
    return [(item.number, item.question, item.model_answer, item.max_score) for item in guide.items]


def test_moodle_xml_gives_grades_right_answers_and_no_feedback(tmp_path: Path) -> None:
    guide = read(tmp_path / "quiz.xml", MOODLE)
    assert guide.title == "Cells"
    assert told(guide) == [
        ("1", "Name the green pigment.", "chlorophyll", 2.0),
        ("2", "Explain osmosis.", "water moves through a membrane", 4.0),
        ("3", "Which are plants?", "moss\nfern", 1.0),
    ]
    assert guide.items[0].alternatives == ("chlorophyl",)
    assert guide.items[0].not_accepted == ("chloroplast",)
    assert [(point.text, point.marks) for point in guide.items[2].criteria] == [("moss", 0.5), ("fern", 0.5)]
    assert guide.problems == ()


def test_gift_gives_a_mark_a_question_as_its_importers_do(tmp_path: Path) -> None:
    guide = read(tmp_path / "quiz.gift", GIFT)
    assert [(item.model_answer, item.max_score) for item in guide.items] == [
        ("Paris", 1.0),
        ("Rhine\nLoire", 1.0),
        ("100:2", 1.0),
        ("True", 1.0),
        ("dog → bark\ncat → meow", 1.0),
        ("", 1.0),
    ]
    assert guide.items[0].not_accepted == ("Lyon", "Nice")
    assert guide.items[2].question == "Water boils at _____ degrees."
    assert any("item 6" in problem and "no model answer" in problem for problem in guide.problems)


def test_aiken_gives_the_option_that_its_answer_names(tmp_path: Path) -> None:
    guide = read(tmp_path / "quiz.txt", AIKEN)
    assert [(item.model_answer, item.alternatives) for item in guide.items] == [
        ("Rome", ("B",)),
        ("whale", ("B",)),
    ]
    assert guide.items[0].question.startswith("What is the capital of Italy?\nA. Milan")
    assert guide.problems == ()


def test_qti_of_both_generations_gives_marks_and_the_text_of_the_right_choice(tmp_path: Path) -> None:
    old, new = read(tmp_path / "old.xml", QTI2), read(tmp_path / "new.xml", QTI3)
    assert [(item.model_answer, item.max_score) for item in old.items] == [("in leaves", 3.0)]
    assert "Where is sugar made?" in old.items[0].question
    assert [(item.model_answer, item.max_score) for item in new.items] == [("oxygen", 2.0)]
    assert "Accept air" not in new.items[0].question


def test_a_qti_package_gives_its_items_in_the_order_of_the_manifest(tmp_path: Path) -> None:
    path = tmp_path / "package.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("z.xml", QTI2)
        archive.writestr("a.xml", QTI3)
        archive.writestr(
            "imsmanifest.xml", '<manifest><resource href="z.xml"/><resource href="a.xml"/></manifest>'
        )
    guide = parse_guide(extract(path), path.name)
    assert [item.model_answer for item in guide.items] == ["in leaves", "oxygen"]


def test_canvas_questions_keep_their_points_and_leave_out_what_is_only_text(tmp_path: Path) -> None:
    guide = read(tmp_path / "canvas.json", json.dumps(CANVAS))
    assert guide.title == "Unit 3" and guide.stated_total == 5
    assert told(guide) == [
        ("1", "Name the pigment.", "chlorophyll", 2.0),
        ("2", "Explain osmosis.", "water through a membrane", 3.0),
    ]
    assert guide.problems == ()


def test_a_notebook_of_nbgrader_gives_its_graded_cells(tmp_path: Path) -> None:
    guide = read(tmp_path / "homework.ipynb", json.dumps(NOTEBOOK))
    assert [(item.model_answer, item.max_score) for item in guide.items] == [
        ("    return x * x", 2.0),
        ("Because each number is multiplied by itself.", 3.0),
    ]
    assert "def square(x):" in guide.items[0].question
    assert guide.problems == ()


def test_yaml_says_what_json_says(tmp_path: Path) -> None:
    item = "- number: 1\n  question: Why?\n  model_answer: Because.\n  max_score: 2\n"
    fields = f"title: Cells\ntotal: 2\nitems:\n{item}"
    guide = read(tmp_path / "guide.yaml", fields)
    assert told(guide) == [("1", "Why?", "Because.", 2.0)]
    assert guide.problems == ()


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("bomb.yaml", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "aliases"),
        ("text.yaml", "just some words", "holds no fields"),
        ("bad.yaml", "a: [1, 2", "not YAML"),
        ("laughs.xml", '<?xml version="1.0"?><!DOCTYPE q [<!ENTITY a "ha">]><quiz>&a;</quiz>', "entities"),
    ],
)
def test_structured_files_that_mean_harm_or_nothing_are_refused(
    tmp_path: Path, name: str, content: str, complaint: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match=complaint):
        extract(tmp_path / name)


def test_broken_xml_is_refused_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "cut.xml").write_text(MOODLE[:900])
    extraction = extract(tmp_path / "cut.xml")
    with pytest.raises(InputError, match=r"cut\.xml: this XML cannot be read .*line"):
        parse_guide(extraction, "cut.xml")


def test_a_workbook_is_read_by_its_sheets(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    book.active.append(["Question", "Model answer", "Marks"])
    book.active.append(["1a", "chlorophyll", 1])
    book.active.append(["1b", "light and water", 2.0])
    book.create_sheet("Notes").append(["nothing"])
    book.save(tmp_path / "guide.xlsx")
    guide = parse_guide(extract(tmp_path / "guide.xlsx"), "guide.xlsx")
    assert [(item.number, item.max_score) for item in guide.items] == [("1a", 1.0), ("1b", 2.0)]
