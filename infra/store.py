"""The store: bytes by their content's hash, in a folder or behind any fsspec URL (S3, GCS, Azure).

A *key* is the SHA-256 of an object. A *reference* is a key, or `key#offset+length` for a part of a
*pack*: many small contents in one object, because a file each would cost more than the contents.
What is read is verified; what is written appears whole or not at all.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from domain.errors import FullError, InputError, OutsideError, SettingError
from domain.identity import hash_bytes, hash_file
from infra.full_disks import is_full

_REFERENCE = re.compile(r"(?P<key>[0-9a-f]{64})(#(?P<offset>\d+)\+(?P<length>\d+))?")
_KEY = re.compile(r"[0-9a-f]{64}")
_STALE_SECONDS = 86_400
_BUCKETS = {"s3", "gs", "gcs", "az", "abfs", "oss"}
"""Protocols of fsspec that know no folders."""


class _Shelf(Protocol):
    """Where objects lie. Reading verifies nothing; writing is atomic."""

    place: str

    def local(self, key: str, *, again: bool = False) -> Path:
        """A file on this machine with the object, fetched anew if `again`. Raises FileNotFoundError."""

    def write(self, key: str, content: bytes | Path) -> None: ...
    def take(self, key: str, path: Path) -> None:
        """As `write`, but the file is gone afterwards; moved where that can be."""

    def has(self, key: str) -> bool: ...
    def delete(self, key: str) -> None: ...
    def drop_copy(self, key: str) -> None: ...
    def keys(self) -> Iterator[str]: ...


class Store:
    """See the module's docstring. Threads and processes may share one place."""

    def __init__(self, shelf: _Shelf) -> None:
        self._shelf = shelf
        self._verified: dict[str, tuple[int, int]] = {}

    @staticmethod
    def open(url: str, *, cache: Path | None = None) -> Store:
        """The store at a folder or an fsspec URL; `cache` is the folder for local copies of remote objects.

        Raises SettingError for a URL that nothing serves, OutsideError when the place cannot be used.
        """
        if "://" not in url or url.startswith("file://"):
            return Store(_Folder(Path(url.removeprefix("file://")).expanduser()))
        return Store(_Remote(url, cache or Path(tempfile.gettempdir()) / "trainyard-store"))

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
        with _explained(self.place, key):
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
        with _explained(self.place, key):
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
        with _explained(self.place, ref):
            return self._shelf.has(_parse(ref).key)

    def delete(self, key: str) -> None:
        """Removes an object; nothing happens when it is not there."""
        with _explained(self.place, key):
            self._verified.pop(key, None)
            self._shelf.delete(_parse(key).key)

    def drop_copy(self, key: str) -> None:
        """Removes this machine's copy of an object that lies elsewhere; the object stays."""
        with _explained(self.place, key):
            self._verified.pop(key, None)
            self._shelf.drop_copy(_parse(key).key)

    def keys(self) -> list[str]:
        """The keys of all objects, in order; what others write meanwhile may be among them or not."""
        with _explained(self.place, ""):
            return sorted(key for key in self._shelf.keys() if _KEY.fullmatch(key))  # noqa: SIM118

    def _put(self, key: str, content: bytes | Path) -> str:
        with _explained(self.place, key):
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


@contextmanager
def _explained(place: str, ref: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(
            f"{ref} is not in the store {place}: restore it from a copy, or check TRAINYARD_STORE_URL"
        ) from error
    except OSError as error:
        kind = FullError if is_full(error) else OutsideError
        raise kind(
            f"The store {place} cannot be used ({error.strerror or error}): make room or give access there, "
            "or set TRAINYARD_STORE_URL"
        ) from error


class _Folder:
    """Objects as files: written aside, synced, renamed."""

    def __init__(self, root: Path) -> None:
        self.place = str(root)
        self._root = root
        self._aside = root / "unfinished"
        with _explained(self.place, ""):
            self._aside.mkdir(parents=True, exist_ok=True)
            self._sweep()

    def _path(self, key: str) -> Path:
        return self._root / key[:2] / key

    def local(self, key: str, *, again: bool = False) -> Path:  # noqa: ARG002
        return self._path(key)

    def unfinished(self, key: str) -> Path:
        """A name beside the objects, under which a new one can come to be."""
        return self._aside / f"{key[:16]}-{uuid.uuid4().hex}"

    def has(self, key: str) -> bool:
        return self._path(key).exists()

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def drop_copy(self, key: str) -> None:
        """There is none: the object itself is on this machine."""

    def keys(self) -> Iterator[str]:
        return (path.name for path in self._root.glob("??/*"))

    def write(self, key: str, content: bytes | Path) -> None:
        target, unfinished = self._path(key), self.unfinished(key)
        target.parent.mkdir(exist_ok=True)
        try:
            with unfinished.open("wb") as file:
                if isinstance(content, Path):
                    with content.open("rb") as source:
                        shutil.copyfileobj(source, file, 1 << 20)
                else:
                    file.write(content)
                file.flush()
                # Without it, a power cut can leave a name that leads to an empty file.
                os.fsync(file.fileno())
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)

    def take(self, key: str, path: Path) -> None:
        target = self._path(key)
        target.parent.mkdir(exist_ok=True)
        with path.open("rb") as file:
            os.fsync(file.fileno())
        try:
            path.replace(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            self.write(key, path)
            path.unlink()

    def _sweep(self) -> None:
        """Removes what killed processes left unfinished a day or more ago."""
        for path in self._aside.iterdir():
            try:
                if path.stat().st_mtime < time.time() - _STALE_SECONDS:
                    path.unlink()
            except FileNotFoundError:
                continue  # its writer finished just now


class _Remote:
    """Objects behind fsspec, with copies in a local folder."""

    def __init__(self, url: str, cache: Path) -> None:
        self.place = url
        self._copies = _Folder(cache)
        try:
            import fsspec

            self._system: Any
            self._system, self._root = fsspec.core.url_to_fs(url)
            # "Folders" would be made there with the bucket itself, also where its name is misspelt.
            self._is_bucket = bool(_BUCKETS & set(_protocols(self._system)))
        except ImportError as error:
            raise SettingError(
                f"TRAINYARD_STORE_URL is {url}, which needs a package that is not installed: {error}"
            ) from error
        except ValueError as error:
            raise SettingError(
                f"TRAINYARD_STORE_URL is {url}, which no file system serves ({error}): use a folder, or a "
                "URL such as s3://bucket/path"
            ) from error

    def _path(self, key: str) -> str:
        return f"{self._root.rstrip('/')}/{key[:2]}/{key}"

    def local(self, key: str, *, again: bool = False) -> Path:
        if again or not self._copies.has(key):
            # By way of a file: decoded pictures are larger than memory.
            arriving = self._copies.unfinished(key)
            try:
                with _answering(self.place):
                    self._system.get_file(self._path(key), str(arriving))
                self._copies.take(key, arriving)
            finally:
                arriving.unlink(missing_ok=True)
        return self._copies.local(key)

    def has(self, key: str) -> bool:
        with _answering(self.place):
            return bool(self._system.exists(self._path(key)))

    def drop_copy(self, key: str) -> None:
        self._copies.delete(key)

    def delete(self, key: str) -> None:
        self._copies.delete(key)
        with _answering(self.place):
            if self._system.exists(self._path(key)):
                self._system.rm_file(self._path(key))

    def keys(self) -> Iterator[str]:
        with _answering(self.place):
            found = self._system.find(self._root) if self._system.exists(self._root) else []
        return (str(path).rpartition("/")[2] for path in found)

    def write(self, key: str, content: bytes | Path) -> None:
        try:
            with _answering(self.place):
                if not self._is_bucket:
                    self._system.makedirs(self._path(key).rpartition("/")[0], exist_ok=True)
                if isinstance(content, Path):
                    self._system.put_file(str(content), self._path(key))
                else:
                    self._system.pipe_file(self._path(key), content)
        except FileNotFoundError as error:
            raise SettingError(
                f"TRAINYARD_STORE_URL is {self.place}, which is not there ({error}): make the bucket, or "
                "correct the URL"
            ) from error

    def take(self, key: str, path: Path) -> None:
        self.write(key, path)
        # It will be wanted here first.
        self._copies.take(key, path)


def _protocols(system: Any) -> tuple[str, ...]:
    told = system.protocol
    return (told,) if isinstance(told, str) else tuple(told)


@contextmanager
def _answering(place: str) -> Iterator[None]:
    """Each provider's library has its own errors; all of them mean that the store did not serve."""
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:
        raise OutsideError(
            f"The store {place} did not answer ({type(error).__name__}: {error}): check the network, the "
            "credentials and TRAINYARD_STORE_URL"
        ) from error
