"""A comparison of jobs as a page: what stands on it, all words and numbers written, and its files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from domain.bootstrap import Interval
from domain.reports.drawing import Picture
from domain.reports.markdown import finding_lines, plain, table_lines, value_text
from domain.reports.pages import disarmed, page_of, place
from domain.reports.view import Row, Value
from domain.reports.wording import Finding

_TEMPLATE = Path(__file__).with_name("comparison_template.html.j2")


@dataclass(frozen=True)
class ContenderRow:
    """A job: `cells` are as the view's `job_columns`."""

    letter: str
    label: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class PairRow:
    """Two jobs: `values` are as the view's `pair_columns`."""

    name: str
    """B − A, where B's figure less A's is shown."""
    values: tuple[Value, ...]
    p: str
    p_corrected: str
    verdict: str
    sure: bool


@dataclass(frozen=True)
class PartView:
    """All jobs on one part of the test: `rows` are as the view's `measures`."""

    protocol: str
    name: str
    said: str
    rows: tuple[Row, ...]
    best: tuple[str, ...]
    """Whether nobody beats it in quality, cost and time: yes, no, or not known."""
    pairs: tuple[PairRow, ...]
    forest: Picture


@dataclass(frozen=True)
class ComparisonView:
    title: str
    examples: str
    """What the jobs are measured on, in the plural."""
    job_columns: tuple[str, ...]
    """After the job's name: the first three are texts, the others numbers."""
    measures: tuple[str, ...]
    pair_columns: tuple[str, ...]
    pairs_said: str
    findings: tuple[Finding, ...]
    contenders: tuple[ContenderRow, ...]
    parts: tuple[PartView, ...]
    pictures: tuple[Picture, ...]
    method: str


@dataclass(frozen=True)
class ComparisonTables:
    """The figures behind a page: `described` as JSON would say it (NaN becomes null), and rows."""

    described: Mapping[str, Any]
    figures: Sequence[Mapping[str, Any]]
    """One a contender and part."""
    differences: Sequence[Mapping[str, Any]]
    """One a pair and part: the second's figure minus the first's."""


@dataclass(frozen=True)
class ComparisonFiles:
    html: Path
    markdown: Path
    json: Path
    figures: Path
    differences: Path


def letter(k: int) -> str:
    """A, B, C: how a contender is called in pictures and in the names of differences."""
    return chr(ord("A") + k)


def write_page(view: ComparisonView, tables: ComparisonTables, folder: Path) -> ComparisonFiles:
    """Writes comparison.html, .md and .json, figures.csv and differences.csv into `folder`.

    A new folder appears whole or not at all. Equal views give equal bytes. Raises InputError when the
    folder cannot be written to.
    """
    contents = {
        "comparison.html": page_of(_TEMPLATE, view=view),
        "comparison.md": markdown_of(view),
        "comparison.json": _json(tables.described),
        "figures.csv": _csv(tables.figures),
        "differences.csv": _csv(tables.differences),
    }
    place(contents, folder, "the comparison")
    return ComparisonFiles(*(folder / name for name in contents))


def markdown_of(view: ComparisonView) -> str:
    """GitHub-flavoured Markdown; what came from outside is escaped."""
    return "\n".join(_lines(view)) + "\n"


def _lines(view: ComparisonView) -> Iterator[str]:
    yield f"# {plain(view.title)}"
    yield ""
    yield from finding_lines(view.findings, title="")
    rows = [(f"{row.letter} · {plain(row.label)}", *map(plain, row.cells)) for row in view.contenders]
    yield from table_lines(("Job", *view.job_columns), rows)
    for part in view.parts:
        yield f"## On {part.name}"
        yield ""
        figures = [(plain(row.label), *map(value_text, row.values)) for row in part.rows]
        yield from table_lines(("Job", *view.measures), figures)
        pairs = [
            (pair.name, *map(value_text, pair.values), pair.p_corrected, plain(pair.verdict))
            for pair in part.pairs
        ]
        yield from table_lines(("Pair", *view.pair_columns, "p, corrected", "Verdict"), pairs)
    yield plain(view.method)


def cells(metric: str, interval: Interval) -> dict[str, float]:
    """An interval as columns of a table."""
    return {metric: interval.value, f"{metric}.low": interval.low, f"{metric}.high": interval.high}


def _json(described: Mapping[str, Any]) -> str:
    return json.dumps(_without_nan(described), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nan(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and value != value else value


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    safe = [{k: disarmed(v) if isinstance(v, str) else v for k, v in row.items()} for row in rows]
    return str(pd.DataFrame(safe).to_csv(index=False, lineterminator="\r\n", float_format="%.6g"))
