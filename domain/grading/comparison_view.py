"""What stands on a comparison's page: all words and numbers already written."""

from __future__ import annotations

from collections.abc import Iterator

from domain.bootstrap import Interval
from domain.comparing import N_RESAMPLES, is_sure, names_of
from domain.grading.comparison import Comparison, Contender, Pair, Part
from domain.grading.comparison_figures import differences, quality_and_price
from domain.grading.comparison_words import brief, conclusions
from domain.grading.report_view import value_of
from domain.grading.wording import HELD_OUT
from domain.reports.comparison import ComparisonView, ContenderRow, PairRow, PartView, letter
from domain.reports.view import NONE, Row, Value, moment
from domain.reports.wording import UNKNOWN, counted, has_interval, money, share, signed

COLUMNS = (
    ("QWK", "qwk"), ("Agreement", "agreement"), ("RMSE", "rmse"), ("Without a human", "automatic.share"),
    ("Agreement there", "automatic.agreement"),
)  # fmt: skip


CONTENDER_COLUMNS = (
    "Model", "Dataset", "Created", "Iterations", "Training", "Training cost", "Cost of 1,000 answers",
    "Time of an answer", "Tokens for an answer",
)  # fmt: skip


def comparison_view(comparison: Comparison) -> ComparisonView:
    """Draws the pictures and writes every number of the page."""
    names = names_of(comparison.contenders)
    return ComparisonView(
        title=f"Comparison: {', '.join(names)}",
        examples="answers",
        job_columns=CONTENDER_COLUMNS,
        measures=tuple(name for name, _ in COLUMNS),
        pair_columns=("QWK", "Agreement", "RMSE"),
        pairs_said="The second job's figure minus the first's. A lower RMSE is better.",
        findings=tuple(conclusions(comparison)),
        contenders=tuple(_contender(k, one) for k, one in enumerate(comparison.contenders)),
        parts=tuple(_part(comparison, part, names) for part in comparison.parts),
        pictures=tuple(quality_and_price(comparison, comparison.parts[0])),
        method=_method(comparison),
    )


def _contender(k: int, one: Contender) -> ContenderRow:
    costs = one.costs
    seconds = UNKNOWN if costs.seconds_per_answer is None else f"{costs.seconds_per_answer:.2g} s"
    tokens = NONE if costs.tokens_per_answer is None else f"{costs.tokens_per_answer:,.0f}"
    cells = (
        one.model, one.dataset, moment(one.created), f"{costs.n_iterations:,}",
        f"{costs.training_seconds:.1f} s", money(costs.training_usd), money(costs.usd_per_1000_answers),
        seconds, tokens,
    )  # fmt: skip
    return ContenderRow(letter(k), one.label, cells)


def _part(comparison: Comparison, part: Part, names: list[str]) -> PartView:
    labels = [f"{letter(k)} · {one.label}" for k, one in enumerate(comparison.contenders)]
    return PartView(
        protocol=part.protocol,
        name=HELD_OUT[part.protocol],
        said=f"{counted(part.n, 'answer')} by {counted(part.n_students, 'student')}, the same for all.",
        rows=tuple(
            Row(label, tuple(_values(standing)))
            for label, standing in zip(labels, part.standings, strict=True)
        ),
        best=tuple(_unbeaten(comparison.contenders[k], k in part.best) for k in range(len(labels))),
        pairs=tuple(_pair(pair, names) for pair in part.pairs),
        forest=differences(part),
    )


def _unbeaten(one: Contender, best: bool) -> str:
    known = None not in (one.costs.usd_per_1000_answers, one.costs.seconds_per_answer)
    return ("yes" if known else "not known") if best else "no"


def _values(standing: object) -> Iterator[Value]:
    for _, metric in COLUMNS:
        yield value_of(getattr(standing, metric.replace(".", "_")), metric)


def _pair(pair: Pair, names: list[str]) -> PairRow:
    return PairRow(
        name=f"{letter(pair.second)} − {letter(pair.first)}",
        values=(_gap(pair.qwk), _gap(pair.agreement, points=True), _gap(pair.rmse)),
        p=NONE if pair.p != pair.p else f"{pair.p:.3f}",
        p_corrected=NONE if pair.p_corrected != pair.p_corrected else f"{pair.p_corrected:.3f}",
        verdict=brief(pair, names),
        sure=is_sure(pair),
    )


def _gap(interval: Interval, *, points: bool = False) -> Value:
    if interval.value != interval.value:
        return Value(NONE)

    def said(value: float) -> str:
        return f"{signed(100 * value).rpartition('.')[0]} points" if points else signed(value)

    ends = f"{said(interval.low).removesuffix(' points')} to {said(interval.high).removesuffix(' points')}"
    return Value(said(interval.value), ends if has_interval(interval) else "")


def _method(comparison: Comparison) -> str:
    resampled = "students" if comparison.parts[0].n_students >= 5 else "answers"
    promised = ", ".join(sorted({share(one.promised) for one in comparison.contenders}))
    within, many = share(comparison.tolerance), f"{N_RESAMPLES:,}"
    return (
        f"Marks agree within {within} of the item's worth; what is graded without a human is at {promised} "
        f"promised agreement. Intervals and p-values are from {many} paired bootstrap resamples of whole "
        f"{resampled} (Efron and Tibshirani, 1993), seed {comparison.seed}; with more than two jobs p-values "
        "are corrected by Holm's method. A cost is what providers bill: a grader that asks no language model "
        "has none; an unknown price is unknown."
    )
