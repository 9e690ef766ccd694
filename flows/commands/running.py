"""How commands run: Prefect is readied before it is imported, and flows run in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flows.commands.speech import say

NEEDS_MLFLOW = (
    *("pipeline", "train", "evaluate", "report", "grade", "predict", "compare"),
    *("settle", "drift"),
)
LANGUAGE_MODEL = "llm"
"""The strategy that may need no torch."""


def launch() -> None:
    from tasks import launch

    launch.launch()


def run_flow(module: str, flow: str, **parameters: Any) -> Any:
    """What the flow of that name in `module` returns."""
    launch()
    say(f"{flow}: starting")
    import importlib

    from tasks.launch import attended, serve, warm_up

    serve()
    if flow in NEEDS_MLFLOW:
        warm_up(trains=parameters.get("strategy", LANGUAGE_MODEL) != LANGUAGE_MODEL)
    function = getattr(importlib.import_module(module), flow)
    with attended():
        return function(**parameters)


def absolute(path: Path | None) -> str:
    """A path that means the same in a worker, which starts elsewhere; "" for none."""
    return str(path.expanduser().resolve()) if path else ""
