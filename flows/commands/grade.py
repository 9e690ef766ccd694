"""`trainyard grade`: new submissions are graded by a model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.pseudonyms import KeyFile, under_pseudonyms
from flows.commands.running import absolute, run_flow
from flows.commands.speech import Json, say


def grade(
    submissions: Annotated[Path, typer.Argument(help="Folder or file of submissions to grade.")],
    model: Annotated[
        str,
        typer.Option(
            help="NAME, NAME@alias or NAME/version. Default: the champion of the newest job's model."
        ),
    ] = "",
    out: Annotated[
        Path | None, typer.Option(help="File to write, .csv or .json. Default: CSV to the terminal.")
    ] = None,
    key_file: KeyFile = None,
    json: Json = False,
) -> None:
    """Grade new submissions; `refer` marks the answers that a human should look at."""
    given = {"submissions": absolute(submissions)}
    refused = under_pseudonyms(given, key_file)
    outcome = run_flow("flows.grade", "grade", **given, model=model)
    outcome["unparsed"] += [{"name": one["name"], "problems": [one["reason"]]} for one in refused]
    from tasks.grading import grades_as

    form = "json" if json or (out and out.suffix.lower() == ".json") else "csv"
    text = grades_as(outcome, form)
    if out:
        out.write_text(text, encoding="utf-8")
        referred = sum(row["refer"] for row in outcome["grades"])
        say(f"{len(outcome['grades'])} answers graded by {outcome['model']}, {referred} for a human: {out}")
    else:
        sys.stdout.write(text)
    for document in outcome["unparsed"]:
        say(f"not graded: {document['name']}: {'; '.join(document['problems'])}")
    if outcome["ungraded"]:
        n, reasons = len(outcome["ungraded"]), sorted({one["reason"] for one in outcome["ungraded"]})
        say(f"{n} answers have no mark and are for a human: {'; '.join(reasons[:5])}")
    if outcome["unparsed"] or outcome["ungraded"]:
        raise typer.Exit(1)
