"""Files for workers on other hosts: carried through the store, where these do not see the folder themselves.

What is carried lies in the store while its flow run needs it, and on a worker while its task does.
"""

from __future__ import annotations

import json
import logging
import shutil
import tarfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from domain.errors import InputError, TrainyardError
from domain.kinds import Role
from domain.vision.archives import Form, form_of
from domain.vision.listings import placed_in
from infra import catalog as records
from infra.catalog import TensorRow
from tasks.materials import FileChunk
from tasks.pictures import aside
from tasks.workplace import Workplace, workplace

log = logging.getLogger(__name__)


def carried(chunks: list[FileChunk]) -> list[FileChunk]:
    """The chunks as the workers need them: with their files in the store where they are sent there."""
    place = workplace()
    if not place.settings.sends_files:
        return chunks
    archives: dict[str, str] = {}
    return [_carried(place, chunk, archives) for chunk in chunks]


def _carried(place: Workplace, chunk: FileChunk, archives: dict[str, str]) -> FileChunk:
    """`archives` are the keys of those that were put there for earlier chunks."""
    root, names = Path(chunk["root"]), json.loads(chunk["names"])
    if chunk["role"] != Role.IMAGES:
        files = [name for unit in names for name in unit if not name.endswith("/")]
        return FileChunk(**{**chunk, "pack": _pack(place, root, files)})
    if (form := form_of(root)) not in (Form.FOLDER, Form.TABLE):
        if chunk["root"] not in archives:
            archives[chunk["root"]] = place.store.put_file(root)
        return FileChunk(**{**chunk, "archive": archives[chunk["root"]]})
    tensor = records.find_tensor(place.catalog, names["tensor"])
    if _is_decoded(place, tensor, names):
        return chunk
    listing = place.store.get_bytes(tensor.listing_key).decode()
    files = [one.member.name for one in placed_in(listing, names["start"], names["stop"])]
    if form is Form.TABLE:
        return FileChunk(**{**chunk, "pack": _pack(place, root.parent, [root.name, *files])})
    return FileChunk(**{**chunk, "pack": _pack(place, root, files)})


def _is_decoded(place: Workplace, tensor: TensorRow, names: dict[str, int]) -> bool:
    done = {part.start: part.stop for part in records.find_parts(place.catalog, tensor.id)}
    return tensor.is_whole or done.get(names["start"]) == names["stop"]


def _pack(place: Workplace, root: Path, names: Iterable[str]) -> str:
    """The key of a tar of the files. No two are equal: a run that is done takes only its own away."""
    with aside(place) as path:
        with tarfile.open(path, "w", pax_headers={"comment": uuid.uuid4().hex}) as pack:
            for name in names:
                pack.add(root / name, name, recursive=False)
        return place.store.take_file(path)


def _unpack(source: Path, folder: Path) -> None:
    """The files of a pack, and nothing else that a tar holds. Python has filters for it from 3.11.4 on."""
    with tarfile.open(source) as pack:
        for member in pack:
            path = (folder / member.name).resolve()
            if not member.isreg() or not path.is_relative_to(folder.resolve()):
                raise InputError(
                    f"{member.name} was sent as what no file of material is: start the run again"
                )
            path.parent.mkdir(parents=True, exist_ok=True)
            held = pack.extractfile(member)
            assert held is not None  # of a regular file
            with held, path.open("wb") as file:
                shutil.copyfileobj(held, file)


def released(chunks: Iterable[FileChunk]) -> None:
    """Takes what was carried out of the store again; where that fails it stays, which harms nobody."""
    for key in {chunk.get(way, "") for chunk in chunks for way in ("pack", "archive")} - {""}:
        with suppress(TrainyardError):
            workplace().store.delete(str(key))


@contextmanager
def unpacked(chunk: FileChunk) -> Iterator[FileChunk]:
    """The chunk with its files on this machine, for the length of a `with` block.

    Raises InputError when they are not in this worker's store.
    """
    if not (key := chunk.get("pack") or chunk.get("archive")):
        yield chunk
        return
    place = workplace()
    folder = place.settings.home / "scratch" / f"carried-{uuid.uuid4().hex}"
    folder.mkdir(parents=True)
    try:
        source = place.store.local_path(key)
        size_bytes = source.stat().st_size
        # Under its own name, which may be that of its student.
        root = folder / (Path(chunk["root"]).name or "files")
        if "archive" in chunk:
            root.symlink_to(source.resolve())
        else:
            is_table = chunk["role"] == Role.IMAGES and root.suffix.lower() in (".csv", ".tsv")
            _unpack(source, folder if is_table else root)
            place.store.drop_copy(key)
        log.info("%s files were sent here: %.1f MB", chunk["role"], size_bytes / 1e6)
        yield FileChunk(**{**chunk, "root": str(root)})
    finally:
        shutil.rmtree(folder, ignore_errors=True)
