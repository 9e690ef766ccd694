"""The report of a classifier: one self-contained HTML page, and Markdown, JSON and CSV beside it.

Names of files and classes are untrusted: the page escapes everything, asks for nothing outside itself and
forbids scripts; the CSV disarms what a spreadsheet would run as a formula. Equal inputs give equal bytes.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from domain.reports.pages import disarmed, page_of, place
from domain.vision.evaluation import Evaluation
from domain.vision.report_input import ReportInput
from domain.vision.report_markdown import markdown_of
from domain.vision.report_view import View, view_of

_TEMPLATE = Path(__file__).with_name("report_template.html.j2")


def write_report(report: ReportInput, folder: Path) -> dict[str, Path]:
    """Writes report.html, report.md, report.json and predictions.csv into `folder`; their paths by name.

    Raises InputError when the folder cannot be written to.
    """
    view = view_of(report)
    contents = {
        "report.html": page_of(_TEMPLATE, view=view),
        "report.md": markdown_of(view),
        "report.json": json_of(view),
        "predictions.csv": csv_of(report.evaluation),
    }
    place(contents, folder, "the report")
    return {name: folder / name for name in contents}


def json_of(view: View) -> str:
    """Everything the page knows except the single pictures, which the CSV has; findings included."""
    described = json.loads(view.report.to_json())
    described["evaluation"].pop("pictures")
    for one in described["worst"]:
        one.pop("image")
    described["findings"] = [asdict(finding) for finding in view.findings]
    return json.dumps(described, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def csv_of(evaluation: Evaluation) -> str:
    """One row a test picture, columns as in `Evaluation.pictures`; formulas are disarmed."""
    frame = evaluation.pictures.drop(columns="row")
    for name in ("path", "class_name", "predicted"):
        frame[name] = pd.Series([disarmed(str(value)) for value in frame[name]], dtype=str)
    return str(frame.to_csv(index=False, lineterminator="\r\n", float_format="%.6g"))
