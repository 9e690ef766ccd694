"""What a person reads in the terminal: the outcome of a command in words and small tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from domain.kinds import Kind
from tasks.outcome import (
    EvaluateOutcome,
    PipelineOutcome,
    PrepareOutcome,
    ReportOutcome,
    SecondReadings,
    TrainOutcome,
)

out = Console(highlight=False, soft_wrap=True)
if not out.is_terminal:
    # A file or a pipe has no edge: nothing is cut to fit one.
    out = Console(highlight=False, soft_wrap=True, width=400)
MOST_LINES = 12
NOUNS = {"images": "pictures"}
HELD_OUT = {Kind.GRADING: "Held-out answers", Kind.VISION: "Held-out pictures"}


def show_prepare(outcome: PrepareOutcome) -> None:
    """What was ingested, what was a duplicate, what was refused and why, and the dataset."""
    _heading("Material")
    for part in outcome["ingested"]:
        formats = ", ".join(
            f"{n} {_short(media)}" for media, n in sorted(outcome["formats"][part["role"]].items())
        )
        documents = f"; documents: {formats}" if formats else ""
        noun = NOUNS.get(part["role"], f"{part['role']} files")
        out.print(
            f"  {part['n_files']} {noun}: {part['n_new']} new, {part['n_known']} known, "
            f"{part['n_read']} read now{documents}"
        )
        if part["skipped"]:
            skipped = ", ".join(f"{n} {what}" for what, n in sorted(part["skipped"].items()))
            out.print(f"  Left out, since nobody means them: {escape(skipped)}")
    duplicates = [
        f"{d['name']} says the same as {d['equals']}" for p in outcome["ingested"] for d in p["duplicates"]
    ]
    _listing("Duplicates", duplicates)
    near = [f"{p['a']} and {p['b']} are {p['similarity']:.0%} alike" for p in outcome["near_duplicates"]]
    _listing("Near duplicates (kept, never on both sides of a split)", near)
    _listing("Refused files", [_named(r) for p in outcome["ingested"] for r in p["rejected"]])
    for title, taken in (("Guides not trained on", False), ("Doubtful guides that were taken", True)):
        doubtful = [g for g in outcome["guides"] if g["problems"] and g["in_dataset"] is taken]
        _listing(title, [f"{g['title']} ({g['name']}): {'; '.join(g['problems'])}" for g in doubtful])
    unparsed = [_named({"name": u["name"], "reason": "; ".join(u["problems"])}) for u in outcome["unparsed"]]
    _listing("Documents that wait or could not be parsed", unparsed)
    _listing("Quarantined rows", [_quarantined(row) for row in outcome["quarantine"]])
    show_second_readings(outcome["second_readings"])
    facts = outcome["dataset"]
    out.print(f"  Dataset [bold]{escape(facts['name'])}[/]: {escape(facts['summary'])}")
    for reason, n in facts["set_aside"].items():
        out.print(f"  Set aside: {n} ({reason})")


def show_second_readings(told: SecondReadings | None) -> None:
    """What became of reading the guides with a language model, and what a person is to do."""
    if told is None:
        return
    if told["n_read"]:
        agreed = f"{told['n_agreed']} as the rule parser did"
        out.print(f"  {told['n_read']} guides read by a language model too: {agreed}")
    for note in told["notes"]:
        out.print(f"  {escape(note)}")
    _listing("Put aside of its readings", [_named(refused) for refused in told["refused"]])
    if told["n_accepted"]:
        out.print(
            f"  {told['n_accepted']} guides that only it could read are used: every word was found in them"
        )
    if told["n_open"]:
        out.print(
            f"  [bold]{told['n_open']} differences wait for your decision[/], until then the rule parser's "
            "reading counts: trainyard reviews"
        )


def _quarantined(row: Mapping[str, str]) -> str:
    value = f" ({row['value']})" if row["value"] else ""
    column = "" if row["column"] in ("*", "answer", "") else f" {row['column']}:"
    return f"{row['source']}, {row['row']}:{column} {row['check']}{value}"


def _named(rejected: Mapping[str, str]) -> str:
    name, reason = rejected["name"], rejected["reason"]
    return reason if name in reason else f"{name}: {reason}"


def show_train(outcome: TrainOutcome) -> None:
    """The strategy, why the others were passed over, and the model."""
    _heading("Training")
    choice = outcome["choice"]
    asked = "chosen automatically" if choice["requested"] == "auto" else "as asked"
    out.print(f"  Strategy [bold]{choice['strategy']}[/], {asked}")
    for passed in choice["passed_over"]:
        out.print(f"  passed over: {passed['name']} ({escape(passed['objection'])})")
    out.print(f"  {outcome['n_trained']} iterations trained, {outcome['n_reused']} reused")
    model = outcome["model"]
    out.print(
        f"  Model [bold]{escape(model['model_name'])}[/] version {model['version']} ({escape(model['uri'])})"
    )


def show_evaluate(outcome: EvaluateOutcome) -> None:
    """How good the model is on what was held out, with intervals, and what needs no human."""
    _heading(HELD_OUT[Kind(outcome["kind"])])
    for sentence in outcome["told"]:
        out.print(f"  {escape(sentence)}")
    show_ungraded(outcome["ungraded"])
    if outcome["champion"]:
        out.print("  This version is the champion")


def show_ungraded(ungraded: list[dict[str, str]]) -> None:
    """The answers that a language model gave no usable reply to, with the reason of each."""
    _listing(
        f"Not graded: {len(ungraded)} answers, left out of the figures",
        [f"{one['answer_id'][:8]}: {one['reason']}" for one in ungraded],
    )


def show_report(outcome: ReportOutcome) -> None:
    """Where the report is, and its findings."""
    _heading("Findings")
    for finding in outcome["findings"]:
        out.print(f"  - {escape(finding)}")
    out.print(f"\nReport: [bold]{escape(outcome['html'])}[/]")


def show_pipeline(outcome: PipelineOutcome) -> None:
    show_prepare(outcome["prepare"])
    show_train(outcome["train"])
    show_evaluate(outcome["evaluate"])
    show_report(outcome["report"])


def show_reused(outcome: PipelineOutcome) -> None:
    """Says so when a run found everything done."""
    n_read = sum(part["n_read"] for part in outcome["prepare"]["ingested"])
    train = outcome["train"]
    if n_read == 0 and train["n_trained"] == 0:
        n_known = sum(part["n_known"] for part in outcome["prepare"]["ingested"])
        out.print(
            f"Reused: {n_known} known files, dataset {escape(outcome['prepare']['dataset']['name'])}, "
            f"{train['n_reused']} iterations, model version {train['model']['version']}; "
            "nothing was extracted or trained again"
        )


def attention(outcome: PrepareOutcome) -> int:
    """How many things that were given could not be used."""
    return (
        sum(len(part["rejected"]) for part in outcome["ingested"])
        + sum(bool(guide["problems"]) for guide in outcome["guides"])
        + len(outcome["unparsed"])
        + len(outcome["quarantine"])
    )


def show_rows(rows: list[dict[str, Any]]) -> None:
    """Records as a table, empty columns left out."""
    columns = [name for name in (rows[0] if rows else {}) if any(row[name] not in ("", None) for row in rows)]
    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(escape(_cell(row[name])) for name in columns))
    out.print(table)


def show_record(record: Mapping[str, Any], indent: str = "") -> None:
    """A record as lines, nested ones indented."""
    for name, value in record.items():
        if isinstance(value, Mapping) and value:
            out.print(f"{indent}{name}:")
            show_record(value, indent + "  ")
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            out.print(f"{indent}{name}:")
            for entry in value:
                shown = ", ".join(f"{k} {_cell(v)}" for k, v in entry.items())
                out.print(f"{indent}  - {escape(shown)}")
        elif value not in ("", None, [], {}):
            out.print(f"{indent}{name}: {escape(_cell(value))}")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _heading(text: str) -> None:
    out.print(f"\n[bold]{text}[/]")


def _listing(title: str, lines: Iterable[str]) -> None:
    lines = list(lines)
    if not lines:
        return
    out.print(f"  {title}:")
    for line in lines[:MOST_LINES]:
        out.print(f"    - {escape(line)}")
    if len(lines) > MOST_LINES:
        out.print(f"    and {len(lines) - MOST_LINES} more")


def _short(media_type: str) -> str:
    tail = media_type.rpartition("/")[2]
    known = {
        "vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
        "plain": "txt",
        "vnd.trainyard.bundle+json": "folders",
    }
    return known.get(tail, tail.removeprefix("x-"))
