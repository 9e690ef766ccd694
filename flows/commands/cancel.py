"""`trainyard cancel`."""

from __future__ import annotations

from flows.commands.running import launch
from flows.commands.speech import JobId, Json, show_record


def cancel(job: JobId = "latest", json: Json = False) -> None:
    """Stop a running job within seconds, wherever it runs; the same command again goes on with it."""
    launch()
    from tasks import stopping

    show_record(dict(stopping.cancel(job)), json)
