"""Reviews in the catalog: asked once, settled by a person, closed when their question is gone."""

import pytest

from domain.documents.extraction import Extraction
from domain.errors import InputError
from domain.grading.records import Answer, Guide, Item, Submission
from domain.kinds import Role
from infra.catalog import (
    Catalog,
    FoundFile,
    ParsedGuide,
    ParsedSubmission,
    ParseOutcome,
    Question,
    ReadFile,
    Unparsed,
    ask_reviewer,
    await_guide,
    find_review,
    find_reviews,
    guides,
    n_open_reviews,
    note_readings,
    parsers_in_force,
    pending_parses,
    record_files,
    save_guides,
    save_submissions,
    settle_review,
)
from infra.texts import TextRefs

MARKS = Question("1", "max_score", 3.0, 2.0, ("rule: line 4: [3]", "model: line 9: [2]"), "they differ")
MISSING = Question("3", "item", None, {"number": "3", "criteria": []}, (), "the rules lack it")
ANSWER = Question("2", "model_answer", "so", "so there", ("rule: line 5: so",), "they differ")


def document(catalog: Catalog, text: str, role: Role = Role.GUIDE) -> str:
    file = FoundFile(f"{text}.txt", text * 8, 5)
    read = ReadFile.of(file.sha256, Extraction(text, "t", "text/plain", 0, 1, "en"), TextRefs("ref"))
    (outcome,) = record_files(catalog, "me", role, "1", [file], [read])
    assert outcome.document_id is not None
    return outcome.document_id


def test_a_question_found_again_is_the_same_review(catalog: Catalog) -> None:
    guide = document(catalog, "a guide")
    ask_reviewer(catalog, "me", guide, [MARKS, ANSWER], "openai:gpt")
    before = find_reviews(catalog, "me")
    ask_reviewer(catalog, "me", guide, [ANSWER, MARKS], "groq:other")
    assert find_reviews(catalog, "me") == before
    assert [(r.item, r.field, r.rule_value, r.model_value, r.model) for r in before] == [
        ("1", "max_score", 3.0, 2.0, "openai:gpt"), ("2", "model_answer", "so", "so there", "openai:gpt"),
    ]  # fmt: skip
    assert before[0].evidence == MARKS.evidence
    assert n_open_reviews(catalog, "me") == 2
    assert n_open_reviews(catalog, "someone else") == 0


def test_a_value_that_one_reading_lacks_is_kept_as_none(catalog: Catalog) -> None:
    ask_reviewer(catalog, "me", document(catalog, "a guide"), [MISSING], "openai:gpt")
    (kept,) = find_reviews(catalog, "me")
    assert (kept.rule_value, kept.model_value) == (None, {"number": "3", "criteria": []})


def test_a_settled_review_stays_settled_when_its_question_comes_again(catalog: Catalog) -> None:
    guide = document(catalog, "a guide")
    ask_reviewer(catalog, "me", guide, [MARKS], "openai:gpt")
    settle_review(catalog, find_reviews(catalog, "me")[0].id, "model", "examiner")
    ask_reviewer(catalog, "me", guide, [MARKS], "openai:gpt")
    (settled,) = find_reviews(catalog, "me", state="settled")
    assert (settled.choice, settled.settled_by, n_open_reviews(catalog, "me")) == ("model", "examiner", 0)
    assert settled.settled_at is not None


def test_a_question_that_a_newer_reading_does_not_raise_is_closed(catalog: Catalog) -> None:
    guide, other = document(catalog, "a guide"), document(catalog, "another")
    ask_reviewer(catalog, "me", guide, [MARKS, ANSWER], "openai:gpt")
    ask_reviewer(catalog, "me", other, [MARKS], "openai:gpt")
    ask_reviewer(catalog, "me", guide, [ANSWER], "openai:gpt-2")
    assert [(r.document_id, r.field) for r in find_reviews(catalog, "me", state="open")] == [
        (guide, "model_answer"), (other, "max_score"),
    ]  # fmt: skip
    (closed,) = find_reviews(catalog, "me", state="settled")
    assert (closed.choice, closed.settled_by) == ("none", "a newer reading")


def test_a_review_is_found_by_the_beginning_of_its_id(catalog: Catalog) -> None:
    ask_reviewer(catalog, "me", document(catalog, "a guide"), [MARKS], "openai:gpt")
    (kept,) = find_reviews(catalog, "me")
    assert find_review(catalog, "me", kept.id[:6].upper()) == kept
    with pytest.raises(InputError, match=r"no review 'zz'.*trainyard reviews"):
        find_review(catalog, "me", "zz")
    with pytest.raises(InputError, match="There is no review"):
        find_review(catalog, "someone else", kept.id)


def test_another_readers_note_leaves_the_parse_in_force_and_is_made_once(catalog: Catalog) -> None:
    guide = document(catalog, "a guide")
    save_guides(catalog, "1", [ParsedGuide(guide, Guide("G", (Item("1", "q", "a", 2.0),)))])
    assert [d.id for d in pending_parses(catalog, "me", Role.GUIDE, "llm:m")] == [guide]
    note_readings(catalog, "llm:m", [Unparsed(guide, ParseOutcome.PROBLEM, ("not in the guide",))])
    assert pending_parses(catalog, "me", Role.GUIDE, "llm:m") == []
    assert parsers_in_force(catalog, [guide]) == {guide: "1"}
    assert [g.n_items for g in guides(catalog, "me")] == [1]


def test_submissions_wait_again_when_their_guide_changes(catalog: Catalog) -> None:
    guide = document(catalog, "a guide")
    paper, other = document(catalog, "p", Role.SUBMISSION), document(catalog, "o", Role.SUBMISSION)
    second = document(catalog, "second guide")
    one = Guide("G", (Item("1", "q", "a", 2.0),))
    save_guides(catalog, "1", [ParsedGuide(guide, one), ParsedGuide(second, one)])
    for at, of in ((paper, guide), (other, second)):
        save_submissions(
            catalog, "1", [ParsedSubmission(at, of, Submission("S", (Answer("1", "text", 1.0),)))]
        )
    assert await_guide(catalog, guide, "its guide was changed") == 1
    assert [d.id for d in pending_parses(catalog, "me", Role.SUBMISSION, "1")] == [paper]
