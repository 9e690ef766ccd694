"""`--pseudonymise KEYFILE`, and `trainyard reveal`, which gives the names back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from domain.kinds import Role
from flows.commands.running import launch
from flows.commands.speech import Json, say, show_rows

KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--pseudonymise",
        metavar="KEYFILE",
        help="Replace students' names and numbers by pseudonyms before anything is kept, in texts, class "
        "lists and file names. KEYFILE holds the secret and whose they are; it is made if missing, and must "
        "be outside TRAINYARD_HOME and readable by you alone. See trainyard reveal.",
    ),
]
_PLACES = {Role.SUBMISSION: "submissions", Role.ANSWERS: "answers"}


def under_pseudonyms(given: dict[str, Any], key_file: Path | None) -> list[dict[str, str]]:
    """Puts copies without names in the place of `given` submissions and answers.

    Returns {"name", "reason"} of files that could not be copied; [] where no key file is given.
    """
    if key_file is None:
        return []
    launch()
    from tasks.pseudonyms import pseudonymised

    named = {role: given[place] for role, place in _PLACES.items() if given.get(place)}
    copies = pseudonymised(named, key_file)
    for role, path in copies.paths.items():
        given[_PLACES[role]] = path
    say(f"students have pseudonyms from here on: trainyard reveal {key_file} says whose")
    return copies.refused


def tell_refused(ingested: list[Any], refused: list[dict[str, str]]) -> None:
    """Adds what could not be copied to what was refused."""
    if refused and ingested:
        ingested[-1]["rejected"] = [*ingested[-1]["rejected"], *refused]


def reveal(
    key_file: Annotated[Path, typer.Argument(metavar="KEYFILE", help="The file given to --pseudonymise.")],
    pseudonyms: Annotated[
        list[str] | None, typer.Argument(metavar="[PSEUDONYM]...", help="Default: all that the key knows.")
    ] = None,
    json: Json = False,
) -> None:
    """Say whom pseudonyms stand for: students, and the files that they handed in."""
    from tasks.pseudonyms import revealed

    show_rows(revealed(key_file, pseudonyms or []), json, nothing="this key has no pseudonyms yet")
