"""Two readings of one guide: what stands, what goes to a person, what is put aside."""

import copy
import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from domain.documents.extraction import Extraction
from domain.grading.guide_choices import Choice, settled_guide
from domain.grading.guide_comparison import Outcome, Verdict, compare
from domain.grading.guide_json import guide_from_json
from domain.grading.guide_requests import SCHEMA_NAME
from domain.grading.guides import parse_guide
from domain.grading.model_guides import read_items
from domain.grading.records import Guide
from domain.language_models import Reply

TEXT = """Plants

Question 1 (3 marks)
What is photosynthesis?
Model answer: Plants make sugar with light.
Marking points:
- sugar is made [2]
- light is needed [1]
Accept: glucose; starch

Question 2 (2 marks)
Why are leaves green?
Model answer: Chlorophyll reflects green.

Total: 5 marks
"""
HONEST: dict[str, Any] = {
    "title": "Plants",
    "stated_total": 5,
    "items": [
        {
            "number": "1",
            "starts_with": "Question 1 (3 marks)",
            "question": "What is photosynthesis?",
            "model_answer": "Plants make sugar with light.",
            "max_score": 3,
            "criteria": [{"text": "sugar is made", "marks": 2}, {"text": "light is needed", "marks": 1}],
            "alternatives": ["glucose; starch"],
            "not_accepted": [],
        },
        {
            "number": "2",
            "starts_with": "Question 2",
            "question": "Why are leaves green?",
            "model_answer": "Chlorophyll reflects green.",
            "max_score": 2,
            "criteria": [],
            "alternatives": [],
            "not_accepted": [],
        },
    ],
}


def by_rule(text: str = TEXT) -> Guide:
    return parse_guide(Extraction(text, "test", "text/plain", 0.0, 1.0, "en"), "leaf.txt")


def verdict(told: dict[str, Any], rule: Guide | None, text: str = TEXT) -> Verdict:
    reply = Reply(json.dumps(told), told, "openai", "gpt-test", SCHEMA_NAME)
    return compare(rule, read_items([reply], text, "leaf.txt"), text)


def changed(place: int, **fields: Any) -> dict[str, Any]:
    told = copy.deepcopy(HONEST)
    told["items"][place].update(fields)
    return told


def test_two_readings_that_say_the_same_agree_however_a_list_is_cut() -> None:
    rule = by_rule()
    assert rule.items[0].alternatives == ("glucose", "starch")
    assert verdict(HONEST, rule) == Verdict(Outcome.AGREED, rule)


def test_where_marks_differ_the_rules_stand_and_a_person_sees_both_with_the_lines() -> None:
    rule = by_rule()
    found = verdict(changed(0, max_score=2), rule)
    assert (found.outcome, found.guide) == (Outcome.DISAGREED, rule)
    (told,) = found.disagreements
    assert (told.item, told.field, told.rule, told.model) == ("1", "max_score", 3.0, 2.0)
    assert told.evidence == ("rule: line 3: Question 1 (3 marks)", "model: line 7: - sugar is made [2]")
    assert "its marking points add up to 3" in told.reason


def test_marks_that_stand_nowhere_are_shown_to_a_person_as_that() -> None:
    (told,) = verdict(changed(1, max_score=7), by_rule()).disagreements
    assert told.reason == "the two readings differ; of the model's, this number does not stand near the item"
    assert told.evidence[1] == "model: nowhere in the guide"


def test_an_invented_answer_is_put_aside_and_troubles_nobody() -> None:
    rule = by_rule()
    found = verdict(changed(0, model_answer="Moonlight does it."), rule)
    assert (found.outcome, found.guide, found.disagreements) == (Outcome.REFUSED, rule, ())
    assert str(found.refusals[0]) == (
        "item 1, model_answer, 'Moonlight does it.': this wording does not stand in the guide"
    )


def test_a_shorter_answer_from_the_guide_is_a_disagreement() -> None:
    (told,) = verdict(changed(0, model_answer="Plants make sugar"), by_rule()).disagreements
    assert (told.field, told.rule, told.model) == (
        "model_answer", "Plants make sugar with light.", "Plants make sugar",
    )  # fmt: skip


def test_an_item_that_one_reading_lacks_is_a_disagreement_about_the_item() -> None:
    left_out = verdict({**HONEST, "items": HONEST["items"][:1]}, by_rule())
    assert [(d.item, d.field, d.model) for d in left_out.disagreements] == [("2", "item", None)]
    text = TEXT.replace("Question 2 (2 marks)", "Question 2 (2 marks) And one more thing")
    short = by_rule("\n".join(TEXT.splitlines()[:9]) + "\n\nTotal: 5 marks".replace("5", "3"))
    found = verdict(HONEST, short, text)
    assert ("2", "item", None) in [(d.item, d.field, d.rule) for d in found.disagreements]


def test_an_item_under_another_number_is_known_by_its_wording() -> None:
    told = changed(1, number="2a", starts_with="Why are leaves green?")
    (found,) = verdict(told, by_rule()).disagreements
    assert (found.item, found.field, found.rule, found.model) == ("2", "number", "2", "2a")


UNREADABLE = TEXT.replace("Question 1 (3 marks)", "Photosynthesis, worth three").replace(
    "Question 2 (2 marks)", "Leaves, worth two"
)


@pytest.mark.parametrize("rule", [None, by_rule(UNREADABLE)], ids=["nothing", "a guide with problems"])
def test_a_guide_that_only_the_model_can_read_is_proposed_as_a_whole(rule: Guide | None) -> None:
    told = copy.deepcopy(HONEST)
    told["items"][0]["starts_with"] = "Photosynthesis, worth three"
    told["items"][1]["starts_with"] = "Leaves, worth two"
    found = verdict(told, rule, UNREADABLE)
    assert (found.outcome, found.guide) == (Outcome.PROPOSED, None)
    (proposal,) = found.disagreements
    assert (proposal.item, proposal.field) == ("", "guide")
    guide = guide_from_json(json.loads(json.dumps(proposal.model)))
    assert [(i.number, i.max_score) for i in guide.items] == [("1", 3.0), ("2", 2.0)]
    assert guide.items[0].criteria[0].text == "sugar is made"


def test_a_proposal_shows_what_the_model_passed_over() -> None:
    (proposal,) = verdict(changed(0, alternatives=[]), None).disagreements
    assert proposal.evidence == ("not read: line 9: Accept: glucose; starch",)
    (whole,) = verdict(HONEST, None).disagreements
    assert whole.evidence == ()


def test_an_unverified_reading_is_never_proposed() -> None:
    found = verdict(changed(0, model_answer="Moonlight does it."), None)
    assert (found.outcome, found.guide, found.disagreements) == (Outcome.REFUSED, None, ())
    assert found.refusals


def settled(told: dict[str, Any], *fields: str) -> Guide | None:
    """The guide after a person took the model's value for those fields."""
    found = verdict(told, by_rule())
    taken = [Choice(d.item, d.field, d.rule, d.model) for d in found.disagreements if d.field in fields]
    kept = json.loads(json.dumps([asdict(choice) for choice in taken]))
    return settled_guide(by_rule(), [Choice(**choice) for choice in kept], TEXT, "leaf.txt")


def test_only_the_chosen_field_of_the_chosen_item_changes() -> None:
    guide = settled(changed(0, model_answer="Plants make sugar"), "model_answer")
    rule = by_rule()
    assert guide is not None
    assert guide.items == (replace(rule.items[0], model_answer="Plants make sugar"), rule.items[1])
    assert (guide.title, guide.stated_total, guide.problems) == (rule.title, rule.stated_total, ())


def test_what_was_not_chosen_stays_as_the_rules_read_it() -> None:
    assert settled(changed(0, model_answer="Plants make sugar")) == by_rule()


def test_a_choice_that_unbalances_the_marks_says_so() -> None:
    guide = settled(changed(0, max_score=2), "max_score")
    assert guide is not None
    assert guide.problems == (
        "item 1 (line 3) is worth 2 marks, but its marking points add up to 3",
        "the items add up to 4 marks, the guide states 5",
    )


def test_points_and_numbers_can_be_taken_together() -> None:
    points = [{"text": "sugar is made", "marks": 1}, {"text": "light is needed", "marks": 2}]
    told = changed(0, number="1a", starts_with="What is photosynthesis?", criteria=points)
    guide = settled(told, "criteria", "number")
    assert guide is not None and guide.problems == ()
    assert [(i.number, [c.marks for c in i.criteria]) for i in guide.items] == [("1a", [1.0, 2.0]), ("2", [])]


def test_an_item_can_be_taken_out_and_put_in() -> None:
    without = settled({**HONEST, "items": HONEST["items"][:1], "stated_total": 5}, "item")
    assert without is not None
    assert [item.number for item in without.items] == ["1"]
    assert without.problems == ("the items add up to 3 marks, the guide states 5",)
    short = replace(by_rule(), items=by_rule().items[1:], stated_total=5.0)
    (missing,) = verdict(HONEST, short).disagreements
    choice = Choice(missing.item, missing.field, missing.rule, missing.model)
    whole = settled_guide(short, [choice], TEXT, "leaf.txt")
    assert whole is not None
    assert [item.number for item in whole.items] == ["1", "2"]
    assert whole.problems == ()


def test_a_choice_about_an_earlier_reading_does_not_count() -> None:
    stale = Choice("1", "model_answer", "what the rules read last year", "Plants make sugar")
    assert settled_guide(by_rule(), [stale], TEXT, "leaf.txt") == by_rule()


def test_a_total_is_shown_by_the_line_that_states_it() -> None:
    text = TEXT.replace("Question 1 (3 marks)", "Question 5 (3 marks)").replace("Question 2", "Question 6")
    told = copy.deepcopy(HONEST)
    for item, number in zip(told["items"], "56", strict=True):
        item.update(number=number, starts_with=f"Question {number}")
    (found,) = verdict({**told, "stated_total": None}, by_rule(text), text).disagreements
    assert (found.field, found.rule, found.model) == ("stated_total", 5.0, None)
    assert found.evidence == ("rule: line 15: Total: 5 marks", "model: no line is a total of that")
