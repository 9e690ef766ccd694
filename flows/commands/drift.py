"""`trainyard drift`."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.running import run_flow
from flows.commands.speech import Json, print_json


def drift(
    model: Annotated[
        str,
        typer.Argument(
            help="NAME, NAME@alias or NAME/version. Default: the champion of the newest job's model."
        ),
    ] = "",
    json: Json = False,
) -> None:
    """Say whether new answers still look like those a model was measured on; exit code 1 when they do not."""
    outcome = run_flow("flows.drift", "drift", model=model)
    if json:
        print_json(outcome)
    else:
        from flows.terminal import out

        for finding in outcome["findings"]:
            out.print(f"  - {finding}", markup=False)
        if outcome["html"]:
            out.print(f"\nDrift report: {outcome['html']}", markup=False)
    if outcome["drifted"]:
        raise typer.Exit(1)
