"""Students' folders at ingest: several files that become one document."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.documents.extraction import Extraction
from domain.documents.near_duplicates import signature
from domain.grading.student_folders import Bundle, stated_students, student_folders, student_of
from domain.identity import fingerprint, hash_file, hash_text
from domain.kinds import Role
from infra.catalog import FileOutcome, FoundFile
from infra.readers import Read, Refused


@dataclass(frozen=True)
class Unit:
    """What becomes one document: a file, or a student's folder with its files (`parts`)."""

    found: FoundFile
    student: str = ""
    parts: tuple[FoundFile, ...] = ()

    @property
    def files(self) -> tuple[FoundFile, ...]:
        return self.parts or (self.found,)


def grouped(role: str, root: Path, names: Sequence[str]) -> list[list[str]]:
    """The files that belong together: each alone, but those of a student's folder, which comes first."""
    folders = student_folders(names, root.name) if role == Role.SUBMISSION else {}
    inside = {name for held in folders.values() for name in held}
    alone = [[name] for name in names if name not in inside]
    return sorted([[f"{folder}/", *held] for folder, held in folders.items()] + alone)


def found_unit(root: Path, names: Sequence[str]) -> Unit:
    """The unit of one of the lists that `grouped` gives."""
    if len(names) == 1:
        return Unit(_found(root, names[0]))
    folder, *files = names
    parts = tuple(_found(root, name) for name in files)
    student = student_of(folder.rstrip("/"), root.name)
    sha256 = fingerprint([student, *([Path(part.name).name, part.sha256] for part in parts)])
    name = folder if folder != "/" else f"{student}/"
    return Unit(FoundFile(name, sha256, sum(part.size_bytes for part in parts)), student, parts)


def units_of(names: str, root: Path) -> list[Unit]:
    """The units of a chunk's `names`."""
    return [found_unit(root, entry) for entry in json.loads(names)]


def split_known(
    units: Sequence[Unit], known: Mapping[tuple[str, str], FileOutcome]
) -> tuple[list[FileOutcome], list[Unit]]:
    """Outcomes of the units that were recorded before, as one or file by file, and the other units."""
    outcomes: list[FileOutcome] = []
    fresh: list[Unit] = []
    for unit in units:
        whole = known.get((unit.found.name, unit.found.sha256))
        single = [known[key] for part in unit.parts if (key := (part.name, part.sha256)) in known]
        if whole is not None:
            outcomes.append(whole)
        elif unit.parts and len(single) == len(unit.parts):
            outcomes += single
        else:
            fresh.append(unit)
    return outcomes, fresh


@dataclass(frozen=True)
class Result:
    """What became of reading a file, or a student's folder as a whole."""

    file: FoundFile
    outcome: Read | Refused


def results_of(units: Sequence[Unit], outcomes: Sequence[Read | Refused]) -> list[Result]:
    """What became of `units`, of whose files in order `outcomes` are those of the readers."""
    results: list[Result] = []
    at = 0
    for unit in units:
        own = outcomes[at : at + len(unit.files)]
        at += len(own)
        whole = bundled(unit, own) if unit.parts else own[0]
        if whole is not None:
            results.append(Result(unit.found, whole))
        else:
            results += map(Result, unit.parts, own)
    return results


def split_unit(unit: Unit, parts: Sequence[Extraction]) -> list[tuple[Unit, list[Extraction]]]:
    """The unit with its parts; file by file where they are papers of several students."""
    if len(unit.parts) > 1 and len(stated_students(parts)) > 1:
        return [(Unit(file), [part]) for file, part in zip(unit.parts, parts, strict=True)]
    return [(unit, list(parts))]


def bundled(unit: Unit, results: Sequence[Read | Refused]) -> Read | Refused | None:
    """A folder's files as one document. None where they are papers of several students after all.

    A folder with a file that cannot be read is refused as a whole: its paper would be marked as if
    the student had not answered.
    """
    names = tuple(Path(part.name).name for part in unit.parts)
    for name, result in zip(names, results, strict=True):
        if isinstance(result, Refused):
            reason = result.reason.rpartition(f"{name}: ")[2]
            return Refused(f"{name}: {reason}")
    read = [result for result in results if isinstance(result, Read)]
    parts = tuple(result.extraction for result in read)
    if len(stated_students(parts)) > 1:
        return None
    extraction = Bundle(unit.student, names, parts).extraction()
    joined = "\n".join(part.text for part in parts)
    return Read(extraction, hash_text(extraction.text), signature(joined))


def _found(root: Path, name: str) -> FoundFile:
    path = root / name
    return FoundFile(name=name, sha256=hash_file(path), size_bytes=path.stat().st_size)
