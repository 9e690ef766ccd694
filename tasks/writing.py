"""The text that a language model writes for a report, where one is to."""

from __future__ import annotations

import logging
from dataclasses import replace

from domain.errors import TrainyardError
from domain.grading.facts import facts_of
from domain.grading.findings import find
from domain.grading.report_input import ReportInput
from domain.grading.written_report import write_text
from domain.grading.written_text import WrittenText
from domain.reports.wording import counted
from infra import catalog as records
from infra.catalog import Job
from tasks.effects import asking
from tasks.model_use import model_use_of
from tasks.workplace import Workplace

log = logging.getLogger(__name__)


def with_text(place: Workplace, job: Job, report: ReportInput) -> ReportInput:
    """The report with its text, and with what that text cost.

    Setting `written_report`: "auto" writes for jobs that asked a language model anyway, so that nobody pays
    for words about a grader that costs nothing; "always" for every job, where a model is set up.
    """
    if not _is_wanted(place, report):
        return report
    ask = asking(job.id)
    if ask is None:
        if place.settings.written_report == "always":
            log.warning("report: no text, since no language model is set up (trainyard models)")
        return report
    try:
        text = write_text(facts_of(report, find(report)), ask)
    except TrainyardError as error:
        # A report without a text is still a report.
        text = WrittenText(failure=str(error))
    if text.failure:
        log.warning("report: no text was written: %s", text.failure)
    else:
        log.info("report: text by %s, %s dropped", text.model, counted(text.n_dropped, "sentence"))
    evaluation = records.find_evaluation(place.catalog, job.id)
    return replace(report, written=text, language_models=model_use_of(place, job, evaluation))


def _is_wanted(place: Workplace, report: ReportInput) -> bool:
    wanted = place.settings.written_report
    asked = report.strategy == "llm" or report.language_models is not None
    return wanted == "always" or (wanted == "auto" and asked)
