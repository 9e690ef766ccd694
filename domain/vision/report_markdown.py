"""A classifier's report as Markdown, for artifacts and mail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from domain.reports.markdown import choice_lines, finding_lines, plain, table_lines, tile_lines
from domain.vision.report_view import CANDIDATES, View

_CLASSES = {
    "name": "Class", "recall": "Found", "precision": "Precision", "f1": "F1", "n": "Test",
    "n_training": "Trained on", "mistaken_for": "Most mistaken for",
}  # fmt: skip


def markdown_of(view: View) -> str:
    """GitHub-flavoured Markdown. Everything that came from outside is escaped, and stays on one line."""
    return "\n".join(_lines(view)) + "\n"


def _lines(view: View) -> Iterator[str]:
    report = view.report
    yield f"# {plain(report.title)}"
    yield ""
    yield f"Strategy {plain(report.strategy)} · {plain(report.job.created)} · job {plain(report.job.id)}"
    yield ""
    yield from tile_lines(view.tiles)
    yield from finding_lines(view.findings)
    yield from _section(
        "Figures",
        ("Measure", "Value", "95% interval"),
        [(plain(row.label), row.values[0].text, row.values[0].interval) for row in view.measures],
    )
    classes = [tuple(plain(row[name]) for name in _CLASSES) for row in view.classes]
    yield from _section("Classes", tuple(_CLASSES.values()), classes)
    severities = tuple(f"severity {n}" for n in range(1, 6))
    yield from _section("Spoilt pictures", ("Corruption", "as it is", *severities), view.spoilt)
    yield from _section("Speed", ("Measured here", ""), view.speed)
    worst = [
        (plain(s.path), plain(s.class_name), plain(s.predicted), f"{s.confidence:.2f}") for s in report.worst
    ]
    yield from _section("Worst mistakes", ("Picture", "It is", "The model says", "Confidence"), worst)
    yield from _training(view)
    yield from _data(view)


def _section(title: str, header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield from table_lines(header, rows)


def _training(view: View) -> Iterator[str]:
    yield "## Training"
    yield ""
    yield from choice_lines(view.report.choices, view.report.strategy)
    settings = [(plain(name), plain(text)) for name, text in (*view.model, *view.hyperparameters)]
    yield from table_lines(("Hyperparameter", "Final value"), settings)
    if view.searched:
        yield "## Search for a network"
        yield ""
        yield plain(view.searched)
        yield ""
        yield from table_lines(CANDIDATES, [tuple(map(plain, row)) for row in view.candidates])


def _data(view: View) -> Iterator[str]:
    data = view.report.data
    splits = ", ".join(f"{plain(name)} {n:,}" for name, n in data.splits.items())
    yield "## Data"
    yield ""
    yield (
        f"{data.n_pictures:,} pictures of {data.n_classes} classes ({splits}), {data.size} by {data.size} "
        f"points; {data.n_refused} files refused. Fingerprint {plain(data.fingerprint)}."
    )
