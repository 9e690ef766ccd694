"""What comparing jobs shares among the kinds: who takes part, how they are called, and whom nobody beats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from domain.errors import InputError
from domain.reports.wording import Finding, Severity, counted

N_RESAMPLES = 2000
SURE = 0.05
"""A corrected p-value below this is called a difference."""
MOST = 26
"""Contenders: as many as there are letters to name them by."""


class Contender(Protocol):
    """A job that takes part."""

    @property
    def job_id(self) -> str: ...
    @property
    def strategy(self) -> str: ...
    @property
    def dataset(self) -> str: ...
    @property
    def learnt_from(self) -> frozenset[str]: ...
    @property
    def label(self) -> str: ...


class Pair(Protocol):
    """Two of them."""

    @property
    def p_corrected(self) -> float: ...


def check_contenders(contenders: Sequence[Contender]) -> None:
    """Raises InputError for fewer than two, for too many, and for one named twice."""
    if len(contenders) < 2:
        raise InputError(f"{len(contenders)} job to compare: name two or more (trainyard runs lists them)")
    if len(contenders) > MOST:
        raise InputError(f"{len(contenders)} jobs to compare: name {MOST} at most")
    ids = [one.job_id for one in contenders]
    twice = next((job for job in ids if ids.count(job) > 1), None)
    if twice:
        raise InputError(f"job {twice[:8]} is named twice: name each job once")


def nothing_shared(first: Contender, other: Contender, examples: str) -> InputError:
    """`examples` in the plural: "answers"."""
    return InputError(
        f"jobs {first.job_id[:8]} (dataset {first.dataset}) and {other.job_id[:8]} (dataset {other.dataset}) "
        f"share no test {examples}: measure one on the other's, `trainyard evaluate {other.job_id[:8]} "
        f"--dataset {first.dataset}`, and compare again"
    )


def learnt_by_any(contenders: Sequence[Contender]) -> frozenset[str]:
    """The ids of what any of them was trained or validated on."""
    return frozenset[str]().union(*(one.learnt_from for one in contenders))


def all_learnt(n: int, examples: str) -> InputError:
    return InputError(
        f"every one of the {n} common {examples} is in the training data of one of the jobs: "
        "compare jobs of one dataset"
    )


def names_of(contenders: Sequence[Contender]) -> list[str]:
    """How each is called: by its strategy where that says it, else with its job."""
    strategies = [one.strategy for one in contenders]
    return [one.strategy if strategies.count(one.strategy) == 1 else one.label for one in contenders]


def is_sure(pair: Pair) -> bool:
    """Whether the difference is more than chance explains, however many were compared."""
    return pair.p_corrected < SURE


def unbeaten(worths: Sequence[tuple[float | None, ...]]) -> tuple[int, ...]:
    """The Pareto front of contenders' worths, more being better. What is unknown (None or NaN) of one of two
    decides nothing between them; what is unknown of both counts for neither."""

    def beats(a: int, b: int) -> bool:
        pairs = list(zip(worths[a], worths[b], strict=True))
        if any((x is None) != (y is None) or x != x or y != y for x, y in pairs):
            return False
        known = [(x, y) for x, y in pairs if x is not None and y is not None]
        return all(x >= y for x, y in known) and any(x > y for x, y in known)

    many = range(len(worths))
    return tuple(k for k in many if not any(beats(other, k) for other in many if other != k))


def less(cost: float | None) -> float | None:
    """A cost as a worth."""
    return None if cost is None else -cost


def told_left_out(
    names: Sequence[str], n_left_out: Sequence[int], n_learnt_from: int, example: str, treated: str
) -> Iterator[Finding]:
    """What a comparison leaves out: of each contender, `example`s ("answer") that it `treated` ("graded")."""
    for name, n in zip(names, n_left_out, strict=True):
        if n:
            yield Finding(
                Severity.NOTE,
                f"{counted(n, example)} that {name} {treated} {'is' if n == 1 else 'are'} left out",
                f"Only {example}s that every one of them {treated}, and none learnt from, are compared.",
            )
    if n_learnt_from:
        yield Finding(
            Severity.WARNING,
            f"{counted(n_learnt_from, f'common {example}')} taught one of the models",
            "They are left out of every figure.",
        )
