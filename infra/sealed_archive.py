"""A tar whose every part has a checksum: written whole or not at all, and read only after it was verified.

The last part, `manifest.json`, names all others with size and SHA-256 and says what they are; it has a
checksum of its own beside it. Nothing is ever extracted to a path that an archive names.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from domain.errors import InputError, OutsideError

MANIFEST, SEAL = "manifest.json", "manifest.sha256"
_CHUNK = 1 << 20
_IN_MEMORY_BYTES = 16_000_000
_MOST_MANIFEST_BYTES = 500_000_000


class Writer:
    """Parts are added one after another; see `writing`."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._parts: dict[str, dict[str, Any]] = {}

    def add_file(self, name: str, path: Path) -> None:
        """A file as it is now; one that shrinks while it is read raises OutsideError."""
        with path.open("rb") as source:
            self._add(name, source, path.stat().st_size)

    def add_lines(self, name: str, lines: Iterable[bytes]) -> int:
        """Lines, by way of a file where they are many; their number."""
        n = 0
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as spool:
            for line in lines:
                spool.write(line)
                n += 1
            size = spool.tell()
            spool.seek(0)
            self._add(name, spool, size)
        return n

    def _add(self, name: str, source: IO[bytes], size: int) -> None:
        hashing = _Hashing(source)
        header = tarfile.TarInfo(name)
        header.size = size
        try:
            self._tar.addfile(header, hashing)  # type: ignore[arg-type]
        except OSError as error:
            raise OutsideError(f"{name} could not be written to the backup ({error}): try again") from error
        self._parts[name] = {"size_bytes": size, "sha256": hashing.digest()}

    def seal(self, facts: dict[str, Any]) -> None:
        manifest = json.dumps({**facts, "parts": self._parts}, indent=1, sort_keys=True).encode()
        for name, content in ((MANIFEST, manifest), (SEAL, hashlib.sha256(manifest).hexdigest().encode())):
            header = tarfile.TarInfo(name)
            header.size = len(content)
            self._tar.addfile(header, io.BytesIO(content))

    @property
    def size_bytes(self) -> int:
        return sum(part["size_bytes"] for part in self._parts.values())


class _Hashing:
    def __init__(self, source: IO[bytes]) -> None:
        self._source, self._hash = source, hashlib.sha256()

    def read(self, size: int) -> bytes:
        block = self._source.read(size)
        self._hash.update(block)
        return block

    def digest(self) -> str:
        return self._hash.hexdigest()


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """A writer of an archive at `path`, which appears when the block ends well. Replaces nothing."""
    if path.exists():
        raise InputError(f"{path} is there already: name another file, or move it away")
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        # Readable by its owner alone: it holds students' texts.
        unfinished.touch(mode=0o600)
        with tarfile.open(unfinished, "w", format=tarfile.PAX_FORMAT) as tar:
            yield Writer(tar)
        unfinished.replace(path)
    except FileNotFoundError as error:
        raise InputError(f"{path} cannot be written ({error}): make its folder first") from error
    finally:
        unfinished.unlink(missing_ok=True)


class Reader:
    """A verified archive. `facts` is its manifest, `names` are its parts in order."""

    def __init__(self, tar: tarfile.TarFile, path: Path) -> None:
        self._tar, self._path = tar, path
        members: dict[str, tarfile.TarInfo] = {}
        for member in tar:
            if not member.isreg() or member.name in members:
                raise self._damaged(f"{member.name} is not one plain file")
            members[member.name] = member
        self._members = members
        manifest = self._small(MANIFEST)
        if hashlib.sha256(manifest).hexdigest() != self._small(SEAL).decode("ascii", "replace"):
            raise self._damaged(f"{MANIFEST} does not match its checksum")
        self.facts: dict[str, Any] = json.loads(manifest)
        self.names: list[str] = list(self.facts["parts"])
        for name, part in self.facts["parts"].items():
            self._verify(name, part)
        extra = set(members) - {MANIFEST, SEAL, *self.names}
        if extra:
            raise self._damaged(f"{min(extra)} is not in its manifest")

    def _verify(self, name: str, part: dict[str, Any]) -> None:
        member = self._members.get(name)
        if member is None:
            raise self._damaged(f"{name} is missing")
        hashing = _Hashing(self._open(member))
        while hashing.read(_CHUNK):
            pass
        if member.size != part["size_bytes"] or hashing.digest() != part["sha256"]:
            raise self._damaged(f"{name} does not match its checksum")

    def _small(self, name: str) -> bytes:
        member = self._members.get(name)
        if member is None or member.size > _MOST_MANIFEST_BYTES:
            raise self._damaged(f"{name} is missing: its end was cut off, or it is no backup")
        return self._open(member).read()

    def _open(self, member: tarfile.TarInfo) -> IO[bytes]:
        opened = self._tar.extractfile(member)
        if opened is None:
            raise self._damaged(f"{member.name} is not one plain file")
        return opened

    def lines(self, name: str) -> Iterator[bytes]:
        yield from self._open(self._members[name])

    def copy(self, name: str, target: Path) -> None:
        """Writes a part to `target`, which the caller chose."""
        target.parent.mkdir(parents=True, exist_ok=True)
        with self._open(self._members[name]) as source, target.open("wb") as file:
            while block := source.read(_CHUNK):
                file.write(block)

    def _damaged(self, what: str) -> InputError:
        return InputError(f"{self._path} is damaged: {what}. Nothing was restored; use another copy")


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """A reader of the archive at `path`, every part verified. InputError names what is damaged."""
    try:
        with tarfile.open(path, "r:") as tar:
            yield Reader(tar, path)
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist") from error
    except (tarfile.TarError, EOFError) as error:
        raise InputError(f"{path} is damaged or no backup ({error}). Nothing was restored") from error
