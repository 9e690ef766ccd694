"""The examples are read back exactly as their makers meant them, whatever the format."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from domain.documents.extraction import Extraction
from domain.documents.reading import extract
from domain.errors import InputError
from domain.grading.alignment import align, choose_guide
from domain.grading.guides import parse_guide
from domain.grading.records import Guide, Submission
from domain.grading.submissions import parse_submission
from domain.grading.tidy import read_tidy
from domain.identity import hash_file, hash_text

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FORMATS = ("txt", "md", "html", "json", "rtf", "docx", "pdf")


def _made(name: str) -> ModuleType:
    return importlib.import_module(f"examples.making.{name}")


@cache
def _extracted(path: Path) -> Extraction:
    return extract(path)


def _guide(file: str) -> Guide:
    return parse_guide(_extracted(EXAMPLES / "guides" / file), file)


def _submission(folder: str, file: str, numbers: tuple[str, ...]) -> Submission:
    return parse_submission(_extracted(EXAMPLES / folder / file), file, numbers)


def _flat(text: str) -> str:
    return " ".join(text.split())


def _expected_item(question: Any) -> dict[str, Any]:
    return {
        "number": question.number,
        "question": question.question,
        "model_answer": question.model_answer,
        "max_score": question.max_score,
        "criteria": [(point.text, point.marks) for point in question.points],
        "alternatives": list(question.accept),
    }


def _read_items(guide: Guide) -> list[dict[str, Any]]:
    return [
        {
            "number": item.number,
            "question": _flat(item.question),
            "model_answer": _flat(item.model_answer),
            "max_score": item.max_score,
            "criteria": [(_flat(point.text), point.marks) for point in item.criteria],
            "alternatives": [_flat(text) for text in item.alternatives],
        }
        for item in guide.items
    ]


@pytest.mark.parametrize("name", _made("plan").GUIDES)
def test_each_example_guide_gives_exactly_its_items(name: str) -> None:
    topic = _made("bank").read_topic(name)
    guide = _guide(f"{name}.{_made('plan').GUIDES[name]}")
    assert guide.title == topic.title
    assert _read_items(guide) == [_expected_item(question) for question in topic.questions]
    assert (guide.stated_total, guide.problems) == (topic.total, ())


def test_a_guide_saved_again_in_word_and_as_a_web_page_is_the_same_document() -> None:
    files = ("photosynthesis.txt", "photosynthesis-in-word.docx", "photosynthesis-web-page.html")
    paths = [EXAMPLES / "guides" / file for file in files]
    assert len({hash_file(path) for path in paths}) == 3
    assert len({hash_text(_extracted(path).text) for path in paths}) == 1


def test_a_copied_guide_has_the_bytes_of_its_original_and_a_draft_has_not() -> None:
    guides = EXAMPLES / "guides"
    assert hash_file(guides / "copy-of-rivers.md") == hash_file(guides / "rivers.md")
    draft, final = _guide("photosynthesis-draft.txt"), _guide("photosynthesis.txt")
    assert draft.title != final.title
    assert draft.problems == ()


def test_the_guide_that_does_not_balance_says_so() -> None:
    guide = _guide("skeleton-does-not-balance.txt")
    assert (guide.total, guide.stated_total) == (11, 12)
    assert any("11" in problem and "12" in problem for problem in guide.problems)


@pytest.mark.parametrize("file", ["broken-empty.txt", "broken-locked.pdf", "broken-cut-off.docx"])
def test_each_broken_guide_is_refused_by_name(file: str) -> None:
    with pytest.raises(InputError, match=file):
        extract(EXAMPLES / "guides" / file)


def _expected_paper(paper: Any) -> dict[str, Any]:
    return {
        "student": paper.student.number,
        "guide": paper.topic.title,
        "answers": [(a.number, _flat(a.text), a.score, a.second) for a in paper.answers],
        "total": paper.total if any(a.score is None for a in paper.answers) else None,
    }


def _read_paper(folder: str, file: str, paper: Any) -> dict[str, Any]:
    numbers = tuple(question.number for question in paper.topic.questions)
    read = _submission(folder, file, numbers)
    return {
        "student": read.student,
        "guide": read.guide_title,
        "answers": [(a.number, _flat(a.text), a.gold, a.second_gold) for a in read.answers],
        "total": read.expected_total,
    }


@pytest.mark.parametrize("format", FORMATS)
def test_each_paper_gives_exactly_its_answers_and_scores(format: str) -> None:
    papers = [paper for paper in _made("plan").papers() if paper.format == format]
    assert len(papers) > 5
    for paper in papers:
        assert _read_paper("submissions", paper.file, paper) == _expected_paper(paper), paper.file


def test_each_ungraded_paper_gives_exactly_its_answers_and_no_scores() -> None:
    papers = _made("plan").ungraded()
    for paper in papers:
        assert _read_paper("ungraded", paper.file, paper) == _expected_paper(paper), paper.file
    assert {a.score for paper in papers for a in paper.answers} == {None}


def test_papers_that_are_there_twice_are_the_same_document() -> None:
    for paper, format in _made("plan").resaved():
        first = EXAMPLES / "submissions" / paper.file
        again = EXAMPLES / "submissions" / f"{paper.name}-again.{format}"
        assert hash_file(first) != hash_file(again)
        assert hash_text(_extracted(first).text) == hash_text(_extracted(again).text)


def test_an_answer_to_an_unknown_question_is_told() -> None:
    odd = next(p for p in _made("plan").papers() if p.oddity == "an unknown question")
    numbers = tuple(question.number for question in odd.topic.questions)
    problems = _submission("submissions", odd.file, numbers).problems
    assert any("item 9" in problem for problem in problems)


def test_every_question_has_at_least_35_graded_answers_and_few_bad_ones() -> None:
    papers = _made("plan").papers()
    graded: dict[tuple[str, str], int] = {}
    n_bad = 0
    for paper in papers:
        for answer in paper.answers:
            is_good = answer.text and answer.score is not None and answer.score <= answer.max_score
            n_bad += answer.score is not None and not is_good
            key = (paper.topic.name, answer.number)
            graded[key] = graded.get(key, 0) + bool(is_good)
    assert min(n for (_, number), n in graded.items() if number != "9") >= 35
    assert n_bad < 0.01 * sum(graded.values())


def test_two_examiners_agree_exactly_on_80_to_92_percent() -> None:
    both = [
        (answer.score, answer.second)
        for paper in _made("plan").papers()
        for answer in paper.answers
        if answer.second is not None
    ]
    assert len(both) > 600
    assert 0.80 <= sum(first == second for first, second in both) / len(both) <= 0.92


def test_the_table_of_answers_holds_three_questions_with_both_marks() -> None:
    topic = _made("bank").read_topic("weather")
    table = read_tidy(EXAMPLES / "answers.csv")
    assert (table.rejections, table.problems) == ((), ())
    assert [(item.guide, item.item.number, item.item.max_score) for item in table.items] == [
        (topic.title, question.number, question.max_score) for question in topic.questions
    ]
    read = [(a.student, a.item_id, a.answer.text, a.answer.gold, a.answer.second_gold) for a in table.answers]
    assert read == [
        (row.student.number, row.answer.number, row.answer.text, row.answer.score, row.answer.second)
        for row in _made("plan").table_rows()
    ]


def test_each_paper_finds_its_guide_and_only_the_two_impossible_answers_are_left_out() -> None:
    guides = [_guide(f"{name}.{format}") for name, format in _made("plan").GUIDES.items()]
    guides += [_guide("photosynthesis-draft.txt"), _guide("skeleton-does-not-balance.txt")]
    left_out: dict[str, int] = {}
    for paper in _made("plan").papers():
        numbers = tuple(question.number for question in paper.topic.questions)
        read = _submission("submissions", paper.file, numbers)
        choice = choose_guide(read, guides)
        assert choice.index is not None, (paper.file, choice.problem)
        assert guides[choice.index].title == paper.topic.title
        aligned = align(read, guides[choice.index])
        if len(aligned.matched) < len(paper.answers):
            left_out[paper.oddity] = left_out.get(paper.oddity, 0) + len(paper.answers) - len(aligned.matched)
    assert left_out == {"a score above its maximum": 1, "an unknown question": 1}


def test_making_the_examples_again_gives_the_committed_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    made = importlib.import_module("examples.make_examples").files()
    folders = ("guides", "submissions", "ungraded")
    there = {str(p.relative_to(EXAMPLES)) for folder in folders for p in (EXAMPLES / folder).iterdir()}
    assert there | {"answers.csv"} == set(made)
    # PDF and DOCX depend on the versions of their libraries; their content is compared above.
    text_files = [name for name in made if not name.endswith((".pdf", ".docx"))]
    assert all((EXAMPLES / name).read_bytes() == made[name] for name in text_files)
