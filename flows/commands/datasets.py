"""Commands that look after datasets: list, rename, delete."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.running import launch
from flows.commands.speech import Json, print_json, say, show_rows

app = typer.Typer(invoke_without_command=True, help="List, rename and delete datasets.")

Which = Annotated[str, typer.Argument(metavar="DATASET", help="Name, id or the start of a fingerprint.")]


@app.callback()
def listing(
    context: typer.Context,
    search: Annotated[str, typer.Option(help="Only those whose name has this.")] = "",
    json: Json = False,
) -> None:
    """List the datasets, and what is being prepared or failed to be."""
    if context.invoked_subcommand is not None:
        return
    launch()
    from tasks.library import list_datasets

    show_rows(list_datasets(search), json, nothing="no dataset: run trainyard prepare")


@app.command()
def rename(
    dataset: Which, name: Annotated[str, typer.Argument(help="The new name.")], json: Json = False
) -> None:
    """Give a dataset another name; what was trained on it keeps its own."""
    launch()
    from tasks.library import rename_dataset

    done = rename_dataset(dataset, name)
    if json:
        print_json(done)
    else:
        say(f"{done['old']} is called {done['new']} now")


@app.command()
def delete(dataset: Which, json: Json = False) -> None:
    """Delete a dataset and its files; refused where a training refers to it."""
    launch()
    from tasks.library import delete_dataset

    done = delete_dataset(dataset)
    if json:
        print_json(done)
    else:
        say(f"{done['name']} and {done['n_files']} files of it are deleted")
