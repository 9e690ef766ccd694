"""What stands on a report's page: tiles, rows of tables, pictures; all words and numbers already written.

The template and the Markdown only place them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from domain.bootstrap import Interval
from domain.grading import figures
from domain.grading.evaluation import ALL, Evaluation
from domain.grading.facts import facts_of
from domain.grading.findings import find
from domain.grading.language_model_view import LanguageModelView, language_model_view
from domain.grading.report_input import ReportInput
from domain.grading.wording import HELD_OUT
from domain.grading.written_view import WrittenView, written_view
from domain.reports.drawing import Picture
from domain.reports.learning import learning_curve
from domain.reports.view import NONE, Row, Tile, Value, flatten, links_of, moment, number
from domain.reports.wording import UNKNOWN, Finding, has_interval, share

_MOST_TEXT = 1500
_MOST_ROWS = 100
"""Longer lists are cut; the JSON beside the page has them whole."""

MEASURES = (
    ("qwk", "QWK", "quadratic weighted kappa of marks: 1 is perfect, 0 is chance"),
    ("agreement", "Agreement", "share of marks within the tolerance of the examiner's"),
    ("exact", "Exact agreement", "share of marks equal to the examiner's"),
    ("adjacent", "Adjacent agreement", "share of marks at most one step of the item's grid away"),
    ("macro_f1", "Macro-F1", "mean F1 over the marks, where marks are labels"),
    ("pearson", "Pearson r", "of scores"),
    ("spearman", "Spearman ρ", "of scores"),
    ("rmse", "RMSE", "of scores, as a share of max_score"),
    ("mae", "MAE", "of scores, as a share of max_score"),
    ("rmse_marks", "RMSE in marks", "of scores"),
    ("mae_marks", "MAE in marks", "of scores"),
    ("bias", "Bias", "mean of mark − gold, as a share of max_score"),
    ("ece", "Calibration error", "mean gap between confidence and agreement over bins"),
    ("automatic.share", "Graded without a human", "share of answers at or above the threshold"),
    ("automatic.agreement", "Agreement there", "share of those within the tolerance"),
)
_SHARES = {"agreement", "exact", "adjacent", "automatic.share", "automatic.agreement"}
COMPARED = (
    ("", "model, all test answers"),
    ("without_copies.", "model, without copies of training answers"),
    ("without_blanks.", "model, without blank answers"),
    ("model_with_human.", "model, where two examiners marked"),
    ("human.", "second examiner, on the same answers"),
    ("model_to_second.", "model, held against the second examiner"),
    ("item_mean.", "mean mark of training, for every answer"),
)
COMPARED_BY = ("qwk", "pearson", "rmse", "exact", "agreement")


@dataclass(frozen=True)
class Part:
    """One protocol's part of the page."""

    protocol: str
    name: str
    scores: Picture
    items_picture: Picture
    compared: tuple[Row, ...]
    items: tuple[dict[str, str], ...]
    worst: tuple[dict[str, str], ...]


@dataclass(frozen=True)
class View:
    """Everything on the page."""

    report: ReportInput
    findings: tuple[Finding, ...]
    tiles: tuple[Tile, ...]
    measures: tuple[Row, ...]
    parts: tuple[Part, ...]
    calibration: Picture
    referral: Picture
    learning: Picture | None
    papers: Picture | None
    papers_rows: tuple[Row, ...]
    hyperparameters: tuple[tuple[str, str], ...]
    iteration_columns: tuple[str, ...]
    iteration_rows: tuple[tuple[str, ...], ...]
    links: tuple[tuple[str, str], ...]
    created: str
    written: WrittenView | None
    language_models: LanguageModelView | None
    most_rows: int = _MOST_ROWS


def view_of(report: ReportInput) -> View:
    """Draws the pictures and writes every number of the page."""
    evaluation = report.evaluation
    columns, rows = _iterations(report)
    return View(
        report=report,
        findings=find(report),
        tiles=tuple(tiles_of(evaluation)),
        measures=tuple(measures_of(evaluation)),
        parts=tuple(_part(evaluation, protocol) for protocol in evaluation.protocols),
        calibration=figures.calibration(evaluation),
        referral=figures.referral(evaluation),
        learning=learning_curve(report.iterations, report.objective),
        papers=figures.papers(evaluation),
        papers_rows=tuple(_paper_rows(evaluation)),
        hyperparameters=tuple(flatten(report.hyperparameters)),
        iteration_columns=columns,
        iteration_rows=rows,
        links=tuple(links_of(report.job)),
        created=moment(report.job.created),
        written=written_view(report.written, facts_of(report)) if report.written else None,
        language_models=language_model_view(report.language_models),
    )


def tiles_of(evaluation: Evaluation) -> Iterator[Tile]:
    first = evaluation.protocols[0]
    qwk, agreement = evaluation.figure(first, "qwk"), evaluation.figure(first, "agreement")
    yield Tile("QWK", written(qwk), _under(evaluation, "qwk", qwk))
    within = f"Agreement within {share(evaluation.tolerance)}"
    yield Tile(within, written(agreement, "agreement"), _under(evaluation, "agreement", agreement))
    yield _automatic_tile(evaluation, first)
    human = evaluation.figure(first, "human.qwk")
    if human.n:
        model = evaluation.figure(first, "model_with_human.qwk")
        yield Tile(
            "Second examiner's QWK", written(human), f"the model's is {written(model)} on those {human.n}"
        )
    else:
        yield Tile("Second examiner's QWK", NONE, "no answer was marked twice")


def _under(evaluation: Evaluation, metric: str, interval: Interval) -> str:
    said = (
        f"95% {range_of(interval, metric)}, n = {interval.n}"
        if has_interval(interval)
        else f"n = {interval.n}"
    )
    for protocol in evaluation.protocols[1:]:
        said += f"; {written(evaluation.figure(protocol, metric), metric)} on new items"
    return said


def _automatic_tile(evaluation: Evaluation, protocol: str) -> Tile:
    label = f"Graded without a human at {share(evaluation.promised)} promised"
    agreement = evaluation.figure(protocol, "automatic.agreement")
    if evaluation.threshold > 1 or not agreement.n:
        return Tile(label, "0%", "every answer goes to a human")
    part = evaluation.figure(protocol, "automatic.share")
    found = f"{share(agreement.value)} of them agree (95% {range_of(agreement, 'agreement')})"
    return Tile(label, share(part.value), found)


def measures_of(evaluation: Evaluation) -> Iterator[Row]:
    """One row a measure that was taken, one value a protocol."""
    for metric, name, hint in MEASURES:
        taken = [evaluation.figure(protocol, metric) for protocol in evaluation.protocols]
        if any(interval.n for interval in taken):
            yield Row(name, tuple(value_of(interval, metric) for interval in taken), hint)


def compared_of(evaluation: Evaluation, protocol: str) -> Iterator[Row]:
    """The model on parts of the test answers, and other markers beside it."""
    for prefix, name in COMPARED:
        taken = [evaluation.figure(protocol, prefix + metric) for metric in COMPARED_BY]
        if taken[0].n:
            values = tuple(value_of(i, m) for i, m in zip(taken, COMPARED_BY, strict=True))
            yield Row(name, values, n=taken[0].n)


def _paper_rows(evaluation: Evaluation) -> Iterator[Row]:
    for metric, name, hint in MEASURES:
        interval = evaluation.figure(ALL, f"papers.{metric}")
        if interval.n:
            yield Row(name, (value_of(interval, metric),), hint.replace("of scores", "of totals"))


def _part(evaluation: Evaluation, protocol: str) -> Part:
    items = evaluation.items[evaluation.items["protocol"] == protocol]
    return Part(
        protocol=protocol,
        name=HELD_OUT[protocol],
        scores=figures.marks_against_golds(evaluation, protocol),
        items_picture=figures.agreement_by_item(evaluation, protocol),
        compared=tuple(compared_of(evaluation, protocol)),
        items=tuple(_item_row(item) for item in items.itertuples()),
        worst=tuple(_worst_row(answer) for answer in evaluation.worst(protocol).itertuples()),
    )


def _item_row(item: Any) -> dict[str, str]:
    return {
        "label": str(item.label),
        "n": str(item.n),
        "n_training": str(item.n_training),
        "max_score": f"{item.max_score:g}",
        "mean_gold": f"{item.mean_gold:.2f}",
        "mean_mark": f"{item.mean_mark:.2f}",
        "qwk": number(item.qwk),
        "mae": number(item.mae),
        "agreement": share(item.agreement),
        "human_agreement": NONE
        if item.human_agreement != item.human_agreement
        else share(item.human_agreement),
        "bar": f"{item.agreement * 100:.0f}",
    }


def _worst_row(answer: Any) -> dict[str, str]:
    return {
        "label": str(answer.label),
        "answer_id": str(answer.answer_id),
        "text": cut(str(answer.text)),
        "gold": f"{answer.gold:g}",
        "mark": f"{round(answer.mark, 3):g}",
        "second_gold": "" if answer.second_gold != answer.second_gold else f"{answer.second_gold:g}",
        "max_score": f"{answer.max_score:g}",
        "confidence": f"{answer.confidence:.2f}",
        "refer": "" if answer.automatic else "referred to a human",
        "rationale": cut(str(answer.rationale)),
    }


def _iterations(report: ReportInput) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    shown = report.iterations.tail(_MOST_ROWS)
    names = tuple(str(column) for column in shown.columns)
    rows = tuple(
        tuple(_cell(name, value) for name, value in zip(names, row, strict=True))
        for row in shown.itertuples(index=False)
    )
    return names, rows


def _cell(name: str, value: object) -> str:
    if value is None or value != value:
        return UNKNOWN if name == "cost_usd" else NONE
    if isinstance(value, float):
        return f"{value:,.0f}" if name.startswith("n_") else f"{value:.4g}"
    return str(value)


def value_of(interval: Interval, metric: str) -> Value:
    return Value(written(interval, metric), range_of(interval, metric) if has_interval(interval) else "")


def written(interval: Interval, metric: str = "") -> str:
    if interval.value != interval.value:
        return NONE
    return share(interval.value) if metric in _SHARES else number(interval.value)


def range_of(interval: Interval, metric: str = "") -> str:
    """0.79–0.87, or with "to" where an end is negative."""
    ends = [share(v) if metric in _SHARES else number(v) for v in (interval.low, interval.high)]
    return (" to " if "−" in "".join(ends) else "–").join(ends)


def cut(text: str) -> str:
    """A text short enough to read on a page."""
    return text if len(text) <= _MOST_TEXT else text[:_MOST_TEXT].rstrip() + " […]"
