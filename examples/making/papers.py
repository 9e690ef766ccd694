"""Students' papers as blocks of text, each in the layout of its writer."""

from __future__ import annotations

import json
import random

from .formats import Block, heading, table, text
from .guides import printed
from .plan import SEED, Marked, Paper


def blocks_of(paper: Paper) -> list[Block]:
    """The paper as its writer and its examiners left it; the layout depends on the student."""
    chance = random.Random(f"{SEED}/layout/{paper.name}")
    head = [
        text(f"{chance.choice(('Student', 'Student', 'Name'))}: {paper.student.label}"),
        text(f"Guide: {paper.topic.title}"),
    ]
    foot = [] if paper.total is None else [text(f"Total: {shown(paper.total)}/{_worth(paper)}")]
    if paper.format in ("html", "docx") and not paper.oddity and chance.random() < 0.3:
        return [*head, _as_table(paper), *foot]
    number_style = chance.choice(("Question {}", "Question {}", "Q{}.", "{})"))
    score_style = chance.choice(("Score: {}/{}", "Score: {}/{}", "Mark: {}", "Marks: {}/{}"))
    body: list[Block] = []
    for answer in paper.answers:
        body += _answer(answer, paper, number_style) + _scores(answer, score_style)
    return [*head, *body, *foot]


def as_json(paper: Paper) -> str:
    """The paper as an examination program would export it."""
    answers = []
    for a in paper.answers:
        entry: dict[str, object] = {"number": a.number, "text": a.text}
        if a.score is not None:
            entry["score"] = a.score
        if a.second is not None:
            entry["second_score"] = a.second
        answers.append(entry)
    content: dict[str, object] = {
        "student": paper.student.label,
        "guide": paper.topic.title,
        "answers": answers,
    }
    if paper.total is not None:
        content["total"] = paper.total
    return json.dumps(content, indent=2) + "\n"


def shown(score: float) -> str:
    """2.0 as "2", 2.5 as "2.5"."""
    return f"{score:g}"


def _worth(paper: Paper) -> int:
    return paper.topic.total


def _answer(answer: Marked, paper: Paper, style: str) -> list[Block]:
    number = printed(answer.number) if ")" not in style else answer.number
    label = style.format(number)
    if not answer.text:
        return [heading(label)]
    if style.startswith("Question"):
        return [heading(label), *(text(part) for part in _paragraphs(answer, paper))]
    return [text(f"{label} {answer.text}")]


def _paragraphs(answer: Marked, paper: Paper) -> list[str]:
    """Wordy students start a new paragraph halfway."""
    before, stop, after = answer.text.partition(". ")
    return [before + ".", after] if stop and paper.student.wordiness > 0.85 else [answer.text]


def _scores(answer: Marked, style: str) -> list[Block]:
    lines = []
    if answer.score is not None:
        lines.append(text(style.format(shown(answer.score), answer.max_score)))
    if answer.second is not None:
        _, _, value = style.partition(":")
        lines.append(text("Second marker:" + value.format(shown(answer.second), answer.max_score)))
    return lines


def _as_table(paper: Paper) -> Block:
    graded, second = (any(getattr(a, f) is not None for a in paper.answers) for f in ("score", "second"))
    header = ["Question", "Answer", *(["Score"] if graded else []), *(["Second marker"] if second else [])]
    rows = [
        [printed(a.number), a.text, *(shown(s) for s in (a.score, a.second) if s is not None)]
        for a in paper.answers
    ]
    return table([header, *rows])
