"""Tar archives as a list of places, and compressed ones made plain first, so that any member can be reached.

Source: POSIX.1-2008 `pax`, as the standard library's tarfile reads it.
"""

from __future__ import annotations

import bz2
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from domain.errors import InputError
from domain.vision.records import STORED, ArchiveLimits, Member, Refusal
from domain.vision.zip_archives import check_unpacked

_BLOCK_BYTES = 1 << 20
_LZMA_BYTES = 512 << 20
"""Memory that unpacking .xz may take; the densest ordinary setting needs 65 MB."""
_MAGIC = ((b"\x1f\x8b", "gz"), (b"BZh", "bz2"), (b"\xfd7zXZ\x00", "xz"))


def members(path: Path, limits: ArchiveLimits) -> Iterator[Member | Refusal]:
    """Every file in a plain tar archive in its order; folders are left out.

    Raises InputError for a damaged archive and for more than `limits` allow.
    """
    state, n_members = path.stat(), 0
    try:
        with tarfile.open(path, "r:") as archive:
            for info in archive:
                # Tarfile keeps them all, which is gigabytes for millions.
                archive.members = []  # type: ignore[attr-defined]
                n_members += 1
                if n_members > limits.most_members:
                    raise InputError(
                        f"{path.name} has more than the {limits.most_members:,} members allowed: split it"
                    )
                if info.offset_data + info.size > state.st_size and info.isreg():
                    raise InputError(f"{path.name} is cut off: copy or download it again")
                if not info.isdir():
                    yield _judged(info, state.st_mtime_ns)
    # tarfile raises ValueError and more for headers made by hand.
    except (tarfile.TarError, ValueError, OSError, EOFError) as error:
        raise InputError(f"{path.name} is damaged ({error}): copy or download it again") from error


def _judged(info: tarfile.TarInfo, changed_ns: int) -> Member | Refusal:
    if info.issym() or info.islnk():
        return Refusal(info.name, "it is a link: pack the file itself")
    if not info.isreg() or info.issparse():
        return Refusal(info.name, "it is no ordinary file: pack the file itself")
    return Member(info.name, info.offset_data, info.size, info.size, STORED, changed_ns=changed_ns)


def content(file: BinaryIO, member: Member) -> bytes:
    """A member's bytes. Raises InputError (the reason alone) where the archive ends before them."""
    file.seek(member.offset)
    read = file.read(member.size_bytes)
    if len(read) != member.size_bytes:
        raise InputError("it is cut off in the archive: copy or download the archive again")
    return read


def compression(path: Path) -> str:
    """ "gz", "bz2" or "xz" by a file's first bytes; "" for another file."""
    with path.open("rb") as file:
        start = file.read(6)
    return next((name for magic, name in _MAGIC if start.startswith(magic)), "")


def unpack(path: Path, target: Path, limits: ArchiveLimits, each: Callable[[int], object]) -> None:
    """Writes a compressed archive's plain form to `target`; `each` is told the bytes read, block by block.

    Raises InputError for damage and for more than `limits` allow, with `target` unfinished.
    """
    unpacked = read = 0

    def blocks() -> Iterator[bytes]:
        nonlocal read
        while block := source.read(_BLOCK_BYTES):
            read += len(block)
            each(len(block))
            yield block

    try:
        with path.open("rb") as source, target.open("wb") as sink:
            for piece in _unpacked(compression(path), blocks()):
                unpacked += len(piece)
                check_unpacked(path.name, unpacked, read, limits)
                sink.write(piece)
    except (zlib.error, lzma.LZMAError, EOFError, ValueError, OSError) as error:
        raise InputError(f"{path.name} is damaged ({error}): copy or download it again") from error


def _unpacked(kind: str, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Pieces of a block at most; several streams in a row are one file. Raises EOFError for one cut off."""
    unpacker, inside = _unpacker(kind), False
    for block in blocks:
        waiting, piece = block, b""
        while waiting or len(piece) == _BLOCK_BYTES:
            piece = unpacker.decompress(waiting, _BLOCK_BYTES)
            inside = not unpacker.eof
            yield piece
            if unpacker.eof:
                waiting, piece = unpacker.unused_data.lstrip(b"\0"), b""
                unpacker = _unpacker(kind)
            else:
                # The others than gzip keep what they were given and go on with it.
                waiting = unpacker.unconsumed_tail if kind == "gz" else b""
    if inside:
        raise EOFError("it is cut off")


def _unpacker(kind: str) -> Any:
    if kind == "gz":
        return zlib.decompressobj(31)
    return bz2.BZ2Decompressor() if kind == "bz2" else lzma.LZMADecompressor(memlimit=_LZMA_BYTES)
