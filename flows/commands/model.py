"""`trainyard model`: look after trained models of both kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.running import launch
from flows.commands.speech import Json, print_json, say, show_record, show_rows

model = typer.Typer(
    no_args_is_help=True, help="Look after trained models: versions, copies, names, and the champion."
)

Which = Annotated[
    str, typer.Argument(metavar="MODEL", help="NAME (its champion), NAME@alias, or NAME/version.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="A model's name, see `trainyard model list`.")]


@model.command("list")
def list_models(
    name: Annotated[str, typer.Argument(help="Only the versions of this model.")] = "", json: Json = False
) -> None:
    """List all versions with their aliases, strategy and figure."""
    launch()
    from tasks.model_care import list_models

    show_rows(list_models(name), json)


@model.command("show")
def show_model(which: Which, json: Json = False) -> None:
    """Show all that is known of one version."""
    launch()
    from tasks.model_care import show_model

    show_record(show_model(which), json)


@model.command("rename")
def rename_model(
    name: Name, new_name: Annotated[str, typer.Argument(metavar="NEW_NAME", help="What it is called then.")]
) -> None:
    """Give a model another name."""
    launch()
    from tasks.model_care import rename_model

    rename_model(name, new_name)
    say(f"model {name} is now called {new_name}")


@model.command("download")
def download_model(
    which: Which, folder: Annotated[Path, typer.Argument(help="A new or empty folder for the files.")]
) -> None:
    """Copy a version's files (ONNX and JSON) into a folder."""
    launch()
    from tasks.model_care import download_model

    for path in download_model(which, folder.expanduser().resolve()):
        typer.echo(path)


@model.command("upload")
def upload_model(
    folder: Annotated[Path, typer.Argument(help="Folder of a model's files, as `download` writes it.")],
    name: Name,
    json: Json = False,
) -> None:
    """Check a model's files and register them as a version; pickles are refused."""
    launch()
    from tasks.model_care import upload_model

    made = upload_model(folder.expanduser().resolve(), name)
    if json:
        print_json(made)
    else:
        say(f"{made['kind']} model {made['model']} has version {made['version']} now")


@model.command("delete")
def delete_model(
    which: Annotated[
        str, typer.Argument(metavar="MODEL", help="NAME/version, or NAME for all its versions.")
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a version, or a whole model. Runs, figures and reports stay."""
    if not yes:
        typer.confirm(f"Delete {which}?", abort=True, err=True)
    launch()
    from tasks.model_care import delete_model

    say(f"deleted: {delete_model(which)}")


@model.command("promote")
def promote_model(which: Which) -> None:
    """Make a version the champion, which `grade` and `predict` use."""
    launch()
    from tasks.model_care import promote_model

    say(promote_model(which))


@model.command("rollback")
def roll_back_model(name: Name) -> None:
    """Make the version that was champion before the champion again."""
    launch()
    from tasks.model_care import roll_back_model

    say(roll_back_model(name))
