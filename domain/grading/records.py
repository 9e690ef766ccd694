"""The examiner's nouns: guide, item, criterion, submission, answer."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Criterion:
    """A marking point of an item and what it earns: 0 where the guide states no marks for it."""

    text: str
    marks: float


@dataclass(frozen=True)
class Item:
    """One question of a guide. `number` is as printed, normalised: "1", "1a", "2b(ii)" → "2bii"."""

    number: str
    question: str
    model_answer: str
    max_score: float
    criteria: tuple[Criterion, ...] = ()
    alternatives: tuple[str, ...] = ()
    place: str = ""
    """Where in the document it came from, for people: "line 12", "table 1 row 3", "page 2"."""
    not_accepted: tuple[str, ...] = ()
    """Answers that the guide rules out ("Do not accept")."""
    guidance: str = ""
    """Notes to the marker that are no answer: conditions, examples with their marks, follow-through."""
    page: int | None = None
    """The page of the source, from 1; None in formats without pages."""
    confidence: float = 1.0
    """How sure the reading is, in [0, 1]: 1 where the guide states everything and its letters are plain; less
    where OCR was unsure of the page, or where marks were inferred from a total."""


@dataclass(frozen=True)
class Guide:
    """A parsed marking guide.

    `stated_total` is what the guide itself says that all items are worth, if it says so.
    `problems` is empty exactly when the guide may be trained on.
    """

    title: str
    items: tuple[Item, ...]
    stated_total: float | None = None
    problems: tuple[str, ...] = ()
    instructions: str = ""
    """What it says to markers before its first item."""

    @property
    def total(self) -> float:
        return sum(item.max_score for item in self.items)


@dataclass(frozen=True)
class Answer:
    """One student's text for one item; `gold` is the human score, None where nobody gave one."""

    number: str
    text: str
    gold: float | None = None
    second_gold: float | None = None
    """A second examiner's independent score, where the data has one: the human ceiling."""
    place: str = ""
    alignment: float = 1.0
    """How sure it is that the text answers this item, in [0, 1]: 1 where the paper itself says so."""
    doubt: str = ""
    """Why it is not sure enough to be trained on, and the remedy; empty where it is."""


@dataclass(frozen=True)
class Submission:
    """One student's paper. `expected_total` is the human's total where only that is known."""

    student: str
    answers: tuple[Answer, ...]
    guide_title: str = ""
    """The guide it says it answers, if it says so."""
    expected_total: float | None = None
    problems: tuple[str, ...] = field(default=())
