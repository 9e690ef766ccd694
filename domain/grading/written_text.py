"""A text about figures that a language model wrote, as it was left after each number was checked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Unresolved:
    """A sentence that says what the results do not, and why it is thought so."""

    sentence: str
    why: str


@dataclass(frozen=True)
class WrittenText:
    """Sentences with their citations, as in "The QWK is 0.83 [qwk]"; each finding is one or more of them.

    `model` names itself. `n_dropped` sentences failed twice and are not in it; `dropped` says why. Where the
    model gave no text at all, `failure` says why and all else is empty.
    """

    model: str = ""
    summary: tuple[str, ...] = ()
    findings: tuple[tuple[str, ...], ...] = ()
    recommendations: tuple[tuple[str, ...], ...] = ()
    dropped: tuple[Unresolved, ...] = ()
    n_turns: int = 0
    """2 where the model was told what failed and wrote again."""
    cost_usd: float | None = None
    failure: str = ""

    @property
    def n_dropped(self) -> int:
        return len(self.dropped)

    @property
    def is_empty(self) -> bool:
        return not (self.summary or self.findings or self.recommendations)
