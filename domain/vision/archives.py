"""Archives of pictures: a ZIP, a tar, a folder, or a CSV of paths and labels, listed and read in place.

Listing says of every member what it is: a `Member` that may be a picture, `Skipped` litter, or a `Refusal`.
Nothing is unpacked to disk (a compressed tar apart), so no name in an archive can name a file of ours.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from domain.errors import InputError
from domain.vision import tar_archives, zip_archives
from domain.vision.label_tables import table_members
from domain.vision.member_names import litter, objection, other_file, plain
from domain.vision.records import FILE, ArchiveLimits, Listed, Member, Refusal, Skipped

USABLE = "give a folder, a ZIP or tar archive, or a CSV of paths and labels"
_OTHERS = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
    b"\x28\xb5\x2f\xfd": "zstd",
}


class Form(StrEnum):
    FOLDER = "folder"
    TABLE = "table"
    ZIP = "zip"
    TAR = "tar"
    PACKED_TAR = "packed tar"
    """To be unpacked by `tar_archives.unpack` first."""


def form_of(path: Path) -> Form:
    """What `path` is, by its content. Raises InputError for what is none of these."""
    if path.is_dir():
        return Form.FOLDER
    if not path.is_file():
        raise InputError(f"{path} does not exist: {USABLE}")
    with path.open("rb") as file:
        start = file.read(512)
    if path.suffix.lower() in (".csv", ".tsv"):
        return Form.TABLE
    if start.startswith((b"PK\3\4", b"PK\5\6")) or path.suffix.lower() == ".zip":
        return Form.ZIP
    if start[257:262] == b"ustar":
        return Form.TAR
    if tar_archives.compression(path):
        return Form.PACKED_TAR
    what = next(
        (name for magic, name in _OTHERS.items() if start.startswith(magic)), "no archive of pictures"
    )
    raise InputError(f"{path.name} is {what}: {USABLE}")


def listing(path: Path, limits: ArchiveLimits) -> Iterator[Listed]:
    """What is in the archive, in its order. Raises InputError for an archive that is refused as a whole."""
    form = form_of(path)
    if form is Form.PACKED_TAR:
        raise InputError(f"{path.name} has to be unpacked to a plain tar first")
    if form is Form.TABLE:
        found: Iterator[Member | Refusal] = table_members(path, limits)
    elif form is Form.FOLDER:
        found = _files_below(path, limits)
    else:
        found = (zip_archives if form is Form.ZIP else tar_archives).members(path, limits)
    seen: set[bytes] = set()
    for one in found:
        judged = _judged(one, limits)
        if isinstance(judged, Member):
            # Two members of one name are two pictures in one place: which of them is meant is unknown.
            name = judged.name.encode("utf-8", "replace")
            if name in seen:
                judged = Refusal(judged.name, "another member has the same name: rename one and pack again")
            seen.add(name)
        yield judged


def _judged(one: Member | Refusal, limits: ArchiveLimits) -> Listed:
    name = plain(one.name)
    if what := litter(name):
        return Skipped(name, what)
    if why := objection(name):
        return Refusal(shown(name), why)
    if what := other_file(name):
        return Skipped(name, what)
    if isinstance(one, Refusal):
        return Refusal(shown(name), one.reason)
    if one.size_bytes == 0:
        return Refusal(name, "it is empty: copy the picture anew")
    if one.size_bytes > limits.most_member_bytes:
        return Refusal(
            name,
            f"it has {one.size_bytes / 1e6:,.0f} MB, more than the {limits.most_member_bytes / 1e6:,.0f} "
            "allowed: make the picture smaller",
        )
    # A file of its own is opened by its name as it is.
    return one if one.method == FILE else replace(one, name=name)


def shown(name: str) -> str:
    """A name that is safe to print and to keep."""
    return "".join(c if c.isprintable() else "�" for c in name)[:200]


def _files_below(root: Path, limits: ArchiveLimits) -> Iterator[Member | Refusal]:
    """Files below a folder, sorted within each; links are told and not followed."""
    n_files = 0
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(root / folder) as scanned:
                entries = sorted(scanned, key=lambda entry: entry.name)
        except PermissionError:
            yield Refusal(folder, "it may not be opened: give yourself the right to read it")
            continue
        below = []
        for entry in entries:
            name = f"{folder}{entry.name}"
            if entry.is_symlink():
                yield Refusal(name, "it is a link: copy the file itself into the folder")
            elif entry.is_dir(follow_symlinks=False):
                below.append(f"{name}/")
            elif entry.is_file(follow_symlinks=False):
                n_files += 1
                if n_files > limits.most_members:
                    raise InputError(
                        f"{root} has more than the {limits.most_members:,} files allowed: split it"
                    )
                state = entry.stat(follow_symlinks=False)
                yield Member(name, size_bytes=state.st_size, changed_ns=state.st_mtime_ns)
            else:
                yield Refusal(name, "it is no ordinary file: remove it from the folder")
        folders += reversed(below)


class Opened:
    """An archive whose members are read in any order; one a process, see `read`."""

    def __init__(self, path: Path) -> None:
        form = form_of(path)
        self.path = path
        self._file: BinaryIO | None = None if form in (Form.FOLDER, Form.TABLE) else path.open("rb")
        self._content = zip_archives.content if form is Form.ZIP else tar_archives.content
        self._root = path.parent if form is Form.TABLE else path

    def read(self, member: Member) -> bytes:
        """A member's bytes. Raises InputError with the reason alone."""
        if self._file is not None:
            return self._content(self._file, member)
        try:
            # A link that took the file's place since it was listed is not followed.
            number = os.open(self._root / member.name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
            with os.fdopen(number, "rb") as file:
                return file.read(member.size_bytes + 1)
        except OSError as error:
            raise InputError(f"it cannot be read ({error.strerror}): put it back") from error

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
