"""The state of a training from round to round: what is in force, what was tried, what was accepted."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from domain.errors import StrategyError
from strategies.base import Checkpoint, Effect, Outcome
from strategies.grading.llm.asking import Asking
from strategies.grading.llm.lesson import Lesson, Rows
from strategies.grading.llm.measuring import Measured, measure, qwk_of
from strategies.grading.llm.program import Program
from strategies.grading.llm.search import Member, Round, Search, advantage, try_out

LEAST_VALIDATION = 5
SURE = 1.3
"""Standard errors by which an instruction must be better to be accepted: one in ten would be by chance."""
_PROMISING = 0.7
"""Standard errors on the pool that make it worth measuring a candidate on validation."""
_LEAST_ANSWERED = 0.9


@dataclass(frozen=True)
class Learnt:
    """The state of a training: the program in force, its measure, the members of the search, its history."""

    program: Program
    measured: Measured
    members: tuple[Member, ...]
    best: int
    history: tuple[Mapping[str, Any], ...]
    since_best: int
    n_tokens: int
    cost_usd: float | None
    ended: str

    def state(self) -> dict[str, Any]:
        return {
            "program": self.program.described(),
            "members": [member.described() for member in self.members],
            "best": self.best,
            "history": [dict(record) for record in self.history],
            "since_best": self.since_best,
            "n_tokens": self.n_tokens,
            "cost_usd": self.cost_usd,
            "ended": self.ended,
            "quality": dict(self.measured.quality),
            "models": list(self.measured.models),
        }

    def tensors(self) -> dict[str, np.ndarray]:
        return {
            "pool.shares": np.array([member.shares for member in self.members]),
            "validation.shares": self.measured.shares,
            "validation.signs": self.measured.signs,
            "unseen.shares": self.measured.unseen_shares,
            "unseen.signs": self.measured.unseen_signs,
        }

    @staticmethod
    def of(checkpoint: Checkpoint) -> Learnt:
        state, tensors = checkpoint.state, checkpoint.tensors
        measured = Measured(
            tensors["validation.shares"],
            tensors["validation.signs"],
            tensors["unseen.shares"],
            tensors["unseen.signs"],
            state["quality"],
            tuple(state["models"]),
        )
        members = tuple(
            Member(**{**described, "shares": shares})
            for described, shares in zip(state["members"], tensors["pool.shares"], strict=True)
        )
        return Learnt(
            program=Program.from_json(state["program"]),
            measured=measured,
            members=members,
            best=state["best"],
            history=tuple(state["history"]),
            since_best=state["since_best"],
            n_tokens=state["n_tokens"],
            cost_usd=state["cost_usd"],
            ended=state["ended"],
        )


def begun(asking: Asking, lesson: Lesson, program: Program) -> Generator[Effect, Outcome, Learnt]:
    """The first instruction, measured and tried on the pool."""
    measured = yield from measure(asking, lesson, program)
    if np.isfinite(measured.shares).sum() < min(LEAST_VALIDATION, len(lesson.validation)):
        raise StrategyError(_nothing_graded(asking, measured, lesson))
    trial = yield from try_out(asking, lesson, replace(program, repeats=1), lesson.pool)
    member = Member(
        program.instruction, program.instruction, "start", 1, _tokens(trial.n_tokens), trial.shares
    )
    record = {
        "iteration": 1,
        "origin": "start",
        "text": program.instruction,
        "n_tried": int(np.isfinite(trial.shares).sum()),
        "fall": 0.0,
        "sureness": 0.0,
        "kept": True,
        "qwk": qwk_of(lesson.validation, measured.shares),
        "cost_usd": _cost(asking),
    }
    return Learnt(program, measured, (member,), 0, (record,), 0, asking.n_tokens, _cost(asking), _end(asking))


def _nothing_graded(asking: Asking, measured: Measured, lesson: Lesson) -> str:
    n = int(np.isfinite(measured.shares).sum())
    if asking.spent:
        return (
            f"the budget ended when {n} of {len(lesson.validation)} validation answers were graded "
            f"({asking.refusal}): raise TRAINYARD_LLM_BUDGET_USD or TRAINYARD_LLM_BUDGET_TOKENS, or lower "
            "validation_answers"
        )
    return (
        f"only {n} of {len(lesson.validation)} validation answers got a usable reply: try the model with "
        "trainyard models, or set another by TRAINYARD_LLM_MODELS"
    )


def improved(
    asking: Asking, search: Search, before: Learnt, number: int
) -> Generator[Effect, Outcome, Learnt]:
    """A round of the search; what it found is accepted where pool and validation together say so.

    `number` are the iterations done before.
    """
    lesson = search.lesson
    best = before.members[before.best]
    # Counted from 0, so that the first round has the first minibatch.
    found = yield from search.round(asking, before.members, best, number - 1)
    measured: Measured | None = None
    record: dict[str, Any] = {}
    if found.found is not None and not asking.spent:
        gain = advantage(lesson.pool, found.found.shares, best.shares)
        if gain.sureness >= _PROMISING:
            program = replace(before.program, instruction=found.found.instruction)
            measured = yield from measure(asking, lesson, program)
            record = {"qwk": qwk_of(lesson.validation, measured.shares)}
    accepted = measured is not None and not asking.spent and _better(lesson, found, best, measured, before)
    records = [{**one, "iteration": number + 1} for one in found.records]
    for one in records:
        if found.found is not None and one["text"] == found.found.instruction:
            one.update(record, kept=accepted)
    # The cost is the whole round's: candidates share its minibatch and its reflection.
    records = [{"qwk": None, **one, "cost_usd": _cost(asking)} for one in records]
    history = (*before.history, *records)
    total = None if before.cost_usd is None or asking.cost_usd is None else before.cost_usd + asking.cost_usd
    after = replace(
        before,
        members=found.members,
        best=next(i for i, member in enumerate(found.members) if member.instruction == best.instruction),
        history=history,
        since_best=before.since_best + 1,
        n_tokens=before.n_tokens + asking.n_tokens,
        cost_usd=None if total is None else round(total, 9),
        ended=_end(asking),
    )
    if not accepted or measured is None or found.found is None:
        return after
    text = found.found.instruction
    return replace(
        after,
        program=replace(before.program, instruction=text),
        measured=measured,
        best=next(i for i, member in enumerate(found.members) if member.instruction == text),
        since_best=0,
    )


def _better(lesson: Lesson, found: Round, best: Member, measured: Measured, before: Learnt) -> bool:
    """Whether the paired evidence of the pool and of validation together is enough."""
    assert found.found is not None
    rows = Rows.joined(lesson.pool, lesson.validation)
    ours = np.concatenate([found.found.shares, measured.shares])
    theirs = np.concatenate([best.shares, before.measured.shares])
    answered = (
        np.isfinite(measured.shares).sum() >= _LEAST_ANSWERED * np.isfinite(before.measured.shares).sum()
    )
    return bool(answered and advantage(rows, ours, theirs).sureness >= SURE)


def _tokens(n: float) -> float:
    """0 where nothing is known."""
    return round(n, 3) if np.isfinite(n) else 0.0


def _cost(asking: Asking) -> float | None:
    return None if asking.cost_usd is None else round(asking.cost_usd, 9)


def _end(asking: Asking) -> str:
    return "budget" if asking.spent else ""
