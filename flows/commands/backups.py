"""`trainyard backup` and `trainyard restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from flows.commands.running import launch
from flows.commands.speech import Json, print_json, say

File = Annotated[Path, typer.Argument(metavar="FILE", help="The backup, a tar file.")]


def backup(file: File, json: Json = False) -> None:
    """Write catalog, store, reports, runs and models to one file with checksums; no secret is in it."""
    launch()
    from tasks.backups import make_backup

    _tell("backed up to", file, make_backup(file), json)


def restore(
    file: File,
    force: Annotated[bool, typer.Option("--force", help="Replace what there is.")] = False,
    json: Json = False,
) -> None:
    """Verify a backup and put it into an empty home (TRAINYARD_HOME) and catalog (TRAINYARD_CATALOG_URL)."""
    launch()
    from tasks.backups import restore_backup

    _tell("restored from", file, restore_backup(file, force), json)


def _tell(done: str, file: Path, contents: dict[str, Any], json: bool) -> None:
    if json:
        print_json(contents)
        return
    runs = ", MLflow's runs and models" if contents["mlflow"] else ""
    say(
        f"{done} {file}: {contents['n_rows']} rows of the catalog, {contents['n_objects']} objects of "
        f"the store, {contents['n_files']} files{runs}; {contents['size_bytes'] / 1e6:.1f} MB"
    )
    for reason in contents["left_out"]:
        say(f"not in it: {reason}")
