"""An item as a language model marks it: its marking points, and what each is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from domain.grading.marks import grid_step
from strategies.grading.features import Reference, references

WHOLE = "The answer as a whole says what the model answer says: "
"""How the only point of an item begins whose guide has none; a share of it can be earned."""
_EPS = 1e-9


@dataclass(frozen=True)
class Point:
    id: str
    text: str
    marks: float


@dataclass(frozen=True)
class MarkedItem:
    """`step` is that of the grid of marks that examiners use on it."""

    item_id: str
    reference: Reference
    max_score: float
    step: float
    points: tuple[Point, ...]

    @property
    def is_whole(self) -> bool:
        """Whether the guide has no points for it, so that it is marked as a whole."""
        return len(self.points) == 1 and self.points[0].text.startswith(WHOLE)

    @property
    def text(self) -> str:
        """All that the guide says of it."""
        return "\n".join([self.reference.question, *self.reference.answers, *self.reference.points])

    def described(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(described: Mapping[str, Any]) -> MarkedItem:
        said = described["reference"]
        return MarkedItem(
            item_id=str(described["item_id"]),
            reference=Reference(
                said["question"],
                tuple(said["answers"]),
                tuple(said["points"]),
                tuple(said.get("not_accepted", ())),
                said.get("guidance", ""),
            ),
            max_score=float(described["max_score"]),
            step=float(described["step"]),
            points=tuple(Point(**point) for point in described["points"]),
        )


def marked_items(items: pd.DataFrame, steps: Mapping[str, float]) -> dict[str, MarkedItem]:
    """Each item of a frame under contract `Items`; `steps` by item_id, whole marks where it has none."""
    told = references(items)
    found = {}
    for row in items.itertuples():
        item_id, top = str(row.item_id), float(row.max_score)
        found[item_id] = MarkedItem(
            item_id=item_id,
            reference=told[row.item_id],
            max_score=top,
            step=steps[item_id] if item_id in steps else grid_step([], top),
            points=points_of(row.criteria, top, row.model_answer),
        )
    return found


def points_of(
    criteria: Sequence[Mapping[str, Any]], max_score: float, model_answer: str
) -> tuple[Point, ...]:
    """The points with marks that can earn `max_score`; more than that is cut off when marks are added up.

    A guide that states no marks for any point means a mark each, up to the maximum ("any three of five"),
    or equal parts of the maximum where there are fewer points than marks. Where it states some marks, the
    points without any share what is left; where nothing is left they are guidance worth 0. Stated marks
    that add up to less than the maximum are raised in proportion, or full marks could not be had.
    """
    said = [(str(one["text"]).strip(), max(float(one.get("marks") or 0), 0.0)) for one in criteria]
    said = [(text, marks) for text, marks in said if text]
    if not said:
        return (Point("P1", f"{WHOLE}{model_answer}", max_score),)
    stated = sum(marks for _, marks in said)
    n_unstated = sum(marks == 0 for _, marks in said)
    left = max_score - stated
    each, factor = 0.0, 1.0
    if stated == 0:
        each = 1.0 if n_unstated > max_score >= 1 else max_score / n_unstated
    elif left > _EPS and n_unstated:
        each = left / n_unstated
    elif left > _EPS:
        factor = max_score / stated
    return tuple(
        Point(f"P{place}", text, round((marks or each) * factor, 6))
        for place, (text, marks) in enumerate(said, 1)
    )
