"""A comparison of classifiers in words: what is surely better, what nobody can tell, and what to choose."""

from __future__ import annotations

from collections.abc import Iterator

from domain.bootstrap import Interval
from domain.comparing import is_sure, names_of, told_left_out
from domain.reports.wording import Finding, Severity, counted
from domain.vision.comparison import Comparison, Pair


def same_labels(pair: Pair) -> bool:
    """Whether the two are right on the very same pictures."""
    return pair.n_only_first == pair.n_only_second == 0


def points(value: float) -> str:
    """A difference of shares: +1.3 points."""
    return f"{100 * value + 0.0:+.1f} points".replace("-", "−")


def points_between(interval: Interval) -> str:
    """−0.2 to +1.9 points."""
    return f"{points(interval.low).removesuffix(' points')} to {points(interval.high)}"


def verdict(pair: Pair, comparison: Comparison, names: list[str]) -> str:
    """One sentence on two contenders."""
    first, second = names[pair.first], names[pair.second]
    if same_labels(pair):
        return f"{first} and {second} are right on the very same of the {comparison.n:,} pictures."
    only = (
        f"{counted(pair.n_only_second, 'picture')} only {second} labels rightly, {pair.n_only_first:,} only "
        f"{first}"
    )
    p = f"p = {pair.p_corrected:.3f}{' corrected' if len(comparison.pairs) > 1 else ''}"
    if is_sure(pair):
        better, worse = (second, first) if pair.accuracy.value > 0 else (first, second)
        gap = pair.accuracy if pair.accuracy.value > 0 else _turned(pair.accuracy)
        return (
            f"{better} is right more often than {worse} by {points(gap.value).lstrip('+')} (95% interval "
            f"{points_between(gap)}; {p}): {only}."
        )
    return (
        f"{second} against {first}: no difference that this test set could show "
        f"({points(pair.accuracy.value)}, 95% interval {points_between(pair.accuracy)}; {p}): {only}."
    )


def _turned(interval: Interval) -> Interval:
    return Interval(-interval.value, -interval.high, -interval.low, interval.n)


def brief(pair: Pair, names: list[str]) -> str:
    """The verdict in a few words, for a table that has the figures."""
    if same_labels(pair):
        return "right on the same pictures"
    if not is_sure(pair):
        return "no difference shown"
    return f"{names[pair.second if pair.accuracy.value > 0 else pair.first]} is better"


def conclusions(comparison: Comparison) -> Iterator[Finding]:
    """Who is right most often, whom to choose, and what the comparison leaves out."""
    names = names_of(comparison.contenders)
    yield _best(comparison, names)
    yield from _choice(comparison, names)
    yield from _left_out(comparison, names)


def leader(comparison: Comparison) -> int:
    """The contender with the highest accuracy."""
    values = [standing.accuracy.value for standing in comparison.standings]
    return values.index(max(values))


def as_good(comparison: Comparison) -> list[int]:
    """The leader and those that were not shown to be worse."""
    top = leader(comparison)
    worse = {
        pair.second if pair.first == top else pair.first
        for pair in comparison.pairs
        if top in (pair.first, pair.second) and is_sure(pair)
    }
    return [k for k in range(len(comparison.contenders)) if k not in worse]


def _best(comparison: Comparison, names: list[str]) -> Finding:
    top, where = leader(comparison), f"on {comparison.n:,} unseen pictures"
    rest = [pair for pair in comparison.pairs if top in (pair.first, pair.second)]
    n_sure = sum(map(is_sure, rest))
    text = " ".join(verdict(pair, comparison, names) for pair in rest)
    if len(comparison.pairs) > 1:
        text += f" p-values are corrected for {len(comparison.pairs)} comparisons; all are in the table."
    if n_sure == len(rest):
        return Finding(Severity.GOOD, f"{names[top]} is right most often {where}", text)
    if n_sure:
        return Finding(Severity.NOTE, f"{names[top]} is ahead {where}, but not surely of all", text)
    todo = "Choose by cost and time, or compare on more labelled pictures."
    return Finding(Severity.NOTE, f"No difference in accuracy was found {where}", text, todo)


def _choice(comparison: Comparison, names: list[str]) -> Iterator[Finding]:
    """The fastest of those that are as good."""
    equal = as_good(comparison)
    seconds = [comparison.contenders[k].costs.seconds_per_picture for k in equal]
    known = [value for value in seconds if value is not None]
    if len(equal) < 2 or len(known) < len(equal):
        return
    fastest = min(zip(known, equal, strict=True))
    others = ", ".join(names[k] for k in equal if k != fastest[1])
    yield Finding(
        Severity.GOOD,
        f"{names[fastest[1]]} is the fastest of those that are not shown to be worse",
        f"It labelled the test pictures in {milliseconds(fastest[0])} each; {others} may be as right.",
    )


def milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.2g} ms"


def _left_out(comparison: Comparison, names: list[str]) -> Iterator[Finding]:
    yield from told_left_out(names, comparison.n_left_out, comparison.n_learnt_from, "picture", "labelled")
    if len({one.promised for one in comparison.contenders}) > 1:
        yield Finding(
            Severity.NOTE,
            "The jobs promised different accuracy",
            "The shares labelled without a human are each at the job's own promise.",
        )
