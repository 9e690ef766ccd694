"""Findings: what a report's figures mean, in words computed from them, never canned.

A rule speaks of a difference only where its 95 % interval leaves no doubt, or says that there is doubt.
"""

from __future__ import annotations

from domain.grading.evaluation import Evaluation
from domain.grading.findings_on_data import RULES_ON_DATA
from domain.grading.findings_on_marks import RULES_ON_MARKS
from domain.grading.report_input import ReportInput
from domain.grading.wording import HELD_OUT
from domain.reports.wording import Finding, Severity, kappa, share

_ORDER = (Severity.WARNING, Severity.NOTE, Severity.GOOD)
_LEVELS = (
    (0.8, "very high", Severity.GOOD),
    (0.6, "substantial", Severity.GOOD),
    (0.4, "moderate", Severity.NOTE),
    (-1.0, "low", Severity.WARNING),
)


def find(report: ReportInput) -> tuple[Finding, ...]:
    """The headline first, then warnings, notes and what is good; equal figures give equal findings."""
    rest = [finding for rule in (*RULES_ON_MARKS, *RULES_ON_DATA) for finding in rule(report)]
    ranked = sorted(rest, key=lambda finding: _ORDER.index(finding.severity))
    return (headline(report.evaluation), *ranked)


def headline(evaluation: Evaluation) -> Finding:
    """How well the model agrees, by the QWK of the easiest protocol that was tested."""
    text = " ".join(_agreement_on(evaluation, protocol) for protocol in evaluation.protocols)
    qwk = evaluation.figure(evaluation.protocols[0], "qwk").value
    for least, word, severity in _LEVELS:
        if qwk >= least:
            return Finding(severity, f"Agreement with the examiner is {word}", text)
    return Finding(Severity.WARNING, "Agreement with the examiner cannot be judged", text)


def _agreement_on(evaluation: Evaluation, protocol: str) -> str:
    qwk, agreement = evaluation.figure(protocol, "qwk"), evaluation.figure(protocol, "agreement")
    # NaN: a kappa needs golds that differ.
    reached = f"a QWK of {kappa(qwk)}" if qwk.value == qwk.value else "no QWK, since all golds are equal"
    return (
        f"On {agreement.n} {HELD_OUT[protocol]} the model reaches {reached}; {share(agreement.value)} of its "
        f"marks are within {share(evaluation.tolerance)} of the item's worth of the examiner's."
    )
