"""A comparison in words: what is surely better, what nobody can tell, and what to choose."""

from __future__ import annotations

from collections.abc import Iterator

from domain.comparing import is_sure, names_of, told_left_out
from domain.grading.comparison import Comparison, Pair, Part
from domain.grading.wording import HELD_OUT
from domain.reports.wording import Finding, Severity, between, signed


def verdict(pair: Pair, part: Part, names: list[str]) -> str:
    """One sentence on two contenders."""
    first, second = names[pair.first], names[pair.second]
    if pair.same_marks:
        return f"{first} and {second} gave each of the {part.n} answers the same mark."
    if pair.qwk.value != pair.qwk.value:
        return f"{first} and {second} cannot be compared by QWK: the examiner's scores are all equal."
    better, worse = (second, first) if pair.qwk.value > 0 else (first, second)
    if is_sure(pair):
        low, high = sorted((abs(pair.qwk.low), abs(pair.qwk.high)))
        reach = f"95% interval {low:.2f} to {high:.2f}" if _one_sided(pair) else between(pair.qwk)
        return f"{better} is better than {worse} by {abs(pair.qwk.value):.2f} ({reach}; {_p(pair, part)})."
    said = "no difference that this test set could show"
    if _one_sided(pair):
        said = f"no difference that stands among {len(part.pairs)} comparisons"
    return (
        f"{second} against {first}: {said} ({signed(pair.qwk.value)}, 95% interval {signed(pair.qwk.low)} to "
        f"{signed(pair.qwk.high)}; {_p(pair, part)})."
    )


def brief(pair: Pair, names: list[str]) -> str:
    """The verdict in a few words, for a table that has the figures."""
    if pair.same_marks:
        return "the same marks"
    if pair.qwk.value != pair.qwk.value:
        return "cannot be compared"
    if not is_sure(pair):
        return "no difference shown"
    return f"{names[pair.second if pair.qwk.value > 0 else pair.first]} is better"


def _one_sided(pair: Pair) -> bool:
    return pair.qwk.low > 0 or pair.qwk.high < 0


def _p(pair: Pair, part: Part) -> str:
    corrected = " corrected" if len(part.pairs) > 1 else ""
    return f"p = {_small(pair.p_corrected)}{corrected}"


def _small(p: float) -> str:
    return f"{p:.3f}" if p < 0.095 else f"{p:.2f}"


def conclusions(comparison: Comparison) -> Iterator[Finding]:
    """Who agrees best, whom to choose, and what the comparison leaves out."""
    names = names_of(comparison.contenders)
    for part in comparison.parts:
        yield _best(part, names)
    yield from _choice(comparison, names)
    yield from _left_out(comparison, names)


def _best(part: Part, names: list[str]) -> Finding:
    where = f"on {part.n} {HELD_OUT[part.protocol]}"
    top = leader(part)
    if top is None:
        return Finding(
            Severity.WARNING, f"Nothing can be said {where}", "The examiner's scores are all equal."
        )
    rest = [pair for pair in part.pairs if top in (pair.first, pair.second)]
    sure = [pair for pair in rest if is_sure(pair)]
    text = " ".join(verdict(pair, part, names) for pair in rest)
    if len(part.pairs) > 1:
        text += f" p-values are corrected for {len(part.pairs)} comparisons; all are in the table."
    if len(sure) == len(rest):
        return Finding(Severity.GOOD, f"{names[top]} agrees best with the examiner {where}", text)
    if sure:
        return Finding(Severity.NOTE, f"{names[top]} is ahead {where}, but not surely of all", text)
    return Finding(
        Severity.NOTE,
        f"No difference in quality was found {where}",
        text,
        "Choose by cost and time, or compare on more graded answers.",
    )


def leader(part: Part) -> int | None:
    """The contender with the highest QWK; None where none could be computed."""
    values = [standing.qwk.value for standing in part.standings]
    known = [k for k, value in enumerate(values) if value == value]
    return max(known, key=lambda k: values[k]) if known else None


def as_good(part: Part) -> list[int]:
    """The leader and those that were not shown to be worse."""
    top = leader(part)
    if top is None:
        return []
    worse = {pair.second if pair.first == top else pair.first for pair in part.pairs
             if top in (pair.first, pair.second) and is_sure(pair)}  # fmt: skip
    return [k for k in range(len(part.standings)) if k not in worse]


def _choice(comparison: Comparison, names: list[str]) -> Iterator[Finding]:
    """The cheapest of those that are as good, on the protocol nearest to daily use."""
    equal = as_good(comparison.parts[0])
    costs = [comparison.contenders[k].costs for k in equal]
    if len(equal) < 2 or any(c.usd_per_1000_answers is None for c in costs):
        return

    def price(k: int) -> tuple[float, float]:
        one = comparison.contenders[k].costs
        seconds = float("inf") if one.seconds_per_answer is None else one.seconds_per_answer
        return one.usd_per_1000_answers or 0.0, seconds

    cheapest = min(equal, key=price)
    others = [names[k] for k in equal if k != cheapest]
    usd, seconds = price(cheapest)
    took = f" and {seconds:.2g} s an answer" if seconds < float("inf") else ""
    yield Finding(
        Severity.GOOD,
        f"{names[cheapest]} costs least of those that are not shown to be worse",
        f"Grading 1,000 answers with it costs ${usd:.2f}{took}; {', '.join(others)} may agree as well.",
    )


def _left_out(comparison: Comparison, names: list[str]) -> Iterator[Finding]:
    yield from told_left_out(names, comparison.n_left_out, comparison.n_learnt_from, "answer", "graded")
    promises = {one.promised for one in comparison.contenders}
    if len(promises) > 1:
        yield Finding(
            Severity.NOTE,
            "The jobs promised different agreement",
            "The shares graded without a human are each at the job's own promise.",
        )
