"""What a classifier's figures mean, in words computed from them.

A rule speaks of a difference only where its 95 % interval leaves no doubt, or says that there is doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from domain.bootstrap import Interval
from domain.reports.wording import Finding, Severity, counted, has_interval, share
from domain.vision.report_input import ReportInput

Rule = Callable[[ReportInput], Iterator[Finding]]
_ORDER = (Severity.WARNING, Severity.NOTE, Severity.GOOD)


def find(report: ReportInput) -> tuple[Finding, ...]:
    """The headline first, then warnings, notes and what is good; equal figures give equal findings."""
    rest = [finding for rule in _RULES for finding in rule(report)]
    return (headline(report), *sorted(rest, key=lambda finding: _ORDER.index(finding.severity)))


def headline(report: ReportInput) -> Finding:
    """How often the label is right, beside the trivial baseline."""
    accuracy, trivial = (report.evaluation.figure(name) for name in ("accuracy", "majority.accuracy"))
    n_classes = len(report.evaluation.classes)
    pictures = counted(accuracy.n, "unseen picture")
    text = f"Of {pictures} of {n_classes} classes, {_said(accuracy)} are labelled right"
    text += f"; always saying the commonest class would reach {share(trivial.value)}." if trivial.n else "."
    if has_interval(accuracy) and accuracy.low <= trivial.high:
        return Finding(
            Severity.WARNING,
            "The classifier is no better than the commonest class",
            text,
            "Add pictures, or train for longer.",
        )
    severity = Severity.GOOD if accuracy.value >= report.evaluation.promised else Severity.NOTE
    return Finding(severity, f"{share(accuracy.value)} of the labels are right", text)


def promise(report: ReportInput) -> Iterator[Finding]:
    """Whether what is labelled without a human is as right as was promised."""
    evaluation = report.evaluation
    part, right = evaluation.figure("automatic.share"), evaluation.figure("automatic.accuracy")
    promised = share(evaluation.promised)
    if not right.n:
        reason = ""
        threshold = report.card.get("threshold")
        if isinstance(threshold, dict) and threshold.get("reason"):
            reason = f" ({threshold['reason']})"
        yield Finding(
            Severity.WARNING,
            "Every picture goes to a human",
            f"No confidence promised {promised} accuracy on the validation pictures{reason}.",
            "Add validation pictures or training, or set TRAINYARD_PROMISED_ACCURACY lower.",
        )
        return
    told = f"{share(part.value)} of the pictures are labelled without a human; {_said(right)} of them right"
    if right.value >= evaluation.promised:
        yield Finding(Severity.GOOD, f"The promise of {promised} is kept", f"{told}.")
    elif right.high >= evaluation.promised:
        yield Finding(
            Severity.NOTE,
            f"The promise of {promised} is narrowly missed",
            f"{told}. Chance alone could explain it.",
        )
    else:
        yield Finding(
            Severity.WARNING,
            f"The promise of {promised} is missed",
            f"{told}. The threshold was chosen on validation pictures, which seem easier than these.",
            "Look for a difference between the splits, or promise less.",
        )


def confusions(report: ReportInput) -> Iterator[Finding]:
    """The pair of classes that is mixed up most, where it is a real share of all mistakes."""
    cells = report.evaluation.confusion
    wrong = cells[cells["label"] != cells["predicted"]]
    total = int(wrong["n"].sum())
    if not total:
        yield Finding(Severity.GOOD, "No picture of the test is mislabelled", "Every label is right.")
        return
    pairs = wrong.assign(
        low=wrong[["label", "predicted"]].min(axis=1), high=wrong[["label", "predicted"]].max(axis=1)
    )
    summed = pairs.groupby(["low", "high"])["n"].sum().sort_values(ascending=False, kind="stable")
    (low, high), n = summed.index[0], int(summed.iloc[0])
    if n >= 3 and n / total >= 0.15:
        names = report.evaluation.classes
        yield Finding(
            Severity.NOTE,
            f"“{names[low]}” and “{names[high]}” are mixed up most",
            f"{n} of {counted(total, 'mistake')} are between these two.",
            "See their pictures below: some may be labelled wrongly, or need more examples.",
        )


def weak_classes(report: ReportInput) -> Iterator[Finding]:
    """Classes that are found clearly less often than the rest."""
    rows = report.evaluation.per_class
    usual = float(rows["recall"].median())
    weak = rows[(rows["n"] >= 10) & (rows["recall"] < usual - 0.1)].nsmallest(3, "recall")
    if len(weak):
        told = "; ".join(
            f"{row.class_name} {share(row.recall)} of {row.n} (trained on {row.n_training})"
            for row in weak.itertuples()
        )
        yield Finding(
            Severity.NOTE,
            f"{len(weak)} {'class is' if len(weak) == 1 else 'classes are'} found less often than the others",
            f"{told}; the median class {share(usual)}.",
            "Add pictures of these.",
        )


def calibration(report: ReportInput) -> Iterator[Finding]:
    """Whether confidence can be taken at its word."""
    ece = report.evaluation.figure("ece")
    pictures = report.evaluation.pictures
    surplus = float(pictures["confidence"].mean() - pictures["right"].mean())
    if ece.value >= 0.05 and abs(surplus) >= 0.03:
        way = "too sure of itself" if surplus > 0 else "less sure of itself than it could be"
        yield Finding(
            Severity.NOTE,
            f"The classifier is {way}",
            f"It is right {share(float(pictures['right'].mean()))} of the time and "
            f"{share(float(pictures['confidence'].mean()))} sure on average; the calibration error is "
            f"{ece.value:.3f}.",
            "Add validation pictures: the confidence is fitted on them.",
        )


def robustness(report: ReportInput) -> Iterator[Finding]:
    """The corruption that harms most, where it harms much."""
    table = report.evaluation.corruptions
    if table.empty:
        return
    clean = float(table.loc[table["severity"] == 0, "accuracy"].iloc[0])
    middle = table[table["severity"] == 3].set_index("corruption")["accuracy"]
    worst, value = str(middle.idxmin()), float(middle.min())
    if value < clean - 0.1:
        yield Finding(
            Severity.NOTE,
            f"{worst.capitalize()} harms most",
            f"At the third of five severities {share(value)} of the labels are right, against "
            f"{share(clean)} on the same pictures as they are.",
            "Train on such pictures too if they are to be expected.",
        )
    else:
        yield Finding(
            Severity.GOOD,
            "Moderately spoilt pictures are borne",
            f"At the third of five severities the worst is {worst}: {share(value)} are right, "
            f"{share(clean)} unspoilt.",
        )


def learning(report: ReportInput) -> Iterator[Finding]:
    """Whether training stopped too early."""
    curve = report.iterations.sort_values("iteration") if len(report.iterations) else report.iterations
    if report.objective not in curve or len(curve) < 4:
        return
    values = pd.to_numeric(curve[report.objective], errors="coerce").to_numpy(dtype=float)
    if np.isnan(values).all():
        return
    at = int(np.nanargmax(values))
    gained = values[at] - np.nanmax(values[: len(values) * 3 // 4], initial=-np.inf)
    if at >= len(values) * 0.9 - 1 and gained >= 0.01:
        yield Finding(
            Severity.NOTE,
            "The learning curve is still rising",
            f"The best {report.objective} on validation, {values[at]:.3f}, came at iteration "
            f"{int(curve['iteration'].iloc[at])} of {int(curve['iteration'].iloc[-1])}; the last quarter "
            f"gained {gained:.3f}.",
            "Allow more iterations, or a larger budget_seconds.",
        )


def small_test(report: ReportInput) -> Iterator[Finding]:
    accuracy = report.evaluation.figure("accuracy")
    width = accuracy.high - accuracy.low
    if accuracy.n < 100 or width > 0.1:
        wide = (
            f"; the 95% interval of the accuracy is {width * 100:.0f} points wide" if width == width else ""
        )
        yield Finding(
            Severity.WARNING,
            "Few pictures to judge by",
            f"Only {counted(accuracy.n, 'picture')} are held out{wide}.",
            "Add pictures before comparing models by these figures.",
        )


def unequal_classes(report: ReportInput) -> Iterator[Finding]:
    counts = report.data.by_class
    most, least = max(counts.values()), min(counts.values())
    if most >= 5 * least:
        large, small = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
        yield Finding(
            Severity.NOTE,
            "The classes are of unequal size",
            f"“{large}” has {most:,} pictures, “{small}” {least:,}; accuracy alone says little then.",
            "Trust macro-F1 and the table of classes more.",
        )


def left_out(report: ReportInput) -> Iterator[Finding]:
    """Pictures that no figure is about."""
    data = report.data
    if data.n_refused:
        shown = "; ".join(f"{p.name}: {p.reason}" for p in data.refused[:3])
        more = f"; and {data.n_refused - 3} more" if data.n_refused > 3 else ""
        yield Finding(
            Severity.WARNING if data.n_refused > 0.02 * data.n_pictures else Severity.NOTE,
            f"{counted(data.n_refused, 'file')} could not be used",
            f"{shown}{more}.",
            "Correct them and run again.",
        )
    for reason, n in data.set_aside.items():
        yield Finding(Severity.NOTE, f"{counted(n, 'picture')} set aside", f"The reason: {reason}.")


def _said(interval: Interval) -> str:
    told = share(interval.value)
    if has_interval(interval):
        told += f" (95% interval {share(interval.low)} to {share(interval.high)})"
    return told


_RULES: tuple[Rule, ...] = (
    promise, confusions, weak_classes, calibration, robustness, learning, small_test, unequal_classes,
    left_out,
)  # fmt: skip
