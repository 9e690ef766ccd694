"""What language models did for a job, as a report tells it: who was asked, what it took, what it taught."""

from __future__ import annotations

from dataclasses import dataclass, replace

WRITING = "write report"
"""The purpose of asking for a report's text."""
_ASIDE = (WRITING, "probe")


@dataclass(frozen=True)
class ModelUse:
    """What one model was paid for, for one purpose ("grade", "reflect", "write report")."""

    model: str
    """ "provider:name" as it was asked for."""
    purpose: str
    n_calls: int
    n_prompt_tokens: int
    n_completion_tokens: int
    cost_usd: float
    """As far as prices are known: a lower bound where `n_unpriced` is not 0."""
    n_unpriced: int = 0
    """Calls whose price is unknown."""
    seconds: float = 0.0
    """Sum of the replies' own times."""

    @property
    def known_cost_usd(self) -> float | None:
        """None where any price is unknown: unknown is not 0."""
        return None if self.n_unpriced else self.cost_usd


@dataclass(frozen=True)
class RenamedModel:
    """A model that called itself differently over time under one name; each name with its first day."""

    model: str
    names: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Ungraded:
    """A held-out answer that got no grade, and why."""

    answer_id: str
    reason: str


@dataclass(frozen=True)
class Instruction:
    """One instruction that training tried; `kept` where it took the place of the one before.

    `qwk` is on validation, None where it was not measured there; `cost_usd` is of the whole round that it
    was tried in, None where a price is unknown.
    """

    iteration: int
    text: str
    qwk: float | None = None
    cost_usd: float | None = None
    kept: bool = False


@dataclass(frozen=True)
class LanguageModelSection:
    """Everything that a report says of language models."""

    uses: tuple[ModelUse, ...] = ()
    n_asked: int = 0
    """Held-out answers' requests when they were graded, and what became of them: the next three."""
    n_valid_at_once: int = 0
    n_repaired: int = 0
    n_without_reply: int = 0
    n_reused: int = 0
    """Replies that came from an earlier run and cost nothing."""
    saved_usd: float | None = None
    """What the reused ones had cost; None where it is unknown."""
    seconds_per_reply: float | None = None
    cost_usd_per_1000_answers: float | None = None
    tokens_per_answer: float | None = None
    renamed: tuple[RenamedModel, ...] = ()
    ungraded: tuple[Ungraded, ...] = ()
    instruction_before: str = ""
    instruction_after: str = ""
    history: tuple[Instruction, ...] = ()
    injection_success_rate: float | None = None
    """Share of the attack battery that earned marks unseen by a human; None where it was not run."""
    injection_raised_rate: float | None = None
    """The same if nobody looked at what is referred."""
    injection_false_alarm_rate: float | None = None

    def of_the_grader(self) -> LanguageModelSection:
        """What training and grading took. A report's own text and probing an endpoint are left out: else
        each report would tell of the one before, and its text be asked for and paid for again."""
        return replace(self, uses=tuple(use for use in self.uses if use.purpose not in _ASIDE))

    @property
    def n_calls(self) -> int:
        return sum(use.n_calls for use in self.uses)

    @property
    def n_tokens(self) -> int:
        return sum(use.n_prompt_tokens + use.n_completion_tokens for use in self.uses)

    @property
    def cost_usd(self) -> float | None:
        """None where any price is unknown."""
        if any(use.n_unpriced for use in self.uses):
            return None
        return sum(use.cost_usd for use in self.uses)
