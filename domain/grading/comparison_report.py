"""The report of a comparison: one self-contained HTML page, and Markdown, JSON and CSV beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from domain.grading.comparison import Comparison, Standing
from domain.grading.comparison_figures import letter
from domain.grading.comparison_view import COLUMNS, CONTENDER_COLUMNS, ComparisonView, comparison_view
from domain.grading.metrics import Interval
from domain.grading.report_markdown import value_text
from domain.reports.markdown import plain, table_lines
from domain.reports.pages import disarmed, page_of, place

_TEMPLATE = Path(__file__).with_name("comparison_template.html.j2")


@dataclass(frozen=True)
class ComparisonFiles:
    html: Path
    markdown: Path
    json: Path
    figures: Path
    differences: Path


def write_comparison(comparison: Comparison, folder: Path) -> ComparisonFiles:
    """Writes comparison.html, .md and .json, figures.csv and differences.csv into `folder`.

    A new folder appears whole or not at all. Equal comparisons give equal bytes. Raises InputError when the
    folder cannot be written to.
    """
    view = comparison_view(comparison)
    contents = {
        "comparison.html": page_of(_TEMPLATE, view=view, columns=CONTENDER_COLUMNS, measures=COLUMNS),
        "comparison.md": markdown_of(view),
        "comparison.json": json_of(view),
        "figures.csv": _csv(figure_rows(comparison)),
        "differences.csv": _csv(difference_rows(comparison)),
    }
    place(contents, folder, "the comparison")
    return ComparisonFiles(*(folder / name for name in contents))


def markdown_of(view: ComparisonView) -> str:
    """GitHub-flavoured Markdown; what came from outside is escaped."""
    return "\n".join(_lines(view)) + "\n"


def _lines(view: ComparisonView) -> Iterator[str]:
    yield f"# {plain(view.title)}"
    yield ""
    for finding in view.findings:
        todo = f" *To do: {plain(finding.recommendation)}*" if finding.recommendation else ""
        yield f"- **{finding.severity.value}: {plain(finding.title)}.** {plain(finding.text)}{todo}"
    yield ""
    rows = [(f"{row.letter} · {plain(row.label)}", *map(plain, row.cells)) for row in view.contenders]
    yield from table_lines(("Job", *CONTENDER_COLUMNS), rows)
    for part in view.parts:
        yield f"## On {part.name}"
        yield ""
        figures = [(plain(row.label), *map(value_text, row.values)) for row in part.rows]
        yield from table_lines(("Job", *(name for name, _ in COLUMNS)), figures)
        pairs = [
            (pair.name, *map(value_text, pair.values), pair.p_corrected, plain(pair.verdict))
            for pair in part.pairs
        ]
        yield from table_lines(("Pair", "QWK", "Agreement", "RMSE", "p, corrected", "Verdict"), pairs)
    yield plain(view.method)


def json_of(view: ComparisonView) -> str:
    """Every figure as plain JSON; NaN is null. The answers themselves are in the jobs' own reports."""
    comparison = view.comparison
    described = {
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
    return json.dumps(_without_nan(described), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and value != value else value


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
    return {name: value for metric, one in named.items() for name, value in _cells(metric, one).items()}


def difference_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """One row a pair and protocol: the second's figure minus the first's."""
    jobs = [one.job_id for one in comparison.contenders]
    return [
        {
            "protocol": part.protocol, "first": jobs[pair.first], "second": jobs[pair.second],
            **_cells("qwk", pair.qwk), **_cells("agreement", pair.agreement), **_cells("rmse", pair.rmse),
            "p": pair.p, "p_corrected": pair.p_corrected, "same_marks": pair.same_marks,
        }
        for part in comparison.parts
        for pair in part.pairs
    ]  # fmt: skip


def _cells(metric: str, interval: Interval) -> dict[str, float]:
    return {metric: interval.value, f"{metric}.low": interval.low, f"{metric}.high": interval.high}


def _csv(rows: list[dict[str, Any]]) -> str:
    safe = [{k: disarmed(v) if isinstance(v, str) else v for k, v in row.items()} for row in rows]
    return str(pd.DataFrame(safe).to_csv(index=False, lineterminator="\r\n", float_format="%.6g"))
