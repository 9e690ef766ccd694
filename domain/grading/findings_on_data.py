"""Findings on the material and the training: what flatters, what is missing, what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd

from domain.grading.report_input import ReportInput
from domain.grading.wording import HELD_OUT, Rule
from domain.reports.job import Problem
from domain.reports.wording import Finding, Severity, counted, has_interval, share

_FLATTERING = (
    ("copy", "without_copies.qwk", "repeat a training answer word for word"),
    ("blank", "without_blanks.qwk", "are blank"),
)


def flattering(report: ReportInput) -> Iterator[Finding]:
    """Test answers that are too easy: copies of training answers, and blanks."""
    evaluation = report.evaluation
    for protocol in evaluation.protocols:
        graded = evaluation.graded[evaluation.graded["protocol"] == protocol]
        whole = evaluation.figure(protocol, "qwk").value
        for column, metric, what in _FLATTERING:
            stricter = evaluation.figure(protocol, metric)
            if not graded[column].any() or not stricter.n:
                continue
            lost = whole - stricter.value
            yield Finding(
                Severity.WARNING if lost >= 0.03 else Severity.NOTE,
                f"{share(float(graded[column].mean()))} of the {HELD_OUT[protocol]} {what}",
                f"The QWK with them is {whole:.2f}; on the {stricter.n} others {stricter.value:.2f}.",
                "Quote the stricter figure." if lost >= 0.01 else "",
            )


def learning(report: ReportInput) -> Iterator[Finding]:
    """Whether training stopped too early, or went on for nothing."""
    if report.objective not in report.iterations or len(report.iterations) < 4:
        return
    curve = report.iterations.sort_values("iteration")
    values = pd.to_numeric(curve[report.objective], errors="coerce").to_numpy(dtype=float)
    if np.isnan(values).all():
        return
    at = int(np.nanargmax(values))
    best, final = values[at], values[-1]
    iteration, last = (int(curve["iteration"].iloc[k]) for k in (at, -1))
    gained = best - np.nanmax(values[: len(values) * 3 // 4], initial=-np.inf)
    if at >= len(values) * 0.9 - 1 and gained >= 0.01:
        yield Finding(
            Severity.NOTE,
            "The learning curve is still rising",
            f"The best {report.objective} on validation, {best:.3f}, came at iteration {iteration} of "
            f"{last}; the last quarter of the iterations gained {gained:.3f}.",
            "Allow more iterations.",
        )
    elif best - final >= 0.03:
        yield Finding(
            Severity.NOTE,
            "Training went on past its best",
            f"The {report.objective} on validation fell from {best:.3f} at iteration {iteration} to "
            f"{final:.3f} at iteration {last}; the model of iteration {iteration} was kept.",
        )


def small_test(report: ReportInput) -> Iterator[Finding]:
    """Test sets too small for their figures to mean much."""
    for protocol in report.evaluation.protocols:
        qwk = report.evaluation.figure(protocol, "qwk")
        wide = has_interval(qwk) and qwk.high - qwk.low > 0.2
        if wide or qwk.n < 50:
            width = f"; the QWK's 95% interval is {qwk.high - qwk.low:.2f} wide" if has_interval(qwk) else ""
            yield Finding(
                Severity.WARNING,
                f"Few {HELD_OUT[protocol]} to judge by",
                f"Only {qwk.n} were held out{width}.",
                "Add graded submissions before comparing models by these figures.",
            )


def one_sided_marks(report: ReportInput) -> Iterator[Finding]:
    """Data in which one mark dominates."""
    for protocol in report.evaluation.protocols:
        graded = report.evaluation.graded
        graded = graded[graded["protocol"] == protocol]
        shares, counts = np.unique((graded["gold"] / graded["max_score"]).round(6), return_counts=True)
        most = int(np.argmax(counts))
        part = counts[most] / len(graded)
        if len(shares) > 1 and part >= 0.6:
            yield Finding(
                Severity.NOTE,
                f"Marks of the {HELD_OUT[protocol]} are one-sided",
                f"{share(float(part))} of them earned {share(float(shares[most]))} of the item's worth, so "
                "agreement alone says little.",
                "Trust QWK and macro-F1 more.",
            )


def left_out(report: ReportInput) -> Iterator[Finding]:
    """Rows, files, guides and answers that no figure is about."""
    data, evaluation = report.data, report.evaluation
    yield from _quarantine(report)
    yield from _problems("file", "could not be used", data.unreadable)
    yield from _problems("guide", "did not add up and taught nothing", data.unbalanced)
    yield from _problems("doubtful guide", "was accepted: its marks may be wrong", data.doubtful)
    if evaluation.n_ungraded:
        yield Finding(
            Severity.WARNING,
            f"{counted(evaluation.n_ungraded, 'test answer')} got no grade from the model",
            "Every figure leaves them out, which may flatter it.",
        )
    if evaluation.n_unscored:
        yield Finding(
            Severity.NOTE,
            f"{counted(evaluation.n_unscored, 'test answer')} had no human score",
            "Every figure leaves them out.",
        )


def _quarantine(report: ReportInput) -> Iterator[Finding]:
    data = report.data
    if not data.n_quarantined:
        return
    rows = data.n_answers + data.n_quarantined
    reasons = Counter(f"{r.check} of {r.column}" for r in data.quarantine).most_common(1)
    most = f" Most often the check {reasons[0][0]} failed." if reasons else ""
    yield Finding(
        Severity.WARNING if data.n_quarantined > 0.02 * rows else Severity.NOTE,
        f"{share(data.n_quarantined / rows)} of the rows are in quarantine",
        f"{data.n_quarantined} of {rows} rows failed a contract and were left out.{most}",
        "Correct them and run again.",
    )


def _problems(noun: str, what: str, problems: tuple[Problem, ...]) -> Iterator[Finding]:
    if problems:
        shown = "; ".join(f"{p.name}: {p.reason}" for p in problems[:3])
        more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
        title = f"{counted(len(problems), noun)} {what}"
        yield Finding(Severity.WARNING, title, f"{shown}{more}.", "Correct them and run again.")


RULES_ON_DATA: tuple[Rule, ...] = (flattering, learning, small_test, one_sided_marks, left_out)
