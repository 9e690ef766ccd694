"""The report as Markdown: findings, key figures and what became of the material, for artifacts and mail."""

from __future__ import annotations

import re
from collections.abc import Iterator

from domain.grading.report_view import COMPARED_BY, MEASURES, View
from domain.grading.written_view import Sentence, plain_sentence
from domain.reports.markdown import (
    choice_lines,
    finding_lines,
    plain,
    table_lines,
    tile_lines,
    value_text,
)
from domain.reports.view import Row

_NOT_IN_URLS = re.compile(r"[<>\s]")


def markdown_of(view: View) -> str:
    """GitHub-flavoured Markdown. Everything that came from outside is escaped, and stays on one line."""
    return "\n".join(_lines(view)) + "\n"


def _lines(view: View) -> Iterator[str]:
    report = view.report
    yield f"# {plain(report.title)}"
    yield ""
    model = " ".join(part for part in (report.job.model_name, report.job.model_version) if part)
    said = [f"strategy {report.strategy}", f"model {model}" if model else "", report.job.created]
    yield " · ".join(plain(part) for part in (*said, f"job {report.job.id}") if part)
    yield ""
    if report.job.promotion:
        yield plain(report.job.promotion)
        yield ""
    yield from tile_lines(view.tiles)
    yield from finding_lines(view.findings)
    yield from _written(view)
    yield "## Agreement"
    yield ""
    names = tuple(part.name for part in view.parts)
    yield from table_lines(("Measure", *names), [_row(row) for row in view.measures])
    yield from _comparisons(view)
    yield from _items(view)
    yield from _training(view)
    yield from _language_models(view)
    yield from _data(view)


def _written(view: View) -> Iterator[str]:
    written = view.written
    if written is None:
        return
    yield "## In words"
    yield ""
    yield f"*{plain(written.said)}*"
    yield ""
    if written.summary:
        yield _entry(written.summary)
        yield ""
    for title, entries in (("What stands out", written.findings), ("What to do", written.recommendations)):
        if entries:
            yield f"### {title}"
            yield ""
            yield from (f"- {_entry(entry)}" for entry in entries)
            yield ""


def _entry(sentences: tuple[Sentence, ...]) -> str:
    return plain(" ".join(plain_sentence(sentence) for sentence in sentences))


def _language_models(view: View) -> Iterator[str]:
    models = view.language_models
    if models is None:
        return
    yield "## Language model"
    yield ""
    yield from table_lines(
        ("Model", "For", "Calls", "Tokens in", "Tokens out", "Cost"),
        [tuple(plain(cell) for cell in use) for use in models.uses],
    )
    yield from table_lines(("", ""), [(plain(name), plain(text)) for name, text in models.figures])
    for note in models.notes:
        yield f"- {plain(note)}"
    for answer_id, reason in models.ungraded[: view.most_rows]:
        yield f"- not graded: {plain(answer_id)}: {plain(reason)}"
    instruction = "".join(change.text for change in models.changes if change.kind != "gone")
    if instruction:
        yield f"- instruction: {plain(instruction)}"
    yield ""


def _comparisons(view: View) -> Iterator[str]:
    titles = {name: title for name, title, _ in MEASURES}
    for part in view.parts:
        yield f"### Beside other markers, on {part.name}"
        yield ""
        header = ("Marker", "Answers", *(titles[name] for name in COMPARED_BY))
        rows = [(plain(row.label), str(row.n), *(value_text(v) for v in row.values)) for row in part.compared]
        yield from table_lines(header, rows)


def _items(view: View) -> Iterator[str]:
    columns = {
        "label": "Item", "agreement": "Agreement", "human_agreement": "Second examiner", "qwk": "QWK",
        "mae": "MAE", "mean_gold": "Mean gold", "mean_mark": "Mean mark", "max_score": "Out of",
        "n": "Answers", "n_training": "Trained on",
    }  # fmt: skip
    for part in view.parts:
        yield f"## Items, {part.name}"
        yield ""
        rows = [tuple(plain(item[name]) for name in columns) for item in part.items]
        yield from table_lines(tuple(columns.values()), rows)


def _training(view: View) -> Iterator[str]:
    report = view.report
    yield "## Training"
    yield ""
    yield from choice_lines(report.choices, report.strategy)
    rows = [(plain(name), plain(text)) for name, text in view.hyperparameters]
    yield from table_lines(("Hyperparameter", "Final value"), rows)
    for name, url in view.links:
        yield f"- {name}: <{_NOT_IN_URLS.sub('', url)}>"
    for timing in report.timings:
        yield f"- {plain(timing.step)}: {timing.seconds:.1f} s"
    yield ""


def _data(view: View) -> Iterator[str]:
    data = view.report.data
    splits = ", ".join(f"{plain(name)} {n:,}" for name, n in data.splits.items())
    yield "## Data"
    yield ""
    yield (
        f"{data.n_answers:,} answers by {data.n_students:,} students to {data.n_items:,} items ({splits}); "
        f"{data.n_blank} blank, {data.n_unscored} without a human score, {data.n_quarantined} rows in "
        f"quarantine. Fingerprint {plain(data.fingerprint)}."
    )
    yield ""
    documents = [(plain(d.role), plain(d.media_type), plain(d.method), f"{d.n:,}") for d in data.documents]
    yield from table_lines(("Role", "Format", "Read by", "Documents"), documents)
    said = [f"{plain(d.name)} says the same as {plain(d.equals)}" for d in data.duplicates]
    said += [
        f"{plain(p.name)}: {plain(p.reason)}" for p in (*data.unreadable, *data.unbalanced, *data.doubtful)
    ]
    for line in said[: view.most_rows]:
        yield f"- {line}"


def _row(row: Row) -> tuple[str, ...]:
    return (plain(row.label), *(value_text(value) for value in row.values))
