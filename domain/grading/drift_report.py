"""The drift report: one HTML page, and Markdown and JSON beside it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from domain.grading.drift import LEAST_CHECKED, Drift
from domain.reports.markdown import plain, table_lines
from domain.reports.pages import page_of, place
from domain.shifts import LEAST, SHIFTED, Standing

_TEMPLATE = Path(__file__).with_name("drift_template.html.j2")
_HEADER = ("What", "When measured", "Now", "PSI", "By chance", "Standing")


def write_drift(drift: Drift, model: str, folder: Path) -> Path:
    """Writes drift.html, .md and .json into `folder`; the page. Raises InputError where it cannot."""
    contents = {
        "drift.html": page_of(
            _TEMPLATE,
            model=model,
            header=_HEADER,
            rows=rows_of(drift),
            findings=findings_of(drift),
            drifted=drift.drifted,
            method=_method(),
        ),
        "drift.md": markdown_of(drift, model),
        "drift.json": json.dumps(_json(drift, model), indent=2) + "\n",
    }
    place(contents, folder, "the drift report")
    return folder / "drift.html"


def findings_of(drift: Drift) -> list[str]:
    """Sentences, the gravest first."""
    found = []
    checks = drift.checks
    if checks.standing is Standing.DRIFTED:
        found.append(
            f"Agreement fell: {_share(checks.now.value)} of {checks.n} spot-checked answers agree (95 % "
            f"interval {_share(checks.now.low)} to {_share(checks.now.high)}), {_share(checks.before)} did "
            "when it was measured. Retrain with these answers, and send more to a human until then."
        )
    for shift in drift.shifts:
        if shift.standing in (Standing.DRIFTED, Standing.WATCH):
            grave = "Shifted" if shift.standing is Standing.DRIFTED else "To watch"
            found.append(
                f"{grave}: {shift.meaning}, {_number(shift.before)} on average when it was "
                f"measured, {_number(shift.now)} now (PSI {shift.psi:.2f}; above "
                f"{max(SHIFTED, shift.chance):.2f} is drift)."
            )
    if drift.new_items:
        found.append(
            f"{_share(drift.new_items)} of the new answers are to items that it was not trained on: its "
            "agreement on those is what the report says of unseen items."
        )
    if min(drift.n_before, drift.n_now) < LEAST:
        few = f"{drift.n_now} new answers, {drift.n_before} when it was measured"
        found.append(f"Too few answers to speak of shifts ({few}; {LEAST} are needed).")
    if checks.standing is Standing.UNKNOWN:
        found.append(
            f"{checks.n} new answers have a human's score, {LEAST_CHECKED} are needed to say whether it "
            "still agrees: score some by hand and give them as graded submissions."
        )
    return found or ["New answers and their grades look like those that it was measured on."]


def rows_of(drift: Drift) -> list[tuple[str, ...]]:
    rows = [
        (
            shift.meaning,
            _number(shift.before),
            _number(shift.now),
            f"{shift.psi:.3f}",
            f"{shift.chance:.3f}",
            shift.standing.value,
        )
        for shift in drift.shifts
    ]
    checks = drift.checks
    interval = (
        "" if math.isnan(checks.now.low) else f" ({_share(checks.now.low)} to {_share(checks.now.high)})"
    )
    agreement = f"agreement with a human on {checks.n} spot checks"
    now = f"{_share(checks.now.value)}{interval}"
    return [*rows, (agreement, _share(checks.before), now, "", "", checks.standing.value)]


def markdown_of(drift: Drift, model: str) -> str:
    """GitHub-flavoured Markdown."""
    return "\n".join(_lines(drift, model)) + "\n"


def _lines(drift: Drift, model: str) -> Iterator[str]:
    yield f"# Drift of {plain(model)}: {'drifted' if drift.drifted else 'no drift found'}"
    yield ""
    for finding in findings_of(drift):
        yield f"- {plain(finding)}"
    yield ""
    yield from table_lines(_HEADER, rows_of(drift))
    yield plain(_method())


def _method() -> str:
    return (
        "PSI is the population stability index over five quantile bins of the held-out answers that the "
        f"model was measured on. Above {SHIFTED} is drift by the rule of thumb of credit scoring, where "
        "it also exceeds what 5 % of equal samples of these sizes do by chance. Agreement has drifted where "
        "the whole 95 % interval of its fall, drawn by whole students, lies below 0."
    )


def _json(drift: Drift, model: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(json.dumps(asdict(drift)), parse_constant=lambda _: None)
    return {"model": model, "drifted": drift.drifted, **told}


def _share(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.0%}"


def _number(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.3g}"
