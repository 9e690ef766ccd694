"""How commands talk: results to stdout, talk to stderr, records for people or as JSON for machines."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

JobId = Annotated[str, typer.Argument(help="A job's id or its beginning; 'latest' for the newest.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for machines.")]


def say(text: str) -> None:
    """Talk goes to stderr: stdout is for results."""
    sys.stderr.write(text + "\n")


def show(outcome: Any, json: bool, *parts: str) -> None:
    """An outcome as JSON, or by the functions of `flows.terminal` named in `parts`."""
    if json:
        print_json(outcome)
        return
    from flows import terminal

    for part in parts:
        getattr(terminal, part)(outcome)


def show_record(record: dict[str, Any], json: bool) -> None:
    if json:
        print_json(record)
        return
    from flows import terminal

    terminal.show_record(record)


def show_rows(
    rows: list[dict[str, Any]], json: bool, nothing: str = "nothing yet: run trainyard pipeline"
) -> None:
    """A table; `nothing` is said where it has no rows."""
    if json:
        print_json(rows)
    elif rows:
        from flows import terminal

        terminal.show_rows(rows)
    else:
        say(nothing)


def print_json(value: Any) -> None:
    import json

    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")
