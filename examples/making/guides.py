"""Marking guides as blocks of text, each in the layout of its author."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from .bank import Question, Topic
from .formats import Block, bullet, heading, table, text, title


def layout_of(format: str) -> Callable[[Topic], list[Block]]:
    """How the author of the guide in this format writes."""
    return {
        "txt": as_labelled,
        "pdf": as_paper,
        "docx": as_point_tables,
        "html": as_table,
        "md": as_parts,
        "rtf": as_list,
    }[format]


def printed(number: str) -> str:
    """ "1a" as people print it: "1(a)"."""
    return f"{number[0]}({number[1:]})" if number[1:] else number


def as_labelled(topic: Topic, stated_total: int | None = None) -> list[Block]:
    """ "Question 1 (3 marks)", and every field with its label."""
    blocks = [title(topic.title), text(f"{topic.subject}, marking guide")]
    for q in topic.questions:
        blocks += [
            heading(f"Question {printed(q.number)} ({q.max_score} marks)"),
            text(q.question),
            text(f"Model answer: {q.model_answer}"),
            text("Marking points:"),
            *(bullet(f"{p.text} [{p.marks}]") for p in q.points),
            *_accepted("Accept:", q),
        ]
    return [*blocks, text(f"Total: {stated_total or topic.total} marks")]


def as_paper(topic: Topic) -> list[Block]:
    """ "Q1. Explain ... [3 marks]", with the fields under headings of their own."""
    blocks = [title(topic.title), text(f"{topic.subject} mark scheme")]
    for q in topic.questions:
        blocks += [
            heading(f"Q{printed(q.number)}. {q.question} [{q.max_score} marks]"),
            text("Model answer"),
            text(q.model_answer),
            text("Mark scheme"),
            *(bullet(f"{p.text} ({p.marks})") for p in q.points),
            *_accepted("Also accept:", q),
        ]
    return [*blocks, text(f"Total for this paper: {topic.total} marks")]


def as_point_tables(topic: Topic) -> list[Block]:
    """A table of marking points under each question; the total stands at the top."""
    blocks = [title(topic.title), text(f"Total: {topic.total} marks")]
    for q in topic.questions:
        blocks += [
            heading(f"Question {printed(q.number)} [{q.max_score} marks]"),
            text(q.question),
            text(f"Model answer: {q.model_answer}"),
            table([["Marking point", "Marks"], *([p.text, str(p.marks)] for p in q.points)]),
            *_accepted("Accept:", q),
        ]
    return blocks


def as_table(topic: Topic) -> list[Block]:
    """One table with a row a question."""
    header = ["No.", "Question", "Model answer", "Marking points", "Accept", "Marks"]
    rows = [
        [
            printed(q.number),
            q.question,
            q.model_answer,
            "; ".join(f"{p.text} [{p.marks}]" for p in q.points),
            "; ".join(q.accept),
            str(q.max_score),
        ]
        for q in topic.questions
    ]
    return [title(topic.title), table([header, *rows]), text(f"Total: {topic.total} marks")]


def as_parts(topic: Topic) -> list[Block]:
    """Parts of questions as headings, "1(a) Explain ... (3 marks)"; the fields in bold."""
    blocks = [title(topic.title)]
    for q in topic.questions:
        blocks += [
            heading(f"{printed(q.number)} {q.question} ({q.max_score} marks)"),
            text(f"Model answer: {q.model_answer}"),
            text("Marking points:"),
            *(bullet(f"{p.text} [{p.marks}]") for p in q.points),
            *_accepted("Accept:", q),
        ]
    return [*blocks, text(f"Total: {topic.total} marks")]


def as_list(topic: Topic) -> list[Block]:
    """ "1. Explain ... (3 marks)", "Answer:", and marks written out."""
    blocks = [title(topic.title), text(f"Marking guide for {topic.subject}")]
    for q in topic.questions:
        blocks += [
            heading(f"{printed(q.number)}. {q.question} ({q.max_score} marks)"),
            text(f"Answer: {q.model_answer}"),
            text("Marking points:"),
            *(bullet(f"{p.text} ({p.marks} mark{'s' if p.marks > 1 else ''})") for p in q.points),
            *_accepted("Allow:", q),
        ]
    return [*blocks, text(f"Total marks: {topic.total}")]


def as_json(topic: Topic) -> str:
    """The guide as a program would export it."""
    items = [
        {
            "number": q.number,
            "question": q.question,
            "model_answer": q.model_answer,
            "max_score": q.max_score,
            "criteria": [{"text": p.text, "marks": p.marks} for p in q.points],
            "alternatives": list(q.accept),
        }
        for q in topic.questions
    ]
    return json.dumps({"title": topic.title, "total": topic.total, "items": items}, indent=2) + "\n"


def draft_of(topic: Topic) -> Topic:
    """An older version: a few other words under another title."""
    first, *others = topic.questions
    earlier = replace(first, question=first.question.replace("Explain how", "Describe how"), accept=())
    return replace(topic, title=f"{topic.title} (draft)", questions=(earlier, *others))


def _accepted(label: str, question: Question) -> list[Block]:
    return [text(f"{label} {'; '.join(question.accept)}")] if question.accept else []
