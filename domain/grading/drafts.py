"""An item as one layout understood it, and what a whole layout understood, before any check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Point:
    """A marking point; `marks` is None where it states none."""

    text: str
    marks: float | None


@dataclass(frozen=True)
class Draft:
    """An item before it is settled. `marks` is every value that it states for itself, as stated."""

    number: str
    levels: tuple[str, ...]
    place: str
    question: str = ""
    answer: str = ""
    marks: tuple[float, ...] = ()
    coded: bool = False
    """Whether the marks are a sum of codes ("M1 A1"), among which those of several methods may be."""
    points: tuple[Point, ...] = ()
    limited: bool = False
    """The points may earn less than their sum ("any two from")."""
    alternatives: tuple[str, ...] = ()
    not_accepted: tuple[str, ...] = ()
    guidance: str = ""
    """Notes to the marker that are no answer."""
    confidence: float = 1.0
    """In [0, 1]; less where something was inferred that is not stated."""

    @property
    def is_whole(self) -> bool:
        """Whether it says what it is worth and what a good answer is."""
        return bool(
            (self.marks or any(p.marks is not None for p in self.points)) and (self.answer or self.points)
        )


@dataclass(frozen=True)
class Candidate:
    """What one layout made of a document. `parent_marks` are the totals of questions with parts."""

    title: str
    drafts: tuple[Draft, ...]
    stated_total: float | None = None
    parent_marks: Mapping[str, float] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    instructions: str = ""
    """As a format states them apart from the items; layouts of pages leave them to the source's text."""
    weight: float = 1.0
    """How far the layout itself is to be believed, against the others."""

    def preferred(self, weight: float) -> Candidate:
        """The same, believed `weight` times as much."""
        return replace(self, weight=weight)

    @property
    def confidence(self) -> float:
        """The number of whole items, shrunk by the share of those that are not, or share their number."""
        whole = len({draft.number for draft in self.drafts if draft.is_whole})
        return self.weight * whole * whole / len(self.drafts) if self.drafts else 0.0
