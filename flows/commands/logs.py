"""`trainyard logs`."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Annotated

import typer

from flows.commands.running import launch
from flows.commands.speech import JobId, Json, say


def logs(
    job: JobId = "latest",
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on until the job's process ends, or Ctrl-C.")
    ] = False,
    json: Json = False,
) -> None:
    """Show what was said while a job was worked on; with --json each line has the ids of its runs."""
    launch()
    import json as machine

    from tasks.job_logs import log_lines

    nothing = True
    with suppress(KeyboardInterrupt):
        for line in log_lines(job, follow):
            nothing = False
            level = "" if line["level"] == "info" else f"{line['level']}: "
            told = f"{line['time'][:19]} {level}{line['message']}"
            told = "\n".join(filter(None, [told, line.get("error", "")]))
            sys.stdout.write((machine.dumps(line, ensure_ascii=False) if json else told) + "\n")
            sys.stdout.flush()
    if nothing:
        say("nothing is kept of this job: it was worked on before logs were, or on another machine")
