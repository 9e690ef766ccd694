"""The report of a grading job: one self-contained HTML page, and Markdown, JSON and CSV beside it.

Students' texts and files' names are untrusted: the page escapes everything, asks for nothing outside
itself and forbids scripts; the CSV disarms what a spreadsheet would run as a formula. Equal inputs give
equal bytes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from domain.grading.evaluation import Evaluation
from domain.grading.report_input import DataSection, DocumentCount, NearDuplicate, ReportInput
from domain.grading.report_markdown import markdown_of
from domain.grading.report_view import View, view_of
from domain.reports.job import Choice, Duplicate, JobFacts, Problem, Timing
from domain.reports.pages import disarmed, page_of, place

_TEMPLATE = Path(__file__).with_name("report_template.html.j2")


@dataclass(frozen=True)
class ReportFiles:
    html: Path
    markdown: Path
    json: Path
    csv: Path


def write_report(report: ReportInput, folder: Path) -> ReportFiles:
    """Writes report.html, report.md, report.json and predictions.csv into `folder`.

    A new folder appears with all four or not at all. A report that is already there is replaced file by
    file, the page last; other files in the folder stay. Raises InputError when
    the folder cannot be written to.
    """
    view = view_of(report)
    contents = {
        "report.html": html_of(view),
        "report.md": markdown_of(view),
        "report.json": json_of(view),
        "predictions.csv": csv_of(report.evaluation),
    }
    place(contents, folder, "the report")
    return ReportFiles(*(folder / name for name in contents))


def html_of(view: View) -> str:
    """The page, from the template beside this module."""
    return page_of(_TEMPLATE, view=view)


def json_of(view: View) -> str:
    """Everything the page knows except the answers themselves, which the CSV has; findings included."""
    described = json.loads(view.report.to_json())
    described["evaluation"].pop("graded")
    if view.written:
        # With its citations: each names the fact that the number before it was checked against.
        described["cited"] = [asdict(source) for source in view.written.sources]
    described["findings"] = [asdict(finding) for finding in view.findings]
    return json.dumps(described, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def csv_of(evaluation: Evaluation) -> str:
    """One row a graded test answer, columns as in `domain.grading.graded`.

    A text that begins like a formula gets an apostrophe before it, as spreadsheets expect.
    """
    frame = evaluation.graded.copy()
    for name in ("answer_id", "item_id", "label", "student", "text", "rationale"):
        frame[name] = pd.Series([disarmed(str(value)) for value in frame[name]], dtype=str)
    return str(frame.to_csv(index=False, lineterminator="\r\n", float_format="%.6g"))


__all__ = [
    "Choice", "DataSection", "DocumentCount", "Duplicate", "JobFacts", "NearDuplicate", "Problem",
    "ReportFiles", "ReportInput", "Timing", "write_report",
]  # fmt: skip
