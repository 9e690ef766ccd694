"""`trainyard predict`: labels for new pictures."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.running import absolute, run_flow
from flows.commands.speech import Json, say

MOST_LINES = 12


def predict(
    model: Annotated[
        str,
        typer.Argument(
            help="NAME (its champion), NAME@alias, NAME/version, or a job's id or its beginning; "
            "'latest' for the newest classifier."
        ),
    ],
    pictures: Annotated[
        list[Path],
        typer.Argument(
            help="Pictures, folders, ZIP or tar archives, and CSV files with a column path of pictures "
            "beside them."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="File to write, .csv or .json. Default: CSV to the terminal.")
    ] = None,
    allow_rejects: Annotated[
        bool, typer.Option("--allow-rejects", help="Exit 0 though some files are no sound pictures.")
    ] = False,
    json: Json = False,
) -> None:
    """Label pictures; `refer` marks those that a human should look at."""
    outcome = run_flow("flows.predict", "predict", paths=[absolute(path) for path in pictures], model=model)
    from tasks.prediction import predictions_as

    form = "json" if json or (out and out.suffix.lower() == ".json") else "csv"
    text = predictions_as(outcome, form)
    if out:
        out.write_text(text, encoding="utf-8")
        n, referred = len(outcome["predictions"]), sum(row["refer"] for row in outcome["predictions"])
        say(f"{n} pictures labelled by {outcome['model']}, {referred} for a human: {out}")
    else:
        sys.stdout.write(text)
    for sentence in outcome["drift"]:
        say(sentence)
    rejected = outcome["rejected"]
    for one in rejected[:MOST_LINES]:
        say(f"not labelled: {one['name']}: {one['reason']}")
    if len(rejected) > MOST_LINES:
        say(f"and {len(rejected) - MOST_LINES} more (--out FILE.json has them all)")
    if rejected and not allow_rejects:
        raise typer.Exit(1)
