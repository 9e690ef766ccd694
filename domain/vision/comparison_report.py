"""The page of a comparison of classifiers, and the tables beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from domain.bootstrap import Interval
from domain.comparing import N_RESAMPLES, is_sure, names_of
from domain.reports.comparison import (
    ComparisonFiles,
    ComparisonTables,
    ComparisonView,
    ContenderRow,
    PairRow,
    PartView,
    cells,
    letter,
    write_page,
)
from domain.reports.comparison_drawing import Difference, Priced, forest, quality_against
from domain.reports.drawing import Picture
from domain.reports.view import NONE, Row, Value, moment
from domain.reports.wording import UNKNOWN, counted, has_interval, money, share
from domain.vision.comparison import Comparison, Contender, Pair, Standing
from domain.vision.comparison_words import brief, conclusions, milliseconds, points, points_between
from domain.vision.splits import PROTOCOL

MEASURES = (
    ("Accuracy", "accuracy", True), ("Macro-F1", "macro_f1", False), ("Log loss", "log_loss", False),
    ("Without a human", "automatic_share", True), ("Accuracy there", "automatic_accuracy", True),
)  # fmt: skip
"""Heading, field of `Standing`, and whether it is told in percent."""
_JOB_COLUMNS = (
    "Model", "Dataset", "Created", "Iterations", "Training", "Training cost", "Time of a picture", "Size",
)  # fmt: skip
_SAID = "Nobody is right more often for less than the round marks, which the dashed line joins."


def write_comparison(comparison: Comparison, folder: Path) -> ComparisonFiles:
    """Writes the page and the tables beside it; see `domain.reports.comparison.write_page`."""
    view = comparison_view(comparison)
    tables = ComparisonTables(
        _described(comparison, view), figure_rows(comparison), difference_rows(comparison)
    )
    return write_page(view, tables, folder)


def comparison_view(comparison: Comparison) -> ComparisonView:
    """Draws the pictures and writes every number of the page."""
    names = names_of(comparison.contenders)
    return ComparisonView(
        title=f"Comparison: {', '.join(names)}",
        examples="pictures",
        job_columns=_JOB_COLUMNS,
        measures=tuple(name for name, *_ in MEASURES),
        pair_columns=("Accuracy", "Log loss", "Right alone"),
        pairs_said="The first letter's figure minus the second's; a lower log loss is better. Right alone: "
        "pictures that only the first letter labels rightly, and only the second.",
        findings=tuple(conclusions(comparison)),
        contenders=tuple(_contender(k, one) for k, one in enumerate(comparison.contenders)),
        parts=(_part(comparison, names),),
        pictures=tuple(_pictures(comparison)),
        method=_method(comparison),
    )


def _contender(k: int, one: Contender) -> ContenderRow:
    costs = one.costs
    told = (
        one.model, one.dataset, moment(one.created), f"{costs.n_iterations:,}",
        f"{costs.training_seconds:.1f} s", money(costs.training_usd),
        UNKNOWN if costs.seconds_per_picture is None else milliseconds(costs.seconds_per_picture),
        UNKNOWN if costs.model_mb is None else f"{costs.model_mb:.2g} MB",
    )  # fmt: skip
    return ContenderRow(letter(k), one.label, told)


def _part(comparison: Comparison, names: list[str]) -> PartView:
    pairs = [Difference(_name(pair), pair.accuracy, is_sure(pair)) for pair in comparison.pairs]
    return PartView(
        protocol=PROTOCOL,
        name="unseen pictures",
        said=f"{counted(comparison.n, 'picture')}, the same for all.",
        rows=tuple(
            Row(f"{letter(k)} · {one.label}", tuple(_values(standing)))
            for k, (one, standing) in enumerate(zip(comparison.contenders, comparison.standings, strict=True))
        ),
        best=tuple(_unbeaten(one, k in comparison.best) for k, one in enumerate(comparison.contenders)),
        pairs=tuple(_pair(pair, names) for pair in comparison.pairs),
        forest=forest("forest", "Differences in accuracy", "accuracy", pairs),
    )


def _unbeaten(one: Contender, best: bool) -> str:
    known = None not in (one.costs.training_usd, one.costs.seconds_per_picture)
    return ("yes" if known else "not known") if best else "no"


def _values(standing: Standing) -> Iterator[Value]:
    for _, field, percent in MEASURES:
        yield _figure(getattr(standing, field), percent=percent)


def _figure(interval: Interval, *, percent: bool) -> Value:
    def written(value: float) -> str:
        return f"{value:.1%}" if percent else f"{value:.3f}"

    if interval.value != interval.value:
        return Value(NONE)
    ends = f"{written(interval.low)}–{written(interval.high)}" if has_interval(interval) else ""
    return Value(written(interval.value), ends)


def _name(pair: Pair) -> str:
    return f"{letter(pair.second)} − {letter(pair.first)}"


def _pair(pair: Pair, names: list[str]) -> PairRow:
    return PairRow(
        name=_name(pair),
        values=(
            Value(
                points(pair.accuracy.value).replace("points", "pt"),
                points_between(pair.accuracy).removesuffix(" points"),
            ),
            _gap(pair.log_loss),
            Value(f"{pair.n_only_second:,} : {pair.n_only_first:,}"),
        ),
        p=f"{pair.p:.3f}",
        p_corrected=f"{pair.p_corrected:.3f}",
        verdict=brief(pair, names),
        sure=is_sure(pair),
    )


def _gap(interval: Interval) -> Value:
    def written(value: float) -> str:
        return f"{value + 0.0:+.3f}".replace("-", "−")

    ends = f"{written(interval.low)} to {written(interval.high)}" if has_interval(interval) else ""
    return Value(written(interval.value), ends)


def _pictures(comparison: Comparison) -> Iterator[Picture]:
    """Accuracy against money, training and time, each where it is known of two contenders or more."""
    costs = [one.costs for one in comparison.contenders]
    usd = [one.training_usd for one in costs]
    wanted = (
        ("cost", "Quality and cost", "US dollars of training", usd if any(usd) else [], False),
        ("training", "Quality and training", "seconds of training (logarithmic)",
         [one.training_seconds or None for one in costs], True),
        ("time", "Quality and time", "milliseconds for a picture (logarithmic)",
         [one.seconds_per_picture and 1000 * one.seconds_per_picture for one in costs], True),
    )  # fmt: skip
    for name, title, label, prices, log in wanted:
        known = [
            Priced(letter(k), price, comparison.standings[k].accuracy)
            for k, price in enumerate(prices)
            if price is not None and (price > 0 or not log)
        ]
        if len(known) > 1:
            labels = (label, "accuracy with 95% interval")
            yield quality_against(f"quality-{name}", title, _SAID, labels, known, log=log)


def _method(comparison: Comparison) -> str:
    promised = ", ".join(sorted({share(one.promised) for one in comparison.contenders}))
    many = f"{N_RESAMPLES:,}"
    return (
        f"What is labelled without a human is at {promised} promised accuracy. Intervals are from {many} "
        "paired bootstrap resamples in which near copies are drawn together (Efron and Tibshirani, 1993), "
        f"seed {comparison.seed}; p is the larger of the bootstrap's and of McNemar's exact test; with more "
        "than two jobs p-values are corrected by Holm's method. The time of a picture was measured where and "
        "when each job was evaluated. "
        "The cost of training is what providers of language models bill; a strategy that asks none has "
        "no cost; an unknown price is unknown."
    )


def _described(comparison: Comparison, view: ComparisonView) -> dict[str, Any]:
    """Every figure. The labels themselves are in the jobs' own reports."""
    return {
        "contenders": [
            {
                "letter": letter(k), "job": one.job_id, "strategy": one.strategy, "model": one.model,
                "dataset": one.dataset, "created": one.created, "promised": one.promised,
                "n_left_out": comparison.n_left_out[k], "costs": asdict(one.costs),
            }
            for k, one in enumerate(comparison.contenders)
        ],
        "parts": [
            {
                "protocol": PROTOCOL, "n": comparison.n, "best": comparison.best,
                "standings": [asdict(one) for one in comparison.standings],
                "pairs": [asdict(one) for one in comparison.pairs],
                "verdicts": [pair.verdict for pair in view.parts[0].pairs],
            }
        ],
        "findings": [asdict(finding) for finding in view.findings],
        "n_learnt_from": comparison.n_learnt_from,
        "seed": comparison.seed,
    }  # fmt: skip


def figure_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """One row a contender: figures with their intervals, costs."""
    return [
        {
            "letter": letter(k), "job": one.job_id, "strategy": one.strategy, "model": one.model,
            "dataset": one.dataset, "protocol": PROTOCOL, "n": comparison.n,
            **_columns(comparison.standings[k]),
            "unbeaten": k in comparison.best, **asdict(one.costs),
        }
        for k, one in enumerate(comparison.contenders)
    ]  # fmt: skip


def _columns(standing: Standing) -> dict[str, float]:
    found: dict[str, float] = {}
    for _, field, _ in MEASURES:
        found |= cells(field, getattr(standing, field))
    return found


def difference_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """One row a pair: the second's figure minus the first's."""
    jobs = [one.job_id for one in comparison.contenders]
    return [
        {
            "protocol": PROTOCOL, "first": jobs[pair.first], "second": jobs[pair.second],
            **cells("accuracy", pair.accuracy), **cells("macro_f1", pair.macro_f1),
            **cells("log_loss", pair.log_loss), "only_first_right": pair.n_only_first,
            "only_second_right": pair.n_only_second, "p": pair.p, "p_corrected": pair.p_corrected,
        }
        for pair in comparison.pairs
    ]  # fmt: skip
