"""Where the store's objects lie: files in a folder, or objects behind any fsspec URL (S3, GCS, Azure)."""

from __future__ import annotations

import errno
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from domain.errors import FullError, InputError, OutsideError, SettingError
from infra.full_disks import is_full

_STALE_SECONDS = 86_400
_BUCKETS = {"s3", "gs", "gcs", "az", "abfs", "oss"}
"""Protocols of fsspec that know no folders."""


class Shelf(Protocol):
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


class FolderShelf:
    """Objects as files: written aside, synced, renamed."""

    def __init__(self, root: Path) -> None:
        self.place = str(root)
        self._root = root
        self._aside = root / "unfinished"
        with explained(self.place, ""):
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


class RemoteShelf:
    """Objects behind fsspec, with copies in a local folder."""

    def __init__(self, url: str, cache: Path) -> None:
        self.place = url
        self._copies = FolderShelf(cache)
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


@contextmanager
def explained(place: str, ref: str) -> Iterator[None]:
    """Raises InputError for an object that is not there, OutsideError for a place that fails, FullError for a
    full one."""
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
