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
from strategies.grading.llm.program import Program
from strategies.grading.llm.reflection import Graded, crossed, proposals, reflection_requests

Floats = np.ndarray
MOST_MEMBERS = 8
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
    fall, spread = float(falls.mean()), float(falls.std(ddof=1))
    if spread < 1e-12:
        return Advantage(fall, 0.0, len(falls))
    return Advantage(fall, fall / (spread / np.sqrt(len(falls))), len(falls))


def try_out(
    asking: Asking, lesson: Lesson, program: Program, rows: Rows
) -> Generator[Effect, Outcome, Tried]:
    """Marks `rows` by `program`."""
    sheets = sheets_of(program, lesson.bank, lesson.items, rows.item_ids, rows.texts, rows.answer_ids)
    requests = requests_of(sheets)
    answered = yield from asking.ask(requests)
    several = marked(sheets, answered)
    return Tried(shares_of(several), program.repeats * tokens_of(requests, answered), tuple(several))


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
        fresh = [self._candidate(text, best, "reflection", number) for text in texts]
        kept, records = yield from self._first_trial(asking, fresh, best, number)
        kept += self._crossings(kept, members, best, number)
        tried: list[Member] = []
        for candidate in kept:
            missing = np.flatnonzero(np.isnan(candidate.shares))
            tried.append((yield from self._tried_on(asking, candidate, missing)))
        tried = [] if asking.spent else tried
        records += [self._record(member, member.shares, self.lesson.pool, best) for member in tried]
        found = self._most_promising(tried, best)
        return Round(front([*members, *tried], self.lesson.pool, (best, found)), found, tuple(records))

    def _candidate(self, text: str, best: Member, origin: str, number: int) -> Member:
        nothing = np.full(len(self.lesson.pool), np.nan)
        return Member(text, best.instruction, origin, number, 0.0, nothing)

    def _first_trial(
        self, asking: Asking, fresh: Sequence[Member], best: Member, number: int
    ) -> Generator[Effect, Outcome, tuple[list[Member], list[dict[str, Any]]]]:
        """The better half of the candidates on one minibatch, best first, as far as they beat `best` there;
        and records of the others."""
        size = len(self.lesson.pool)
        places = (number * self.minibatch + np.arange(min(self.minibatch, size))) % max(size, 1)
        rows, theirs = self.lesson.pool.take(places), best.shares[places]
        ranked: list[tuple[float, Member]] = []
        records = []
        for candidate in fresh:
            tried = yield from self._tried_on(asking, candidate, places)
            ranked.append((advantage(rows, tried.shares[places], theirs).fall, tried))
            records.append(self._record(tried, tried.shares[places], rows, replace(best, shares=theirs)))
        order = sorted(range(len(ranked)), key=lambda place: -ranked[place][0])
        # One more than half, since a first trial of few answers errs.
        going_on = [place for place in order[: len(ranked) // 2 + 1] if ranked[place][0] > 0]
        gone = [record for place, record in enumerate(records) if place not in going_on]
        return [ranked[place][1] for place in going_on], gone

    def _crossings(
        self, kept: Sequence[Member], members: Sequence[Member], best: Member, number: int
    ) -> list[Member]:
        """The two best candidates in one; and the best one with a member that is good at other answers."""
        texts = []
        if len(kept) > 1:
            texts.append(crossed(best.instruction, kept[0].instruction, kept[1].instruction))
        other = _drawn(members, best, self.lesson.pool, self.seed * 1009 + number)
        if other is not None:
            ours = kept[0].instruction if kept else best.instruction
            texts.append(crossed(other.base, ours, other.instruction))
        known = {member.instruction for member in (*members, *kept)}
        fresh = [text for text in dict.fromkeys(texts) if text and text not in known]
        return [self._candidate(text, best, "crossing", number) for text in fresh]

    def _tried_on(
        self, asking: Asking, candidate: Member, places: np.ndarray
    ) -> Generator[Effect, Outcome, Member]:
        """The candidate with its shares at `places` of the pool, beside those that it has already."""
        program = replace(self.program, instruction=candidate.instruction)
        trial = yield from try_out(asking, self.lesson, program, self.lesson.pool.take(places))
        shares = candidate.shares.copy()
        shares[places] = trial.shares
        seen = [(len(places), trial.n_tokens), (len(shares) - len(places), candidate.n_tokens)]
        known = [(n, tokens) for n, tokens in seen if n and np.isfinite(tokens) and tokens > 0]
        n_tokens = sum(n * tokens for n, tokens in known) / sum(n for n, _ in known) if known else 0.0
        return replace(candidate, n_tokens=round(n_tokens, 3), shares=shares)

    def _most_promising(self, tried: Sequence[Member], best: Member) -> Member | None:
        n_best = np.isfinite(best.shares).sum()
        sound = [m for m in tried if np.isfinite(m.shares).sum() >= _LEAST_ANSWERED * n_best]
        falls = {id(m): advantage(self.lesson.pool, m.shares, best.shares).fall for m in sound}
        found = max(sound, key=lambda member: falls[id(member)], default=None)
        return found if found is not None and falls[id(found)] > 0 else None

    def _record(self, member: Member, shares: Floats, rows: Rows, best: Member) -> dict[str, Any]:
        gain = advantage(rows, shares, best.shares)
        return {
            "iteration": member.iteration,
            "origin": member.origin,
            "text": member.instruction,
            "n_tried": gain.n,
            "fall": round(gain.fall, 6),
            "sureness": round(gain.sureness, 3),
            "kept": False,
        }


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
