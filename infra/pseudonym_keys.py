"""The key file: the secret that pseudonyms are made with, and the only place that knows whose they are.

JSON, `{"version": 1, "secret": hexadecimal, "names": {pseudonym: [name, ...]}}`, for its owner's eyes alone.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from domain.errors import InputError, OutsideError
from domain.grading.pseudonyms import canonical, code

_SECRET_BYTES = 32
_LONGEST = 64
"""Digits of the whole HMAC."""


@dataclass
class Key:
    """A secret and the names behind its pseudonyms, the one that stands for the student first."""

    secret: bytes = field(repr=False)
    names: dict[str, list[str]] = field(repr=False)

    def pseudonym(self, kind: str, identity: str) -> str:
        """The pseudonym of an identity, made known here. Longer than others in the rare case that two
        identities have the same first digits."""
        for digits in range(8, _LONGEST + 1, 4):
            found = code(self.secret, kind, identity, digits)
            behind = self.names.setdefault(found, [identity])
            if canonical(behind[0]) == canonical(identity):
                return found
        raise InputError(f"no pseudonym is left for another {kind}: use a new key file")

    def also(self, pseudonym: str, name: str) -> None:
        """Remembers another name of the one behind a pseudonym."""
        behind = self.names[pseudonym]
        if canonical(name) not in {canonical(one) for one in behind}:
            behind.append(name)


@contextmanager
def key_in(path: Path, home: Path) -> Iterator[Key]:
    """The key in the file at `path`, made if it is missing; what was added is written at the end.

    Two processes take turns. Raises InputError for a file that others may read, that is no key file,
    or that lies in `home`, whose copies would carry the names along.
    """
    path = path.expanduser().absolute()
    if path.resolve().is_relative_to(home.resolve()):
        raise InputError(f"{path} lies in TRAINYARD_HOME: keep the key file elsewhere, apart from the data")
    with _turn(path.parent):
        key = read_key(path) if path.exists() else Key(secrets.token_bytes(_SECRET_BYTES), {})
        before = {pseudonym: list(names) for pseudonym, names in key.names.items()}
        yield key
        if key.names != before or not path.exists():
            _write(path, key)


def read_key(path: Path) -> Key:
    """The key in a file. Raises InputError as `key_in`, also where there is no file."""
    path = path.expanduser()
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError as error:
        raise InputError(
            f"the key file {path} cannot be opened ({error.strerror}): check the path"
        ) from error
    with os.fdopen(descriptor, "rb") as file:
        mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
        if mode & 0o077:
            raise InputError(
                f"the key file {path} may be read by others (mode {mode:04o}): run chmod 600 on it, and "
                "take a new one if somebody has read it"
            )
        content = file.read()
    try:
        return _parsed(json.loads(content))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path} is no key file of Trainyard: give another path, a key file is made where there is none"
        ) from error


def _parsed(fields: Mapping[str, Any]) -> Key:
    secret = bytes.fromhex(fields["secret"])
    if fields["version"] != 1 or len(secret) < _SECRET_BYTES:
        raise ValueError
    return Key(secret, {str(p): [str(name) for name in names] for p, names in fields["names"].items()})


def _write(path: Path, key: Key) -> None:
    """Whole or not at all, and never readable by others, not even while it is written."""
    fields = {"version": 1, "secret": key.secret.hex(), "names": dict(sorted(key.names.items()))}
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(fields, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise OutsideError(
            f"the key file {path} cannot be written ({error.strerror}): check its folder"
        ) from error


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise InputError(
            f"{folder} cannot be opened ({error.strerror}): make the key file's folder first"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
