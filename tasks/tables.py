"""Tables for people, as CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from domain.reports.pages import disarmed


def written_as(form: str, outcome: Any, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """The whole `outcome` as "json" text, or its `rows` as "csv" without formulas for a spreadsheet."""
    if form == "json":
        return json.dumps(outcome, indent=2, ensure_ascii=False) + "\n"
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: disarmed(v) if isinstance(v, str) else v for k, v in row.items()})
    return text.getvalue()
