"""The command line: `trainyard VERB`. Verbs are the flows; the rest looks after the installation.

Nothing heavy is imported until a verb runs, so that --help answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated, Any

import typer

from domain.errors import TrainyardError
from flows.commands import datasets, guide, looking, model, reviews, serving, steps
from flows.commands.backups import backup, restore
from flows.commands.cancel import cancel
from flows.commands.compare import compare
from flows.commands.drift import drift
from flows.commands.grade import grade
from flows.commands.logs import logs
from flows.commands.metrics import metrics
from flows.commands.models import models
from flows.commands.predict import predict
from flows.commands.pseudonyms import reveal
from flows.commands.purge import purge
from flows.commands.settle import settle
from flows.commands.simulate_llm import simulate_llm
from flows.commands.speech import say
from flows.commands.watch import watch

app = typer.Typer(
    name="trainyard",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Marking guides and graded submissions in, an evaluated grader and a report out; or labelled "
    "pictures in, a classifier and its report out.\n\n"
    "Start with `trainyard pipeline`. Settings are `TRAINYARD_*` variables (see `trainyard config`). "
    "Exit code 0: done, 1: something could not be done or used (the message says what), 2: usage.",
)
database = typer.Typer(no_args_is_help=True, help="Look after the catalog's database.")
database.command("upgrade")(serving.upgrade)

_COMMANDS: dict[str, tuple[Callable[..., None], ...]] = {
    "Train": (steps.pipeline, steps.prepare, steps.train, steps.evaluate, steps.report),
    "Use models": (grade, predict, compare, drift),
    "See": (looking.status, looking.runs, looking.show, logs, looking.config, looking.doctor, metrics),
    "Run": (serving.up, serving.deploy, watch, cancel, settle, backup, restore),
    "Language models": (models, simulate_llm, purge),
    "Material": (reveal,),
}
"""By the heading under which --help lists them."""
_GROUPS: dict[str, dict[str, typer.Typer]] = {
    "Use models": {"model": model.model},
    "Run": {"db": database},
    "Material": {"datasets": datasets.app, "guide": guide.app, "reviews": reviews.reviews},
}


def _tell_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"trainyard {version('trainyard')}\n")
        raise typer.Exit


@app.callback()
def _options(
    told: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """What comes before any verb."""


for _heading, _commands in _COMMANDS.items():
    for _command in _commands:
        app.command(rich_help_panel=_heading)(_command)
for _heading, _groups in _GROUPS.items():
    for _name, _group in _groups.items():
        app.add_typer(_group, name=_name, rich_help_panel=_heading)


def main(run: Callable[[], Any] = app) -> None:
    """Entry point: our own errors are their message alone, and exit code 1."""
    try:
        run()
    except TrainyardError as error:
        say(f"Error: {error}")
        sys.exit(1)


if __name__ == "__main__":
    main()
