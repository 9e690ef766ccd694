"""Who sits what, in which format and with which oddities: the truth that the tests compare with."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from .bank import Topic, read_topic
from .examiners import FIRST, SECOND, grade
from .students import Student, classroom, newcomers, write

SEED = "trainyard-examples-1"
GUIDES = {
    "photosynthesis": "txt",
    "forces": "pdf",
    "rates": "docx",
    "industry": "html",
    "rivers": "md",
    "networks": "json",
    "markets": "rtf",
}
"""Topic → the format of its guide."""

SITTING = 54
"""How many of the class sit each paper."""
_FORMATS = ("txt", "md", "html", "txt", "json", "rtf", "txt", "md", "docx", "txt", "html", "txt", "pdf", "md",
            "json", "txt", "rtf", "html", "txt", "md")  # fmt: skip
_SECOND_MARKED = 0.65

_ONLY_TOTALS = {"photosynthesis": 5, "rates": 11, "industry": 2, "networks": 17, "markets": 30}
"""Topic → which of its papers has no marks per answer."""
_BLANKS = (("forces", 4, 2), ("forces", 19, 3), ("rivers", 8, 4), ("rivers", 22, 1), ("rivers", 31, 3))
"""Topic, which of its papers, which of its answers."""


@dataclass(frozen=True)
class Marked:
    """An answer on a paper. `score` and `second` are None where no examiner wrote a mark."""

    number: str
    text: str
    max_score: int
    score: float | None = None
    second: float | None = None


@dataclass(frozen=True)
class Paper:
    """One student's paper. `total` is what the examiner wrote under it, None where nothing."""

    name: str
    format: str
    student: Student
    topic: Topic
    answers: tuple[Marked, ...]
    total: float | None = None
    oddity: str = ""

    @property
    def file(self) -> str:
        return f"{self.name}.{self.format}"


@dataclass(frozen=True)
class TableRow:
    """A row of `answers.csv`."""

    topic: Topic
    student: Student
    answer: Marked


def topics() -> tuple[Topic, ...]:
    """The seven topics with a guide, in the order of `GUIDES`."""
    return tuple(read_topic(name) for name in GUIDES)


def papers() -> tuple[Paper, ...]:
    """All graded papers, oddities included, without the two that are saved twice."""
    found: list[Paper] = []
    for topic in topics():
        chance = random.Random(f"{SEED}/sitting/{topic.name}")
        sitting = sorted(chance.sample(classroom(SEED), SITTING), key=lambda s: s.number)
        found += [_paper(topic, s, _FORMATS[(len(found) + i) % len(_FORMATS)]) for i, s in enumerate(sitting)]
    return _with_oddities(found)


def resaved() -> tuple[tuple[Paper, str], ...]:
    """Papers that are there a second time, with the same words, and the format of the second file."""
    plain = [p for p in papers() if p.format == "txt" and not p.oddity and p.total is None]
    return (plain[3], "docx"), (plain[20], "html")


def ungraded() -> tuple[Paper, ...]:
    """One paper each of six newcomers, without marks, each in another format."""
    chosen = zip(newcomers(SEED), topics(), ("txt", "md", "docx", "html", "json", "pdf"), strict=False)
    return tuple(
        replace(paper, total=None, answers=tuple(replace(a, score=None, second=None) for a in paper.answers))
        for paper in (_paper(topic, student, format) for student, topic, format in chosen)
    )


def table_rows() -> tuple[TableRow, ...]:
    """A colleague's spreadsheet: all of the class on the three questions of one more topic, and more."""
    topic = read_topic("weather")
    students = (*classroom(SEED), *newcomers(SEED))
    return tuple(
        TableRow(topic, student, answer)
        for student in students
        for answer in _paper(topic, student, "csv", second_marked=True).answers
    )


def _paper(topic: Topic, student: Student, format: str, second_marked: bool | None = None) -> Paper:
    chance = random.Random(f"{SEED}/paper/{topic.name}/{student.number}")
    second_marked = chance.random() < _SECOND_MARKED if second_marked is None else second_marked
    answers = []
    for question in topic.questions:
        written = write(student, question, SEED)
        first = grade(written, question, FIRST, SEED)
        second = grade(written, question, SECOND, SEED) if second_marked else None
        answers.append(Marked(question.number, written.text, question.max_score, first, second))
    total = sum(a.score or 0.0 for a in answers) if chance.random() < 0.3 else None
    return Paper(f"{topic.name}-{student.number}", format, student, topic, tuple(answers), total)


def _with_oddities(found: list[Paper]) -> tuple[Paper, ...]:
    """A few papers as they come in real life: see `oddity`."""
    by_topic = {name: [i for i, p in enumerate(found) if p.topic.name == name] for name in GUIDES}
    for name, place in _ONLY_TOTALS.items():
        at = by_topic[name][place]
        found[at] = _only_total(found[at])
    for name, place, answer in _BLANKS:
        at = by_topic[name][place]
        found[at] = _left_blank(found[at], answer)
    at = by_topic["forces"][12]
    found[at] = _above_maximum(found[at])
    at = by_topic["rivers"][15]
    found[at] = _unknown_question(found[at])
    return tuple(found)


def _only_total(paper: Paper) -> Paper:
    total = sum(a.score or 0.0 for a in paper.answers)
    answers = tuple(replace(a, score=None, second=None) for a in paper.answers)
    return replace(paper, answers=answers, total=total, oddity="only a total")


def _left_blank(paper: Paper, which: int) -> Paper:
    answers = list(paper.answers)
    second = None if answers[which].second is None else 0.0
    answers[which] = replace(answers[which], text="", score=0.0, second=second)
    return replace(paper, answers=tuple(answers), total=None, oddity="a blank answer")


def _above_maximum(paper: Paper) -> Paper:
    first, *others = paper.answers
    wrong = replace(first, score=first.max_score + 2.0, second=None)
    return replace(paper, answers=(wrong, *others), total=None, oddity="a score above its maximum")


def _unknown_question(paper: Paper) -> Paper:
    extra = Marked("9", "I ran out of time for this one but it is about the sea wall", 2, 1.0)
    return replace(paper, answers=(*paper.answers, extra), total=None, oddity="an unknown question")
