"""`trainyard settle`."""

from __future__ import annotations

from flows.commands.running import run_flow
from flows.commands.speech import Json, print_json, say, show_rows


def settle(json: Json = False) -> None:
    """End the jobs, MLflow runs and flow runs that a crash left RUNNING; what lives is left alone."""
    outcome = run_flow("flows.settle", "settle")
    if json:
        print_json(outcome)
        return
    show_rows(outcome["settled"], False, nothing="nothing to settle")
    for one in outcome["left"]:
        say(f"left alone: {one['what']} {one['id'][:8]}: {one['why']}")
