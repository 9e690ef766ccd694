"""What stands on a classifier's report, all pictures drawn and all numbers written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from domain.bootstrap import Interval
from domain.reports.drawing import Picture
from domain.reports.learning import learning_curve
from domain.reports.view import NONE, Row, Tile, Value, flatten, links_of, moment
from domain.reports.wording import Finding, counted, has_interval, money, share
from domain.vision import figures
from domain.vision.evaluation import Evaluation
from domain.vision.findings import find
from domain.vision.report_input import ReportInput, Search
from domain.vision.search_figure import best_of, search_tree

MOST_ROWS = 100
MEASURES = (
    ("accuracy", "Accuracy", "share of pictures whose label is right"),
    ("top5", "Top-5 accuracy", "share whose label is among the five likeliest"),
    ("macro_f1", "Macro-F1", "mean F1 over the classes"),
    ("log_loss", "Log loss", "mean surprise about the true label, in nats"),
    ("ece", "Calibration error", "mean gap between confidence and accuracy over bins"),
    ("automatic.share", "Labelled without a human", "share of pictures at or above the threshold"),
    ("automatic.accuracy", "Accuracy there", "share of those that are right"),
    ("majority.accuracy", "Trivial baseline", "always the commonest class of training"),
)
_SHARES = {"accuracy", "top5", "automatic.share", "automatic.accuracy", "majority.accuracy"}
SPEED = (
    ("latency_p50_ms", "One picture, median", "{:.2f} ms"),
    ("latency_p95_ms", "One picture, 95th percentile", "{:.2f} ms"),
    ("images_per_second", "In batches of 64", "{:,.0f} pictures a second"),
    ("load_seconds", "From the file to the first label", "{:.2f} s"),
    ("peak_memory_mb", "Peak memory of the process", "{:.0f} MB"),
    ("model_mb", "Size of the graph", "{:.2f} MB"),
)


_OF_THE_MODEL = (
    ("network", "Network"),
    ("n_parameters", "Parameters"),
    ("macs_per_image", "Multiplications a picture"),
    ("iteration", "Last iteration"),
    ("temperature", "Temperature"),
)


@dataclass(frozen=True)
class View:
    """Everything on the page."""

    report: ReportInput
    findings: tuple[Finding, ...]
    tiles: tuple[Tile, ...]
    measures: tuple[Row, ...]
    confusion: Picture
    calibration: Picture
    referral: Picture
    corruptions: Picture | None
    learning: Picture | None
    classes: tuple[dict[str, str], ...]
    spoilt: tuple[tuple[str, ...], ...]
    speed: tuple[tuple[str, str], ...]
    hyperparameters: tuple[tuple[str, str], ...]
    model: tuple[tuple[str, str], ...]
    iteration_columns: tuple[str, ...]
    iteration_rows: tuple[tuple[str, ...], ...]
    links: tuple[tuple[str, str], ...]
    searched: str
    """What the search took, in a sentence; "" where there was none."""
    tree: Picture | None
    candidates: tuple[tuple[str, ...], ...]
    created: str
    most_rows: int = MOST_ROWS


def view_of(report: ReportInput) -> View:
    """Draws the pictures and writes every number of the page."""
    evaluation = report.evaluation
    shown = report.iterations.tail(MOST_ROWS)
    return View(
        report=report,
        findings=find(report),
        tiles=tuple(_tiles(evaluation)),
        measures=tuple(_measures(evaluation)),
        confusion=figures.confusion(evaluation),
        calibration=figures.calibration(evaluation),
        referral=figures.referral(evaluation),
        corruptions=figures.corruptions(evaluation),
        learning=learning_curve(report.iterations, report.objective),
        classes=tuple(_classes(evaluation)),
        spoilt=tuple(_spoilt(evaluation)),
        speed=tuple(_speed(evaluation)),
        hyperparameters=tuple(flatten(report.hyperparameters)),
        model=tuple(_model(report.card)),
        iteration_columns=tuple(str(column) for column in shown.columns),
        iteration_rows=tuple(tuple(map(_cell, row)) for row in shown.itertuples(index=False)),
        links=tuple(links_of(report.job)),
        searched=_searched(report.search, report.card),
        tree=search_tree(report.search) if report.search else None,
        candidates=tuple(_candidates(report.search)),
        created=moment(report.job.created),
    )


def _tiles(evaluation: Evaluation) -> Iterator[Tile]:
    accuracy, f1 = evaluation.figure("accuracy"), evaluation.figure("macro_f1")
    yield Tile(
        "Accuracy",
        f"{accuracy.value:.1%}",
        f"{_range(accuracy, shares=True)}n = {accuracy.n:,} unseen pictures",
    )
    yield Tile("Macro-F1", f"{f1.value:.3f}", f"{_range(f1)}mean over {len(evaluation.classes)} classes")
    part, right = evaluation.figure("automatic.share"), evaluation.figure("automatic.accuracy")
    kept = f"{share(right.value)} of those are right" if right.n else "no confidence was enough"
    yield Tile(
        "Labelled without a human", share(part.value), f"{kept}; promised {share(evaluation.promised)}"
    )
    latency, rate = (
        evaluation.figure(f"speed.{name}").value for name in ("latency_p50_ms", "images_per_second")
    )
    yield Tile("Speed", f"{latency:.1f} ms", f"for a picture; {rate:,.0f} pictures a second in batches")


def _range(interval: Interval, *, shares: bool = False) -> str:
    if not has_interval(interval):
        return ""
    ends = [f"{v:.1%}" if shares else f"{v:.3f}" for v in (interval.low, interval.high)]
    return f"95% interval {ends[0]} to {ends[1]}; "


def _measures(evaluation: Evaluation) -> Iterator[Row]:
    for name, label, hint in MEASURES:
        figure = evaluation.figure(name)
        if figure.n:
            yield Row(label, (_value(figure, shares=name in _SHARES),), hint, figure.n)


def _value(figure: Interval, *, shares: bool) -> Value:
    def written(value: float) -> str:
        return f"{value:.1%}" if shares else f"{value:.3f}"

    if figure.value != figure.value:
        return Value(NONE)
    ends = f"{written(figure.low)}–{written(figure.high)}" if has_interval(figure) else ""
    return Value(written(figure.value), ends)


def _classes(evaluation: Evaluation) -> Iterator[dict[str, str]]:
    for row in evaluation.per_class.itertuples():
        recall = float(row.recall)
        yield {
            "name": str(row.class_name),
            "bar": f"{100 * recall:.1f}" if recall == recall else "0",
            **{name: _share(float(getattr(row, name))) for name in ("recall", "precision")},
            "f1": f"{row.f1:.3f}" if row.f1 == row.f1 else NONE,
            "n": f"{row.n:,}",
            "n_training": f"{row.n_training:,}",
            "mistaken_for": f"{row.mistaken_for} ({row.n_mistaken})" if row.n_mistaken else NONE,
        }


def _spoilt(evaluation: Evaluation) -> Iterator[tuple[str, ...]]:
    for name, part in evaluation.corruptions.groupby("corruption", sort=False):
        yield (str(name), *(f"{value:.1%}" for value in part["accuracy"]))


def _speed(evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    for name, label, form in SPEED:
        figure = evaluation.figure(f"speed.{name}")
        if figure.n and figure.value:
            yield label, form.format(figure.value)


def _model(card: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for name, label in _OF_THE_MODEL:
        value = card.get(name)
        if value is not None:
            yield label, f"{value:,}" if isinstance(value, int) else str(value)


CANDIDATES = ("No.", "Round", "From", "Idea", "Parameters", "Epochs", "On validation", "Outcome")


_ENDS = {
    "target": "the target was reached",
    "budget": "the budget was spent",
    "noise": "further networks were no better than by chance",
    "rounds": "its rounds were over",
}


def _searched(search: Search | None, card: Mapping[str, object]) -> str:
    if search is None:
        return ""
    failed = sum(bool(one.failure) for one in search.candidates)
    tried, rounds = counted(len(search.candidates), "network"), counted(search.rounds, "round")
    told = (
        f"{tried} in {rounds}, of which {failed} could not be trained; "
        f"{counted(search.n_calls, 'call')} of a language model, {search.n_tokens:,} tokens, "
        f"cost {money(search.cost_usd)}."
    )
    if search.ended in _ENDS:
        told += f" It ended because {_ENDS[search.ended]}."
    return told + _by_seed(card.get("seeds"))


def _by_seed(results: object) -> str:
    """How stable the winner is: its accuracy on validation from each seed."""
    found = [one for one in results if isinstance(one, dict)] if isinstance(results, list) else []
    if len(found) < 2:
        return ""
    reached = ", ".join(f"{one['accuracy']:.2%}" for one in found)
    return f" Trained from {len(found)} seeds the winner reaches {reached} on validation."


def _candidates(search: Search | None) -> Iterator[tuple[str, ...]]:
    best = best_of(search) if search else None
    for one in search.candidates if search else ():
        yield (
            str(one.number),
            str(one.iteration),
            one.origin if one.parent is None else f"{one.origin} of {one.parent}",
            one.idea,
            f"{one.n_parameters:,}" if one.n_parameters else NONE,
            f"{one.epochs:g}" if one.epochs else NONE,
            f"{one.accuracy:.2%}" if one.accuracy is not None else NONE,
            one.failure or ("winner" if one is best else ""),
        )


def _share(value: float) -> str:
    return f"{value:.1%}" if value == value else NONE


def _cell(value: object) -> str:
    if value is None or value != value:
        return NONE
    return f"{value:.4g}" if isinstance(value, float) else str(value)
