"""The store: bytes by their content's hash, in a folder or behind any fsspec URL (S3, GCS, Azure).

A *key* is the SHA-256 of an object. A *reference* is a key, or `key#offset+length` for a part of a
*pack*: many small contents in one object, because a file each would cost more than the contents.
What is read is verified; what is written appears whole or not at all.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.errors import InputError
from domain.identity import hash_bytes, hash_file
from infra.shelves import FolderShelf, RemoteShelf, Shelf, explained

_REFERENCE = re.compile(r"(?P<key>[0-9a-f]{64})(#(?P<offset>\d+)\+(?P<length>\d+))?")
_KEY = re.compile(r"[0-9a-f]{64}")


class Store:
    """See the module's docstring. Threads and processes may share one place."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._verified: dict[str, tuple[int, int]] = {}

    @staticmethod
    def open(url: str, *, cache: Path | None = None) -> Store:
        """The store at a folder or an fsspec URL; `cache` is the folder for local copies of remote objects.

        Raises SettingError for a URL that nothing serves, OutsideError when the place cannot be used.
        """
        if "://" not in url or url.startswith("file://"):
            return Store(FolderShelf(Path(url.removeprefix("file://")).expanduser()))
        return Store(RemoteShelf(url, cache or Path(tempfile.gettempdir()) / "trainyard-store"))

    @property
    def place(self) -> str:
        return self._shelf.place

    def put_bytes(self, content: bytes) -> str:
        """Keeps `content`; its key. Writing it again costs a look."""
        return self._put(hash_bytes(content), content)

    def put_file(self, path: Path) -> str:
        """Keeps a file's content without loading it; its key."""
        try:
            return self._put(hash_file(path), path)
        except FileNotFoundError as error:
            raise InputError(f"{path} does not exist: nothing was kept") from error

    def take_file(self, path: Path) -> str:
        """Keeps a file's content and removes the file; its key. What can be moved is not copied."""
        key = hash_file(path)
        with explained(self.place, key):
            if self._shelf.has(key) and self._is_sound(key):
                path.unlink()
            else:
                self._shelf.take(key, path)
        return key

    def _is_sound(self, key: str) -> bool:
        try:
            self.local_path(key)
        except InputError:
            return False
        return True

    def put_pack(self, contents: Sequence[bytes]) -> list[str]:
        """Keeps many small contents as one object; a reference to each, in order."""
        if not contents:
            return []
        key = self.put_bytes(b"".join(contents))
        refs, offset = [], 0
        for content in contents:
            refs.append(f"{key}#{offset}+{len(content)}")
            offset += len(content)
        return refs

    def get_bytes(self, ref: str) -> bytes:
        """The content of a key or reference. Raises InputError when it is missing or damaged."""
        part = _parse(ref)
        with self.local_path(part.key).open("rb") as file:
            if part.length is None:
                return file.read()
            file.seek(part.offset)
            content = file.read(part.length)
        if len(content) != part.length:
            raise InputError(f"{ref} reaches beyond the end of its pack in the store {self.place}")
        return content

    def local_path(self, key: str) -> Path:
        """A verified file with the object's content; not to be changed. Raises InputError as `get_bytes`."""
        _parse(key)
        with explained(self.place, key):
            path = self._shelf.local(key)
            if self._verified.get(key) != _state(path):
                path = self._sound(key, path)
                self._verified[key] = _state(path)
            return path

    def _sound(self, key: str, path: Path) -> Path:
        if hash_file(path) == key:
            return path
        path = self._shelf.local(key, again=True)
        if hash_file(path) == key:
            return path
        raise InputError(
            f"{key} is damaged in the store {self.place} ({path}): restore it from a copy, or delete it and "
            "run again what made it"
        )

    def has(self, ref: str) -> bool:
        """Whether the object is there; it is not verified."""
        with explained(self.place, ref):
            return self._shelf.has(_parse(ref).key)

    def delete(self, key: str) -> None:
        """Removes an object; nothing happens when it is not there."""
        with explained(self.place, key):
            self._verified.pop(key, None)
            self._shelf.delete(_parse(key).key)

    def drop_copy(self, key: str) -> None:
        """Removes this machine's copy of an object that lies elsewhere; the object stays."""
        with explained(self.place, key):
            self._verified.pop(key, None)
            self._shelf.drop_copy(_parse(key).key)

    def keys(self) -> list[str]:
        """The keys of all objects, in order; what others write meanwhile may be among them or not."""
        with explained(self.place, ""):
            return sorted(key for key in self._shelf.keys() if _KEY.fullmatch(key))  # noqa: SIM118

    def _put(self, key: str, content: bytes | Path) -> str:
        with explained(self.place, key):
            if self._shelf.has(key):
                if self._is_sound(key):
                    return key
                self._shelf.delete(key)  # damaged: what is at hand is better
            self._shelf.write(key, content)
            return key


def _state(path: Path) -> tuple[int, int]:
    """What changes when a file does."""
    status = path.stat()
    return status.st_mtime_ns, status.st_size


@dataclass(frozen=True)
class _Part:
    key: str
    offset: int
    length: int | None


def _parse(ref: str) -> _Part:
    match = _REFERENCE.fullmatch(ref)
    if match is None:
        raise InputError(f"{ref!r} is not a key of the store: it should be 64 hexadecimal digits")
    length = match["length"]
    return _Part(match["key"], int(match["offset"] or 0), None if length is None else int(length))
