"""Files in: found, hashed, read by reader processes, recorded as documents once."""

from __future__ import annotations

import json
import logging
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prefect import task
from prefect.runtime import flow_run

from domain.documents.extraction import EXTRACTOR_VERSION
from domain.errors import InputError
from domain.kinds import Role
from infra import catalog as records
from infra.catalog import FileOutcome, Outcome, ReadFile, RefusedFile
from infra.readers import Read, ReaderPool, reader_pool
from infra.texts import put_extractions
from tasks.carrying import carried, unpacked
from tasks.materials import FileChunk, Wanted, kind_of, material_of
from tasks.outcome import Ingested
from tasks.policy import RETRIED
from tasks.progress import progress
from tasks.student_files import Unit, found_unit, grouped, results_of, split_known, units_of
from tasks.workplace import Workplace, workplace

log = logging.getLogger(__name__)

_LOOKED_AT = 8
_SHARES = 16
_LEAST_SHARED = 25


@task(task_run_name="find {role} files", **RETRIED)
def find_files(role: str, path: str, wanted: Wanted) -> list[FileChunk]:
    """What is at `path`, in chunks. Raises InputError where nothing is."""
    return carried(material_of(kind_of([Role(role)])).find(workplace(), Role(role), path, wanted))


@task(task_run_name="ingest {chunk[role]} files", tags=["reads-files"], **RETRIED)
def ingest_files(chunk: FileChunk) -> Ingested:
    """Reads a chunk, each content once; says what was new, known, a duplicate or refused."""
    with unpacked(chunk) as here:
        return material_of(kind_of([Role(chunk["role"])])).ingest(workplace(), here)


def find_documents(role: str, path: str) -> list[FileChunk]:
    """The files below `path` (or the file itself) in chunks. Hidden files and links are left out.

    Raises InputError when `path` does not exist or holds no file.
    """
    root = Path(path).expanduser().resolve()
    if root.is_file():
        names, root = [root.name], root.parent
    elif root.is_dir():
        names = sorted(_files_below(root))
    else:
        raise InputError(f"{path} does not exist: give the {role} folder or file as a path that exists")
    if not names:
        raise InputError(f"{path} has no files: put the {role} files into it, or give another folder")
    _warm_up_readers(role, root, names)
    units = grouped(role, root, names)
    size = _chunk_size(len(units))
    if len(units) < len(names):
        log.info("%d %s files are %d documents: folders are students'", len(names), role, len(units))
    return [
        FileChunk(role=role, root=str(root), names=json.dumps(units[i : i + size]), n_total=len(units))
        for i in range(0, len(units), size)
    ]


def _chunk_size(n_files: int) -> int:
    """The setting's, but larger where a flow run would otherwise have more than 40 chunks.

    Smaller where workers share them: a chunk is the least that one of them gets.
    """
    settings = workplace().settings
    shared = max(_LEAST_SHARED, -(-n_files // _SHARES)) if settings.task_runner == "dask" else n_files
    return max(1, min(settings.chunk_size, shared), -(-n_files // 40))


def _files_below(root: Path) -> Iterator[str]:
    """Names relative to `root`, in no order."""
    folders = [""]
    while folders:
        folder = folders.pop()
        # Not Path's methods: an entry knows what it is, and asking again costs more than reading does.
        for entry in _entries(root / folder):
            name = f"{folder}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                folders.append(f"{name}/")
            elif not entry.is_symlink():
                yield name
            elif not entry.is_dir():
                log.warning("%s is a link and is left out: copy the file itself into the folder", entry.path)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What is not hidden in a folder."""
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".")]
    except PermissionError:
        log.warning("%s may not be opened and is left out: give yourself the right to read it", folder)
        return []


def _readers(place: Workplace) -> ReaderPool:
    settings = place.settings
    return reader_pool(settings.workers, settings.reader_seconds, settings.reader_memory_mb << 20)


def _warm_up_readers(role: str, root: Path, names: list[str]) -> None:
    """Starts the readers early where a look at a few files finds one that is new."""
    place = workplace()
    files = [found_unit(root, [name]).found for name in names[:: -(-len(names) // _LOOKED_AT)]]
    known = records.known_files(place.catalog, place.settings.owner, Role(role), EXTRACTOR_VERSION, files)
    # Under Dask it is the workers that read.
    if len(known) < len(files) and place.settings.task_runner == "threads":
        _readers(place).warm_up()


def ingest_documents(chunk: FileChunk) -> Ingested:
    """Records each file of a chunk as a new document, a duplicate of one, or rejected with a reason."""
    place = workplace()
    role, root = Role(chunk["role"]), Path(chunk["root"])
    units = units_of(chunk["names"], root)
    files = [file for unit in units for file in dict.fromkeys((unit.found, *unit.parts))]
    seen_before = records.known_files(place.catalog, place.settings.owner, role, EXTRACTOR_VERSION, files)
    known, fresh = split_known(units, seen_before)
    outcomes: list[FileOutcome] = []
    n_read = 0
    if fresh:
        seen = progress(str(flow_run.id), f"reading {role.value} files", chunk["n_total"])
        seen.advance(len(known))
        outcomes, n_read = _record(place, role, root, fresh, seen.advance)
    else:
        log.info("%s files: all %d are known already, none was read", role.value, len(units))
    return _summary(role, [*known, *outcomes], n_known=len(known), n_read=n_read)


def _record(
    place: Workplace, role: Role, root: Path, units: list[Unit], advance: Any
) -> tuple[list[FileOutcome], int]:
    """Reads what no earlier run has read, then records all `units` in one transaction."""
    have = records.known_extractions(place.catalog, EXTRACTOR_VERSION, [u.found.sha256 for u in units])
    # Of equal files the first is read, whatever the others are called.
    unread = {u.found.sha256: u for u in reversed(units) if u.found.sha256 not in have}
    advance(len(units) - len(unread))
    paths = [root / file.name for unit in unread.values() for file in unit.files]
    results = results_of(list(unread.values()), _readers(place).read_all(paths, each=advance))
    read = {r.file.sha256: r.outcome for r in results if isinstance(r.outcome, Read)}
    refused = [
        RefusedFile(r.file.sha256, _without_path(r.outcome.reason, root / r.file.name))
        for r in results
        if not isinstance(r.outcome, Read)
    ]
    refs = put_extractions(place.store, [r.extraction for r in read.values()])
    kept = [
        ReadFile.of(sha, r.extraction, ref, r.signature, r.text_sha256)
        for (sha, r), ref in zip(read.items(), refs, strict=True)
    ]
    # A folder that holds several students' papers is none of theirs, and its files are recorded themselves.
    whole = {r.file.sha256 for r in results} | have
    files = [f for u in units for f in ((u.found,) if u.found.sha256 in whole else u.parts)]
    outcomes = records.record_files(
        place.catalog, place.settings.owner, role, EXTRACTOR_VERSION, files, kept, refused
    )
    return outcomes, len(unread)


def _without_path(reason: str, path: Path) -> str:
    """The reason alone: it is kept by content, and the same content may turn up under another name."""
    return reason.removeprefix(f"{path}: ").replace(str(path), path.name)


def _summary(role: Role, outcomes: list[FileOutcome], *, n_known: int, n_read: int) -> Ingested:
    return Ingested(
        role=role.value,
        n_files=len(outcomes),
        n_new=sum(o.outcome is Outcome.DOCUMENT and not o.known for o in outcomes),
        n_known=n_known,
        n_read=n_read,
        document_ids=sorted({o.document_id for o in outcomes if o.document_id}),
        duplicates=[{"name": o.name, "equals": o.equals} for o in outcomes if o.outcome is Outcome.DUPLICATE],
        rejected=[{"name": o.name, "reason": o.reason} for o in outcomes if o.outcome is Outcome.REJECTED],
        skipped={},
    )


def merged(parts: list[Ingested]) -> Ingested:
    """The chunks of one role as one."""
    return Ingested(
        role=parts[0]["role"],
        n_files=sum(part["n_files"] for part in parts),
        n_new=sum(part["n_new"] for part in parts),
        n_known=sum(part["n_known"] for part in parts),
        n_read=sum(part["n_read"] for part in parts),
        document_ids=sorted({i for part in parts for i in part["document_ids"]}),
        duplicates=[d for part in parts for d in part["duplicates"]],
        rejected=[r for part in parts for r in part["rejected"]],
        skipped=dict(sum((Counter(part["skipped"]) for part in parts), Counter())),
    )
