"""Findings on the marks: the promise, the ceiling, the baseline, weak items, confidence, kindness."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from domain.bootstrap import Interval
from domain.grading.evaluation import ALL
from domain.grading.report_input import ReportInput
from domain.grading.wording import HELD_OUT, Rule
from domain.kinds import Protocol
from domain.referral import lower_bound
from domain.reports.wording import Finding, Severity, between, has_interval, plain, share, signed


def promise(report: ReportInput) -> Iterator[Finding]:
    """Whether the answers graded without a human agree as often as was promised."""
    evaluation = report.evaluation
    if evaluation.threshold > 1:
        yield Finding(
            Severity.WARNING,
            "Every answer goes to a human",
            f"On answers outside the test no confidence assured {share(evaluation.promised)} agreement, "
            "so nothing is graded automatically.",
            "Add graded answers, or promise less agreement.",
        )
        return
    for protocol in evaluation.protocols:
        part = evaluation.figure(protocol, "automatic.share")
        agreement = evaluation.figure(protocol, "automatic.agreement")
        if agreement.n:
            yield _promise_kept(HELD_OUT[protocol], part, agreement, evaluation.promised)
        else:
            yield Finding(
                Severity.NOTE,
                f"No human is spared on {HELD_OUT[protocol]}",
                f"None of the {part.n} answers reached the confidence of {evaluation.threshold:.2f}.",
            )


def _promise_kept(where: str, part: Interval, agreement: Interval, promised: float) -> Finding:
    text = (
        f"{share(part.value)} of the {where} ({agreement.n} of {part.n}) are graded without a human; "
        f"{share(agreement.value)} of them agree (95% interval {share(agreement.low)} to "
        f"{share(agreement.high)}), {share(promised)} was promised."
    )
    if agreement.value >= promised:
        doubt = "" if agreement.low >= promised else " The interval reaches below the promise."
        return Finding(Severity.GOOD, f"The promise is kept on {where}", text + doubt)
    if agreement.high >= promised:
        return Finding(
            Severity.NOTE,
            f"The promise is narrowly missed on {where}",
            text + " Chance alone could explain it.",
            "Check a sample of the automatic marks, or add graded answers to validate on.",
        )
    return Finding(
        Severity.WARNING,
        f"The promise is broken on {where}",
        text,
        "Refer such answers to a human, or train on answers of this sort.",
    )


def ceiling(report: ReportInput) -> Iterator[Finding]:
    """The model against a second examiner, on the answers that both examiners marked."""
    for protocol in report.evaluation.protocols:
        over = report.evaluation.figure(protocol, "over_human.qwk")
        if not has_interval(over):
            continue
        human = report.evaluation.figure(protocol, "human.qwk")
        model = report.evaluation.figure(protocol, "model_with_human.qwk")
        how, severity, advice = "not distinguishable from", Severity.GOOD, ""
        if over.low > 0:
            how = "better than"
        elif over.high < 0:
            how, severity, advice = "worse than", Severity.NOTE, "There is agreement left to gain."
        yield Finding(
            severity,
            f"The model is {how} a second examiner on {HELD_OUT[protocol]}",
            f"On the {over.n} that two examiners marked, the second agrees with the first at a QWK of "
            f"{plain(human.value)}, the model at {plain(model.value)}: a difference of {signed(over.value)} "
            f"(95% interval {signed(over.low)} to {signed(over.high)}).",
            advice,
        )


def baseline(report: ReportInput) -> Iterator[Finding]:
    """The model against giving every answer its item's mean mark."""
    for protocol in report.evaluation.protocols:
        over = report.evaluation.figure(protocol, "over_item_mean.qwk")
        if not has_interval(over):
            continue
        trivial = report.evaluation.figure(protocol, "item_mean.qwk")
        way = "above" if over.value > 0 else "below"
        text = (
            f"Giving every answer the mean mark of training reaches a QWK of {plain(trivial.value)}; the "
            f"model is {abs(over.value):.2f} {way} that ({between(over)})."
        )
        if over.low > 0:
            title = f"The model tells good from bad {HELD_OUT[protocol]}"
            yield Finding(Severity.GOOD, title, text)
        else:
            yield Finding(
                Severity.WARNING,
                f"The model is not surely better than the mean mark on {HELD_OUT[protocol]}",
                text,
                "Do not use it there before it has more graded answers.",
            )


def new_items(report: ReportInput) -> Iterator[Finding]:
    """What is lost on items without graded answers."""
    known, new = (report.evaluation.figure(p.value, "qwk") for p in Protocol)
    if new.value < known.low and known.value - new.value >= 0.05:
        yield Finding(
            Severity.NOTE,
            "New items are harder than new answers",
            f"The QWK falls from {known.value:.2f} on items with graded answers to {new.value:.2f} on items "
            "without.",
            "Grade some answers of a new item by hand and train again before relying on it.",
        )


def weak_items(report: ReportInput) -> Iterator[Finding]:
    """Items that agree less often than all together, beyond chance, and why."""
    evaluation = report.evaluation
    for protocol in evaluation.protocols:
        overall = evaluation.figure(protocol, "agreement").value
        items = evaluation.items[evaluation.items["protocol"] == protocol]
        missed = (items["n"] * (1 - items["agreement"])).round()
        # The upper bound of a share is one minus the lower bound of its complement. Of a hundred items
        # some look weak by chance: the doubt is divided among them (Bonferroni).
        at_best = 1 - lower_bound(missed, items["n"], 1 - 0.05 / max(len(items), 1))
        weak = items[at_best < overall].sort_values(["agreement", "label"]).head(3)
        if len(items) < 2 or weak.empty:
            continue
        usual = float(items["n_training"].median())
        names = ", ".join(weak["label"].astype(str))
        yield Finding(
            Severity.NOTE,
            f"Weakest on {HELD_OUT[protocol]}: item{'s' if len(weak) > 1 else ''} {names}",
            " ".join(_why_weak(row, usual) for row in weak.itertuples())
            + f" All items together agree on {share(overall)}.",
            "Read their worst disagreements; more graded answers or a fuller model answer help most.",
        )


def _why_weak(item: Any, usual_training: float) -> str:
    drift = (item.mean_mark - item.mean_gold) / item.max_score
    reasons = []
    if item.n_training < usual_training / 2:
        usual = f"against {usual_training:.0f} usually"
        reasons.append(f"it had {item.n_training} graded training answers, {usual}")
    if item.human_agreement <= item.agreement + 0.05:
        reasons.append(f"two examiners agree on only {share(item.human_agreement)} of them")
    elif item.human_agreement >= item.agreement + 0.15:
        reasons.append(f"two examiners agree on {share(item.human_agreement)} of them, so it can be learnt")
    if abs(drift) >= 0.08:
        way = "kind" if drift > 0 else "severe"
        reasons.append(f"the model is {share(abs(drift))} of its worth too {way}")
    why = ", and ".join(reasons) or "the figures show no reason"
    return f"Item {item.label} agrees on {share(item.agreement)} of {item.n} answers: {why}."


def calibration(report: ReportInput) -> Iterator[Finding]:
    """Whether confidence means what it says."""
    for protocol in report.evaluation.protocols:
        surplus = report.evaluation.figure(protocol, "overconfidence")
        error = report.evaluation.figure(protocol, "ece").value
        where, gap = HELD_OUT[protocol], f"{abs(surplus.value) * 100:.0f} percentage points"
        text = f"Confidence and agreement differ by {error * 100:.0f} points on average over its range."
        if surplus.low > 0 and surplus.value >= 0.05:
            yield Finding(
                Severity.WARNING,
                f"The model is over-confident on {where}",
                f"{text} It is {gap} surer than it is right.",
                "Do not read its confidence as a probability there.",
            )
        elif surplus.high < 0 and surplus.value <= -0.05:
            yield Finding(
                Severity.NOTE,
                f"The model is under-confident on {where}",
                f"{text} It is right {gap} more often than it says, so humans see more than need be.",
            )
        elif error <= 0.1:
            yield Finding(Severity.GOOD, f"Confidence can be taken at its word on {where}", text)


def bias(report: ReportInput) -> Iterator[Finding]:
    """Whether the model is kinder or more severe than the examiner."""
    for protocol in report.evaluation.protocols:
        drift = report.evaluation.figure(protocol, "bias")
        if abs(drift.value) < 0.02 or not (drift.low > 0 or drift.high < 0):
            continue
        kinder = drift.value > 0
        yield Finding(
            Severity.WARNING if abs(drift.value) >= 0.1 else Severity.NOTE,
            f"The model is {'kinder' if kinder else 'more severe'} than the examiner on {HELD_OUT[protocol]}",
            f"Its marks are on average {abs(drift.value):.1%} of the item's worth "
            f"{'above' if kinder else 'below'} the examiner's.",
        )


def whole_papers(report: ReportInput) -> Iterator[Finding]:
    """How far the totals of whole papers are off."""
    off = report.evaluation.figure(ALL, "papers.mae_marks")
    if not off.n:
        return
    within = report.evaluation.figure(ALL, "papers.agreement").value
    worth = float(pd.Series(report.evaluation.papers["max_score"]).median())
    yield Finding(
        Severity.NOTE,
        f"Whole papers are {off.value:.1f} marks off on average",
        f"Of {off.n} students' totals, out of {worth:g} marks typically, {share(within)} are within "
        f"{share(report.evaluation.tolerance)} of the paper's worth, all answers graded by the model.",
    )


RULES_ON_MARKS: tuple[Rule, ...] = (
    promise,
    ceiling,
    baseline,
    new_items,
    weak_items,
    calibration,
    bias,
    whole_papers,
)
