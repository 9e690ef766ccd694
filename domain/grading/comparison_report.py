"""The report of a comparison of graders, as files."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from domain.grading.comparison import Comparison, Standing
from domain.grading.comparison_view import COLUMNS, comparison_view
from domain.reports.comparison import (
    ComparisonFiles,
    ComparisonTables,
    ComparisonView,
    cells,
    letter,
    write_page,
)


def write_comparison(comparison: Comparison, folder: Path) -> ComparisonFiles:
    """Writes the page and the tables beside it; see `domain.reports.comparison.write_page`."""
    view = comparison_view(comparison)
    tables = ComparisonTables(
        _described(comparison, view), figure_rows(comparison), difference_rows(comparison)
    )
    return write_page(view, tables, folder)


def _described(comparison: Comparison, view: ComparisonView) -> dict[str, Any]:
    """Every figure. The answers themselves are in the jobs' own reports."""
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
            asdict(part) | {"verdicts": [pair.verdict for pair in shown.pairs]}
            for part, shown in zip(comparison.parts, view.parts, strict=True)
        ],
        "findings": [asdict(finding) for finding in view.findings],
        "tolerance": comparison.tolerance,
        "n_learnt_from": comparison.n_learnt_from,
        "seed": comparison.seed,
    }  # fmt: skip


def figure_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """One row a contender and protocol: figures with their intervals, costs."""
    return [
        {
            "letter": letter(k), "job": one.job_id, "strategy": one.strategy, "model": one.model,
            "dataset": one.dataset, "protocol": part.protocol, "n": part.n, "n_students": part.n_students,
            **_figures(part.standings[k]),
            "unbeaten": k in part.best, **asdict(one.costs),
        }
        for part in comparison.parts
        for k, one in enumerate(comparison.contenders)
    ]  # fmt: skip


def _figures(standing: Standing) -> dict[str, float]:
    named = {metric: getattr(standing, metric.replace(".", "_")) for _, metric in COLUMNS}
    return {name: value for metric, one in named.items() for name, value in cells(metric, one).items()}


def difference_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """One row a pair and protocol: the second's figure minus the first's."""
    jobs = [one.job_id for one in comparison.contenders]
    return [
        {
            "protocol": part.protocol, "first": jobs[pair.first], "second": jobs[pair.second],
            **cells("qwk", pair.qwk), **cells("agreement", pair.agreement), **cells("rmse", pair.rmse),
            "p": pair.p, "p_corrected": pair.p_corrected, "same_marks": pair.same_marks,
        }
        for part in comparison.parts
        for pair in part.pairs
    ]  # fmt: skip
