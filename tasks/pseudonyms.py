"""Students under pseudonyms: copies without names are made before any flow sees a file.

Flows, Prefect, MLflow, the catalog and the store get to know the copies alone, in
`TRAINYARD_HOME/pseudonymised`. The same files under the same key are copied once.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.errors import InputError
from domain.grading.pseudonyms import Eraser, Person, code
from domain.identity import fingerprint
from domain.kinds import Role
from infra.pseudonym_keys import Key, key_in, read_key
from infra.readers import Read, Refused, reader_pool
from tasks.named_papers import NamedList, NamedPaper, NamedTable, people_of, read_list, read_paper, read_table
from tasks.student_files import Unit, found_unit, grouped, split_unit
from tasks.workplace import Workplace, workplace

_VERSION = "1"
"""Raise it when copies come out otherwise: it is part of their folder's name."""
_TOLD = ".refused.json"

Source = NamedPaper | NamedList | NamedTable


@dataclass(frozen=True)
class Copies:
    """`paths` stand for the given ones, by role; `refused` are {"name", "reason"} of files without a copy."""

    paths: dict[Role, str]
    refused: list[dict[str, str]]


def pseudonymised(given: dict[Role, str], key_file: Path) -> Copies:
    """Copies of submissions and tables of answers without the students' names.

    Raises InputError for a key file that cannot be used, and for a path without files.
    """
    place = workplace()
    with key_in(key_file, place.settings.home) as key:
        found = {role: _units(role, Path(path)) for role, path in given.items()}
        content = [
            [role.value, [[u.found.name, u.found.sha256] for u in units]]
            for role, (_, units) in found.items()
        ]
        batch = code(key.secret, "batch", fingerprint([_VERSION, content]), 16)
        folder = place.settings.home / "pseudonymised" / batch
        if not folder.exists():
            _copy(place, key, found, folder)
        told = json.loads((folder / _TOLD).read_text(encoding="utf-8"))
    return Copies({role: str(folder / role.value) for role in given}, told)


def revealed(key_file: Path, pseudonyms: Sequence[str]) -> list[dict[str, str]]:
    """Whom pseudonyms stand for, {"pseudonym", "name", "also"}; all of the key's where none is given.

    Raises InputError for one that the key does not know.
    """
    key = read_key(key_file)
    for pseudonym in pseudonyms:
        if pseudonym not in key.names:
            raise InputError(f"{key_file} does not know {pseudonym}: give the key file that was used then")
    return [
        {"pseudonym": p, "name": key.names[p][0], "also": ", ".join(key.names[p][1:])}
        for p in pseudonyms or key.names
    ]


def _units(role: Role, path: Path) -> tuple[Path, list[Unit]]:
    if path.is_file():
        root, names = path.parent, [path.name]
    else:
        root, names = path, sorted(_files_below(path))
    if not names:
        raise InputError(f"{path} has no files, or does not exist: give the {role} folder or file")
    return root, [found_unit(root, entry) for entry in grouped(role, root, names)]


def _files_below(root: Path) -> Iterable[str]:
    """As `tasks.ingest` finds files, but without a word about those that are left out: names are in it."""
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(folder, name)
            if not name.startswith(".") and not path.is_symlink():
                yield path.relative_to(root).as_posix()


def _copy(place: Workplace, key: Key, found: dict[Role, tuple[Path, list[Unit]]], folder: Path) -> None:
    """All copies, or none: they are written beside and moved to their place when they are complete."""
    sources: dict[Role, list[Source]] = {}
    refused: list[dict[str, str]] = []
    for role, (root, units) in found.items():
        read = _read_tables if role is Role.ANSWERS else _read_submissions
        sources[role] = read(place, key, root, units, refused)
    everybody: dict[str, Person] = {}
    for person in people_of([source for each in sources.values() for source in each], key):
        everybody[person.pseudonym] = person
    eraser = Eraser(everybody.values())
    half = folder.with_name(f".{folder.name}.{os.getpid()}")
    shutil.rmtree(half, ignore_errors=True)
    for role, each in sources.items():
        (half / role.value).mkdir(parents=True, mode=0o700)
        for source in each:
            name, content = source.copy(key, everybody, eraser)
            (half / role.value / name).write_bytes(content)
    (half / _TOLD).write_text(json.dumps(refused, ensure_ascii=False), encoding="utf-8")
    half.replace(folder)


def _read_submissions(
    place: Workplace, key: Key, root: Path, units: Sequence[Unit], refused: list[dict[str, str]]
) -> list[Source]:
    settings = place.settings
    readers = reader_pool(settings.workers, settings.reader_seconds, settings.reader_memory_mb << 20)
    paths = [root / file.name for unit in units for file in unit.files]
    outcomes = iter(readers.read_all(paths))
    sources: list[Source] = []
    for unit in units:
        own = [next(outcomes) for _ in unit.files]
        bad = [(f, o) for f, o in zip(unit.files, own, strict=True) if isinstance(o, Refused)]
        if bad:
            refused += [_refusal(key, root / file.name, file.name, outcome.reason) for file, outcome in bad]
            continue
        read = [outcome.extraction for outcome in own if isinstance(outcome, Read)]
        for single, parts in split_unit(unit, read):
            sources.append(read_list(single, parts[0]) or read_paper(single, parts))
    return sources


def _read_tables(
    place: Workplace,  # noqa: ARG001
    key: Key,
    root: Path,
    units: Sequence[Unit],
    refused: list[dict[str, str]],
) -> list[Source]:
    sources: list[Source] = []
    for unit in units:
        path = root / unit.found.name
        try:
            table, bad_rows = read_table(unit, path)
        except InputError as refusal:
            refused.append(_refusal(key, path, unit.found.name, str(refusal)))
            continue
        sources.append(table)
        # Not the cell itself: it may be anything that a shifted row has there.
        refused += [_refusal(key, path, unit.found.name, f"{r.row}: {r.column} {r.check}") for r in bad_rows]
    return sources


def _refusal(key: Key, path: Path, name: str, reason: str) -> dict[str, str]:
    """A file that has no copy, by its pseudonym: whatever it is called, its name may be a student's."""
    alias = key.pseudonym("file", name) + path.suffix.lower()
    for told in (str(path), name, path.name):
        reason = reason.replace(told, alias)
    return {"name": alias, "reason": reason.removeprefix(f"{alias}: ")}
