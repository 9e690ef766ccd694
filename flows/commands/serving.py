"""Commands that look after the place: its pages, its deployments, its database."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.running import launch
from flows.commands.speech import JobId, say


def up(
    job: JobId = "latest",
    browser: Annotated[bool, typer.Option("--browser", help="Open the job's pages in a browser.")] = False,
) -> None:
    """Serve the Prefect and MLflow pages and a worker on this machine until Ctrl-C.

    Says where the pages of JOB are. Every flow of prefect.yaml is deployed, and the worker runs it.
    """
    launch()
    from tasks.deployments import serve

    serve(say, job, browser)


def deploy() -> None:
    """Put the deployments of prefect.yaml on the Prefect server that is up."""
    launch()
    from tasks.deployments import deploy_all

    say(f"deployed every flow of prefect.yaml to {deploy_all()}")


def upgrade() -> None:
    """Make the catalog's database, or bring its schema up to date."""
    from tasks.installation import upgrade_catalog

    say(upgrade_catalog())
