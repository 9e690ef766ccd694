"""The parts that pages are filled with: tiles, figures as written, links."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from domain.reports.job import JobFacts

NONE = "–"


@dataclass(frozen=True)
class Tile:
    """A key number; `detail` is one short line under it."""

    label: str
    value: str
    detail: str


@dataclass(frozen=True)
class Value:
    """A figure as written, with its interval where it has one."""

    text: str
    interval: str = ""


@dataclass(frozen=True)
class Row:
    label: str
    values: tuple[Value, ...]
    hint: str = ""
    n: int = 0


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested values by dotted name, as JSON says them."""
    for name, value in sorted(values.items()):
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def moment(created: str) -> str:
    """2026-11-20T19:30:00Z as people write it; anything else as it is."""
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return created
    zone = " UTC" if moment.utcoffset() == timedelta(0) else ""
    return f"{moment:%Y-%m-%d %H:%M}{zone}" if zone else created


def number(value: float) -> str:
    """Two decimals, three below a tenth, and a true minus."""
    if value != value:
        return NONE
    text = f"{value:.3f}" if abs(value) < 0.0995 else f"{value:.2f}"
    return text.replace("-", "−") if float(text) else "0.00"


def links_of(job: JobFacts) -> Iterator[tuple[str, str]]:
    named = (("Prefect flow run", job.flow_run_url), ("MLflow run", job.mlflow_run_url))
    # Anything else, javascript: above all, is no link.
    yield from ((name, url) for name, url in named if url.startswith(("http://", "https://")))
