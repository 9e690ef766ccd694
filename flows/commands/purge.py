"""`trainyard purge`: forget what language models said about a student's paper."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.running import launch
from flows.commands.speech import Json, print_json, say


def purge(
    submissions: Annotated[
        list[str], typer.Argument(metavar="SUBMISSION", help="Student, file name or id; repeatable.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many replies there are.")] = False,
    json: Json = False,
) -> None:
    """Remove the stored replies of language models to requests that contain a submission's text.

    What they cost stays on record. The submissions themselves are not touched.
    """
    launch()
    from tasks.language_models import purge_replies

    done = purge_replies(submissions, dry_run=dry_run)
    if json:
        print_json(done)
        return
    named = ", ".join(f"{one['student']} ({one['name']})" for one in done["submissions"])
    verb = "would be removed" if dry_run else "removed"
    say(f"{done['n_replies']} replies about {named} {verb}")
