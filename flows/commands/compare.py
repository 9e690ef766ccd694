"""The command that holds jobs against each other."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.running import run_flow
from flows.commands.speech import Json, print_json


def compare(
    jobs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[JOB...]",
            help="Ids of jobs, their beginnings, or 'latest'. Default: the newest evaluated job of each "
            "strategy on the newest dataset.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Compare jobs on the held-out answers or pictures that they share: quality, cost and time."""
    outcome = run_flow("flows.compare", "compare", jobs=jobs or [])
    if json:
        print_json(outcome)
        return
    from flows.terminal import out, show_rows

    # A figure that could not be computed is left empty; a price or a time is somewhere, and unknown.
    show_rows(
        [
            {k: "unknown" if v is None and k.startswith(("USD", "seconds")) else v for k, v in row.items()}
            for row in outcome["jobs"]
        ]
    )
    for finding in outcome["findings"]:
        out.print(f"  - {finding}", markup=False)
    out.print(f"\nComparison: {outcome['html']}", markup=False)
