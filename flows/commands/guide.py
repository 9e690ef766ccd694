"""`trainyard guide`: look at what the parser makes of a marking guide, and take it along."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from domain.errors import InputError
from flows.commands.running import launch
from flows.commands.speech import say

app = typer.Typer(no_args_is_help=True)


class Form(StrEnum):
    YAML = "yaml"
    JSON = "json"


@app.callback()
def guide() -> None:
    """Look at what the parser makes of a marking guide."""


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="The guide, in any format that can be read.")],
    form: Annotated[Form, typer.Option("--format", help="YAML is the easier one to edit.")] = Form.YAML,
    to: Annotated[Path | None, typer.Option(help="File to write. Default: the terminal.")] = None,
) -> None:
    """Write a guide as the parser reads it, as YAML or JSON that can be edited and given in its place.

    Problems are said, and stand on top of the file. Exit code 1 if there are any.
    """
    launch()
    from tasks.guide_files import export_guide

    text, problems = export_guide(file, form.value)
    if to is None:
        sys.stdout.write(text)
    else:
        to.write_text(text, encoding="utf-8")
        say(f"{to} written: correct it and give it to --guides in place of {file}")
    for problem in problems:
        say(f"Problem: {problem}")
    if problems:
        raise typer.Exit(1)


@app.command()
def review(
    files: Annotated[list[Path], typer.Argument(help="Guides, in any format that can be read.")],
    to: Annotated[Path, typer.Option(help="Folder for the pages.")] = Path("guide-review"),
) -> None:
    """Show guides beside their sources, each as an HTML page, with a YAML file to correct.

    A corrected YAML file, given to --guides in place of the guide, is what is trained on. Exit code 1 if
    any guide has problems.
    """
    launch()
    from tasks.guide_files import review_guide

    n_doubtful = 0
    for file in files:
        try:
            done = review_guide(file, to)
        except InputError as refusal:
            n_doubtful += 1
            say(str(refusal))
            continue
        n_doubtful += bool(done.problems)
        state = f"{len(done.problems)} problems" if done.problems else "balances"
        say(f"{file}: {state}; look at {done.page}, correct {done.editable}")
    if n_doubtful:
        raise typer.Exit(1)
