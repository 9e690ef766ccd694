"""One round of the search for a better instruction: proposals, trials on the same answers, a choice.

Candidates come from reflection on disagreements and from crossing two that helped; they are tried by
successive halving on training answers that were not shown to whoever wrote them, the same ones for all, so
that differences are paired. Those that were tried on all of them are members; what is kept of these is the
front of agreement and cost, and whoever is best on single answers.

Sources: GEPA (Agrawal et al. 2025, arXiv 2507.19457) for reflection, crossing and the front by single
answers; MIPROv2 (Opsahl-Ong et al. 2024, arXiv 2406.11695) for trials on minibatches; successive halving
(Jamieson and Talwalkar 2016).
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from strategies.base import Effect, Outcome
from strategies.grading.llm.asking import Asking, tokens_of
from strategies.grading.llm.lesson import Lesson, Rows
from strategies.grading.llm.marking import Marked, marked, requests_of, shares_of, sheets_of
from strategies.grading.llm.program import MOST_INSTRUCTION_CHARS, Program
from strategies.grading.llm.reflection import Graded, crossed, proposals, reflection_requests

Floats = np.ndarray
MOST_MEMBERS = 8
_MOST_FINALISTS = 3
_LEAST_SPREAD = 0.01
_LEAST_ANSWERED = 0.9
"""Of what the best one answers: an instruction that makes replies unreadable is no better."""


@dataclass(frozen=True)
class Member:
    """An instruction tried on the whole pool: `shares` of max_score there, NaN where there was no reply."""

    instruction: str
    base: str
    """The instruction that it was made from."""
    origin: str
    iteration: int
    n_tokens: float
    """Of an answer; 0 where nothing is known."""
    shares: Floats

    def described(self) -> dict[str, Any]:
        """Without the shares, which are numbers for a tensor."""
        return {name: value for name, value in vars(self).items() if name != "shares"}


@dataclass(frozen=True)
class Tried:
    """What a trial of `rows` gave."""

    shares: Floats
    n_tokens: float
    several: tuple[Marked, ...]


@dataclass(frozen=True)
class Round:
    """What a round found: the members there are now, the most promising one, and one record a candidate.

    `found` is None where nothing was better on the pool.
    """

    members: tuple[Member, ...]
    found: Member | None
    records: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Advantage:
    """Of one set of shares over another on the same answers: the fall of the mean squared miss of the marks.

    `sureness` is that fall in standard errors.
    """

    fall: float
    sureness: float
    n: int


def advantage(rows: Rows, ours: Floats, theirs: Floats) -> Advantage:
    """Answers that one of them did not get a reply for are left out."""
    falls = (rows.marks(theirs) - rows.gold) ** 2 - (rows.marks(ours) - rows.gold) ** 2
    falls = falls[np.isfinite(falls)]
    if len(falls) < 2:
        return Advantage(0.0, 0.0, len(falls))
    # Never quite no spread: a few answers that all gain alike are no certainty.
    fall, spread = float(falls.mean()), max(float(falls.std(ddof=1)), _LEAST_SPREAD)
    return Advantage(fall, float(fall / (spread / np.sqrt(len(falls)))), len(falls))


def try_out(
    asking: Asking, lesson: Lesson, program: Program, rows: Rows
) -> Generator[Effect, Outcome, Tried]:
    """Marks `rows` by `program`."""
    tried = yield from try_all(asking, lesson, [(program, rows)])
    return tried[0]


def try_all(
    asking: Asking, lesson: Lesson, trials: Sequence[tuple[Program, Rows]]
) -> Generator[Effect, Outcome, list[Tried]]:
    """Marks each trial's rows by its program; all are asked together, so that none waits for another."""
    sheets = [
        sheets_of(program, lesson.bank, lesson.items, rows.item_ids, rows.texts, rows.answer_ids)
        for program, rows in trials
    ]
    requests = [requests_of(some) for some in sheets]
    answered = yield from asking.ask([request for some in requests for request in some])
    tried, start = [], 0
    for (program, _), own_sheets, own in zip(trials, sheets, requests, strict=True):
        replies = answered[start : start + len(own)]
        several = marked(own_sheets, replies)
        n_tokens = program.repeats * tokens_of(own, replies)
        tried.append(Tried(shares_of(several), n_tokens, tuple(several)))
        start += len(own)
    return tried


@dataclass(frozen=True)
class Standing:
    """A candidate after a trial: its advantage over the best one, on the same answers."""

    member: Member
    gain: Advantage

    @property
    def record(self) -> dict[str, Any]:
        """For the history."""
        return {
            "iteration": self.member.iteration,
            "origin": self.member.origin,
            "text": self.member.instruction,
            "n_tried": self.gain.n,
            "fall": round(self.gain.fall, 6),
            "sureness": round(self.gain.sureness, 3),
            "kept": False,
        }


@dataclass(frozen=True)
class Search:
    """What every round of a training has in common."""

    lesson: Lesson
    program: Program
    minibatch: int
    n_candidates: int
    reflection_model: str
    seed: int

    def round(
        self, asking: Asking, members: Sequence[Member], best: Member, number: int
    ) -> Generator[Effect, Outcome, Round]:
        """One round from `best`, one of `members`. What the budget did not allow counts as not found."""
        grader = replace(self.program, instruction=best.instruction)
        batch = self.lesson.batch(number, self.minibatch)
        shown = yield from try_out(asking, self.lesson, grader, batch)
        graded = _graded(batch, shown)
        seed = self.seed * 1009 + number
        wishes = reflection_requests(grader, graded, self.n_candidates, self.reflection_model, seed)
        answered = yield from asking.ask(wishes)
        texts = proposals(answered, [member.instruction for member in members])
        first = yield from self._first_trial(asking, texts, "reflection", best, number)
        crossings = self._crossings(_going_on(first), members, best, number)
        first += yield from self._first_trial(asking, crossings, "crossing", best, number)
        finalists = _going_on(first)[:_MOST_FINALISTS]
        pool = np.arange(len(self.lesson.pool))
        last = yield from self._tried_on(asking, [one.member for one in finalists], best, pool)
        last = [] if asking.spent else last
        found = self._most_promising(last, best)
        out = [one for one in first if asking.spent or not any(one is other for other in finalists)]
        kept = front([*members, *(one.member for one in last)], self.lesson.pool, (best, found))
        return Round(kept, found, tuple(one.record for one in (*out, *last)))

    def _first_trial(
        self, asking: Asking, texts: Sequence[str], origin: str, best: Member, number: int
    ) -> Generator[Effect, Outcome, list[Standing]]:
        """Candidates on one minibatch of the pool."""
        size = len(self.lesson.pool)
        places = (number * self.minibatch + np.arange(min(self.minibatch, size))) % max(size, 1)
        nothing = np.full(size, np.nan)
        fresh = [Member(text, best.instruction, origin, number, 0.0, nothing) for text in texts]
        return (yield from self._tried_on(asking, fresh, best, places))

    def _crossings(
        self, kept: Sequence[Standing], members: Sequence[Member], best: Member, number: int
    ) -> list[str]:
        """The two best candidates in one; and the best one with a member that is good at other answers."""
        ours = [one.member.instruction for one in kept] or [best.instruction]
        texts = [crossed(best.instruction, ours[0], ours[1])] if len(ours) > 1 else []
        other = _drawn(members, best, self.lesson.pool, self.seed * 1009 + number)
        if other is not None:
            texts.append(crossed(other.base, ours[0], other.instruction))
        known = {member.instruction for member in members} | set(ours)
        fit = [text for text in dict.fromkeys(texts) if text and text not in known]
        return [text for text in fit if len(text) <= MOST_INSTRUCTION_CHARS]

    def _tried_on(
        self, asking: Asking, candidates: Sequence[Member], best: Member, places: np.ndarray
    ) -> Generator[Effect, Outcome, list[Standing]]:
        """The candidates with their shares at `places` of the pool, asking only for those they lack."""
        missing = [places[np.isnan(candidate.shares[places])] for candidate in candidates]
        tried = yield from try_all(
            asking,
            self.lesson,
            [
                (replace(self.program, instruction=candidate.instruction), self.lesson.pool.take(lacking))
                for candidate, lacking in zip(candidates, missing, strict=True)
            ],
        )
        rows = self.lesson.pool.take(places)
        found = []
        for candidate, lacking, trial in zip(candidates, missing, tried, strict=True):
            member = _with(candidate, lacking, trial)
            found.append(Standing(member, advantage(rows, member.shares[places], best.shares[places])))
        return found

    def _most_promising(self, last: Sequence[Standing], best: Member) -> Member | None:
        least = _LEAST_ANSWERED * np.isfinite(best.shares).sum()
        sound = [one for one in last if np.isfinite(one.member.shares).sum() >= least]
        found = max(sound, key=lambda one: one.gain.fall, default=None)
        return found.member if found is not None and found.gain.fall > 0 else None


def _going_on(first: Sequence[Standing]) -> list[Standing]:
    """The better half, and one more since few answers err; only those that beat the best one, best first."""
    order = sorted(first, key=lambda one: -one.gain.fall)
    return [one for one in order[: len(first) // 2 + 1] if one.gain.fall > 0]


def _with(candidate: Member, places: np.ndarray, trial: Tried) -> Member:
    """The candidate with what a trial at these places of the pool adds."""
    shares = candidate.shares.copy()
    n_before = int(np.isfinite(shares).sum())
    shares[places] = trial.shares
    if not np.isfinite(trial.n_tokens):
        return replace(candidate, shares=shares)
    n_tokens = (n_before * candidate.n_tokens + len(places) * trial.n_tokens) / (n_before + len(places))
    return replace(candidate, n_tokens=round(n_tokens, 3), shares=shares)


def _graded(rows: Rows, tried: Tried) -> list[Graded]:
    marks = rows.marks(tried.shares)
    return [
        Graded(rows.answer_ids[i], one, float(marks[i]), float(rows.gold[i]), float(rows.step[i]))
        for i, one in enumerate(tried.several)
    ]


def misses(members: Sequence[Member], rows: Rows) -> Floats:
    """(members, answers): squared misses of the marks, NaN where there was no reply."""
    return np.array([(rows.marks(member.shares) - rows.gold) ** 2 for member in members])


def mean_misses(members: Sequence[Member], rows: Rows) -> Floats:
    """Infinite for one that got no reply at all."""
    table = misses(members, rows)
    n = np.isfinite(table).sum(axis=1)
    return np.where(n > 0, np.nansum(table, axis=1) / np.maximum(n, 1), np.inf)


def best_somewhere(members: Sequence[Member], rows: Rows) -> Floats:
    """Of each member, on how many answers it is best, ties shared: GEPA's front by single answers."""
    table = np.where(np.isfinite(table := misses(members, rows)), table, np.inf)
    first = (table <= table.min(axis=0) + 1e-9) & np.isfinite(table)
    return np.asarray((first / np.maximum(first.sum(axis=0), 1)).sum(axis=1))


def on_front(members: Sequence[Member], rows: Rows) -> np.ndarray:
    """Which members no other one beats in both agreement and tokens of an answer."""
    miss, cost = mean_misses(members, rows), np.array([member.n_tokens for member in members])
    beaten = [
        bool(np.any((miss <= miss[i]) & (cost <= cost[i]) & ((miss < miss[i]) | (cost < cost[i]))))
        for i in range(len(members))
    ]
    return ~np.array(beaten, bool)


def front(members: Sequence[Member], rows: Rows, needed: Collection[Member | None]) -> tuple[Member, ...]:
    """At most `MOST_MEMBERS`: those `needed`, then the front of agreement and cost, then those best
    somewhere."""
    nondominated, somewhere = on_front(members, rows), best_somewhere(members, rows)
    must = [any(member is one for one in needed) for member in members]
    order = sorted(range(len(members)), key=lambda i: (not must[i], not nondominated[i], -somewhere[i], i))
    return tuple(members[i] for i in sorted(order[:MOST_MEMBERS]))


def _drawn(members: Sequence[Member], best: Member, rows: Rows, seed: int) -> Member | None:
    """Another member than `best`, the likelier the more answers it is best on."""
    others = [member for member in members if member is not best and member.base != member.instruction]
    if not others:
        return None
    weights = best_somewhere(members, rows)[[i for i, m in enumerate(members) if any(m is o for o in others)]]
    if weights.sum() <= 0:
        return None
    return others[int(np.random.default_rng(seed).choice(len(others), p=weights / weights.sum()))]
