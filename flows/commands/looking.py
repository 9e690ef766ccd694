"""Commands that look: what there is, what ran, what is set, what is missing."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.running import launch
from flows.commands.speech import JobId, Json, show_record, show_rows


def status(json: Json = False) -> None:
    """What there is: files, guides, datasets, jobs, and whether the pages are up."""
    launch()
    from tasks.launch import pages
    from tasks.overview import state_of_material

    state = state_of_material()
    where = pages()
    state["pages"] = f"{where.prefect} and {where.mlflow}" if where.up else "not up: trainyard up"
    show_record(state, json)


def runs(
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 20, json: Json = False
) -> None:
    """List the jobs with their strategy, model and agreement."""
    launch()
    from tasks.overview import list_jobs

    show_rows(list_jobs(limit), json)


def show(job: JobId = "latest", json: Json = False) -> None:
    """Show all that is known of one job."""
    launch()
    from tasks.overview import show_job

    show_record(show_job(job), json)


def config(json: Json = False) -> None:
    """Show the settings in force and where each comes from; secrets are masked."""
    from tasks.installation import settings_shown

    show_rows(settings_shown(), json)


def doctor(json: Json = False) -> None:
    """Check the installation, and say what is missing for which feature and how to get it."""
    from tasks.installation import examined

    rows = examined()
    show_rows(rows, json)
    if any(row["state"] == "fail" for row in rows):
        raise typer.Exit(1)
