"""From a model's ticks to a share of the marks. The adding up is done here, never by the model.

A point earns its share only where the quoted words stand in the answer, and all points together earn at
most max_score: a score beyond the maximum is impossible, and what cannot be quoted earns nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from domain.errors import ReplyError
from domain.language_models import Answered, Reply
from strategies.grading.llm.evidence import Spans, occurs
from strategies.grading.llm.points import MarkedItem

_MOST_COMMENT_CHARS = 300


@dataclass(frozen=True)
class Tick:
    """What the model says of a point; `earned` is what counts of it, 0 where the quotation does not hold."""

    id: str
    claimed: float
    earned: float
    quote: str


@dataclass(frozen=True)
class Verdict:
    """What one or several replies say of an answer. `share` is of max_score; `shares` one a reply."""

    share: float
    shares: tuple[float, ...]
    ticks: tuple[Tick, ...]
    stated: float
    """The model's own confidence."""
    comment: str
    n_at_once: int
    """Replies that could be read without repair."""
    models: tuple[str, ...]
    """ "provider:model" of each reply."""

    @property
    def n_claimed(self) -> int:
        return sum(tick.claimed > 0 for tick in self.ticks)

    @property
    def n_quoted(self) -> int:
        """Points that the model credits with a quotation that holds."""
        return sum(tick.earned > 0 for tick in self.ticks)

    @property
    def spread(self) -> float:
        return float(np.std(self.shares))


def read_verdict(
    answered: Sequence[Answered], item: MarkedItem, text: str, suspicious: Spans = ()
) -> Verdict | ReplyError:
    """The verdict of the repeats that can be used; the first ReplyError where none can."""
    read = [_read(one, item, text, suspicious) for one in answered]
    good = [(reply, ticks) for reply, ticks in zip(answered, read, strict=True) if isinstance(ticks, tuple)]
    if not good:
        return next(one for one in read if isinstance(one, ReplyError))
    shares = tuple(_share(ticks, item) for _, ticks in good)
    mean = float(np.mean(shares))
    # Shown is the repeat that is nearest to what they say together.
    shown = min(range(len(good)), key=lambda place: abs(shares[place] - mean))
    replies = [reply for reply, _ in good if isinstance(reply, Reply)]
    return Verdict(
        share=mean,
        shares=shares,
        ticks=good[shown][1],
        stated=float(np.mean([_number(reply.data.get("confidence")) for reply in replies])),
        comment=_tidy(str(replies[shown].data.get("comment", ""))),
        n_at_once=sum(reply.n_turns == 1 for reply in replies),
        models=tuple(f"{reply.provider}:{reply.model}" for reply in replies),
    )


def _read(
    answered: Answered, item: MarkedItem, text: str, suspicious: Spans
) -> tuple[Tick, ...] | ReplyError:
    """One tick for each point of the item, in its order."""
    if isinstance(answered, ReplyError):
        return answered
    told = answered.data.get("points") if isinstance(answered.data, Mapping) else None
    ticks: dict[str, Tick] = {}
    for one in told if isinstance(told, list) else []:
        tick = _tick(one, text, suspicious) if isinstance(one, Mapping) else None
        # Of several entries for a point the one that counts most: each has its own quotation.
        if tick and (tick.id not in ticks or tick.earned > ticks[tick.id].earned):
            ticks[tick.id] = tick
    if not any(point.id in ticks for point in item.points):
        return ReplyError("the model judged none of the marking points")
    return tuple(ticks.get(point.id, Tick(point.id, 0.0, 0.0, "")) for point in item.points)


def _tick(told: Mapping[str, Any], text: str, suspicious: Spans) -> Tick:
    claimed, quote = _number(told.get("earned")), str(told.get("quote") or "")
    holds = claimed > 0 and occurs(quote, text, suspicious)
    return Tick(str(told.get("id")), claimed, claimed if holds else 0.0, quote)


def _share(ticks: Sequence[Tick], item: MarkedItem) -> float:
    marks = sum(tick.earned * point.marks for tick, point in zip(ticks, item.points, strict=True))
    return float(min(max(marks / item.max_score, 0.0), 1.0))


def _number(value: Any) -> float:
    """A number in 0..1; 0 for anything else, since a reply may say what it likes."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return 0.0
    return min(max(number, 0.0), 1.0) if math.isfinite(number) else 0.0


def _tidy(text: str) -> str:
    kept = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return kept if len(kept) <= _MOST_COMMENT_CHARS else kept[: _MOST_COMMENT_CHARS - 1] + "…"
