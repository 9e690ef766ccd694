"""`trainyard metrics`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from flows.commands.running import launch
from flows.commands.speech import say


def metrics(
    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="Serve them on this port of the loopback until Ctrl-C; 0 for any."
        ),
    ] = None,
) -> None:
    """Print the state of jobs and material as Prometheus metrics, or serve them to be scraped."""
    launch()
    from tasks.metrics import metrics_text, serve_metrics

    if port is None:
        sys.stdout.write(metrics_text())
    else:
        serve_metrics(port, lambda url: say(f"metrics at {url} until Ctrl-C"))
