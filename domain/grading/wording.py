"""How protocols are said, and what a rule that finds something is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from domain.grading.evaluation import ALL
from domain.grading.report_input import ReportInput
from domain.kinds import Protocol
from domain.reports.wording import Finding

Rule = Callable[[ReportInput], Iterator[Finding]]
"""Looks at the figures and says something, or nothing."""

HELD_OUT = {
    Protocol.UNSEEN_ANSWERS.value: "new answers to known items",
    Protocol.UNSEEN_ITEMS.value: "answers to new items",
    ALL: "all test answers",
}
"""The protocols as people say them."""
