"""ZIP archives as a list of places: read from the central directory, which is streamed, never unpacked.

Not zipfile: it holds half a kilobyte for each member, and before Python 3.11.14 reads overlapping members,
by which a few kilobytes become terabytes. Source: PKWARE's APPNOTE 6.3.10, sections 4.3 to 4.5.
"""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from domain.errors import InputError
from domain.vision.records import DEFLATED, STORED, ArchiveLimits, Member, Refusal

_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_LONGEST_COMMENT = 65_535
_ENCRYPTED, _UTF_8 = 0x1, 0x800
_WIDE = 0xFFFFFFFF
_BEYOND = 1 << 62
"""No file is as long, and numpy can still count it."""


@dataclass(frozen=True)
class _Directory:
    start: int
    size: int
    n_entries: int
    shift: int
    """Bytes before the archive itself: a program that unpacks it may stand there."""


@dataclass(frozen=True)
class _Entry:
    name: str
    flags: int
    member: Member
    mode: int
    """Of Unix, 0 where the archive does not say."""


def members(path: Path, limits: ArchiveLimits) -> Iterator[Member | Refusal]:
    """Every file in the archive, in the order of its directory; folders are left out.

    Raises InputError for what is no sound ZIP, for overlapping members and for more than `limits` allow.
    """
    with path.open("rb") as file:
        directory = _directory(file, path)
        _check(file, path, directory, limits)
        for entry in _entries(file, path, directory):
            if not entry.name.endswith("/"):
                yield _judged(entry)


def content(file: BinaryIO, member: Member) -> bytes:
    """A member's bytes, exactly as many as it says. Raises InputError (the reason alone) if it lies."""
    file.seek(member.offset)
    header = file.read(_LOCAL.size)
    if len(header) < _LOCAL.size or header[:4] != b"PK\3\4":
        raise InputError("its place in the archive holds something else: pack the folder again")
    n_name, n_extra = _LOCAL.unpack(header)[-2:]
    file.seek(n_name + n_extra, 1)
    packed = file.read(member.stored_bytes)
    # One byte more than it says, so that a bomb is noticed and never unpacked.
    unpacked = packed if member.method == STORED else _inflated(packed, member.size_bytes)
    if len(unpacked) != member.size_bytes or zlib.crc32(unpacked) != member.crc:
        raise InputError("it is damaged in the archive: pack the folder again")
    return unpacked


def _inflated(packed: bytes, size: int) -> bytes:
    try:
        return zlib.decompressobj(-15).decompress(packed, size + 1)
    except zlib.error as error:
        raise InputError(f"it is damaged in the archive ({error}): pack the folder again") from error


def _judged(entry: _Entry) -> Member | Refusal:
    member = entry.member
    if entry.mode and stat.S_IFMT(entry.mode) not in (0, stat.S_IFREG):
        what = "a link" if stat.S_ISLNK(entry.mode) else "no ordinary file"
        return Refusal(entry.name, f"it is {what}: pack the file itself")
    if entry.flags & _ENCRYPTED:
        return Refusal(entry.name, "it is encrypted: pack the folder again without a password")
    if member.method not in (STORED, DEFLATED):
        return Refusal(
            entry.name,
            f"it is packed by method {member.method}: pack the folder again by the usual one (deflate)",
        )
    return member


def _directory(file: BinaryIO, path: Path) -> _Directory:
    size = file.seek(0, 2)
    tail_at = max(0, size - _END.size - _LONGEST_COMMENT)
    file.seek(tail_at)
    tail = file.read()
    at = tail.rfind(b"PK\5\6")
    # A comment may hold the mark too; the real one's comment ends with the file.
    while at >= 0 and not (
        at + _END.size <= len(tail) and at + _END.size + _END.unpack_from(tail, at)[-1] == len(tail)
    ):
        at = tail.rfind(b"PK\5\6", 0, at)
    if at < 0:
        raise InputError(f"{path.name} is cut off or no ZIP archive: copy or download it again")
    _, disk, first_disk, _, n_entries, directory_size, start, _ = _END.unpack_from(tail, at)
    end = tail_at + at
    if n_entries == 0xFFFF or directory_size == _WIDE or start == _WIDE:
        end, disk, first_disk, n_entries, directory_size, start = _wide(file, path, end)
    if disk or first_disk:
        raise InputError(f"{path.name} is one part of several: join them into one ZIP archive")
    shift = end - directory_size - start
    if shift < 0:
        raise InputError(f"{path.name} is cut off or damaged: copy or download it again")
    return _Directory(start + shift, directory_size, n_entries, shift)


def _wide(file: BinaryIO, path: Path, end: int) -> tuple[int, int, int, int, int, int]:
    """The same facts from the larger record that archives over 4 GB or 65,535 members have."""
    file.seek(max(0, end - _LOCATOR.size))
    located = file.read(_LOCATOR.size)
    if located[:4] == b"PK\6\7":
        _, _, at, _ = _LOCATOR.unpack(located)
        file.seek(min(at, end))
        record = file.read(_END_64.size)
        # The record lies right before its locator, whatever stands before the archive.
        if record[:4] != b"PK\6\6":
            at = end - _LOCATOR.size - _END_64.size
            file.seek(max(0, at))
            record = file.read(_END_64.size)
        if len(record) == _END_64.size and record[:4] == b"PK\6\6":
            _, _, _, _, disk, first_disk, _, n_entries, size, start = _END_64.unpack(record)
            return min(at, end), disk, first_disk, n_entries, size, start
    raise InputError(f"{path.name} is cut off or damaged: copy or download it again")


def _check(file: BinaryIO, path: Path, directory: _Directory, limits: ArchiveLimits) -> None:
    """Refuses the archive as a whole before a member of it is read."""
    if directory.n_entries > limits.most_members:
        raise InputError(
            f"{path.name} has {directory.n_entries:,} members, more than the {limits.most_members:,} "
            "allowed: split it"
        )
    starts = np.empty(directory.n_entries, dtype=np.int64)
    ends = np.empty(directory.n_entries, dtype=np.int64)
    unpacked = 0
    for at, entry in enumerate(_entries(file, path, directory)):
        member = entry.member
        starts[at] = min(member.offset, _BEYOND)
        ends[at] = min(member.offset + _LOCAL.size + member.stored_bytes, _BEYOND)
        unpacked += member.size_bytes
    order = np.argsort(starts, kind="stable")
    if len(order) and (
        (starts[order][1:] < ends[order][:-1]).any()
        or starts.min() < directory.shift
        or ends.max() > directory.start
    ):
        raise InputError(
            f"{path.name} has members that overlap, as archives that explode have: pack the folder again"
        )
    check_unpacked(path.name, unpacked, directory.start, limits)


def check_unpacked(name: str, unpacked: int, packed: int, limits: ArchiveLimits) -> None:
    """Raises InputError where an archive of `packed` bytes would become too many."""
    if unpacked > limits.most_unpacked_bytes:
        raise InputError(
            f"{name} unpacks to {unpacked / 1e9:,.0f} GB, more than the "
            f"{limits.most_unpacked_bytes / 1e9:,.0f} allowed: split it"
        )
    if unpacked > limits.ratio_from_bytes and unpacked > limits.most_ratio * packed:
        raise InputError(
            f"{name} unpacks to {unpacked / max(packed, 1):,.0f} times its size, as archives that explode "
            "do: pack the pictures as PNG or JPEG"
        )


def _entries(file: BinaryIO, path: Path, directory: _Directory) -> Iterator[_Entry]:
    """The directory's entries, read as they come. Raises InputError where it is damaged."""
    left = directory.size
    file.seek(directory.start)
    for _ in range(directory.n_entries):
        header = file.read(_ENTRY.size)
        if len(header) < _ENTRY.size or header[:4] != b"PK\1\2":
            raise InputError(f"{path.name} has a damaged directory: copy or download it again")
        (_, _, _, flags, method, _, _, crc, stored, size, n_name, n_extra, n_comment, _, _, outer, offset) = (
            _ENTRY.unpack(header)
        )
        raw, extra, _ = file.read(n_name), file.read(n_extra), file.read(n_comment)
        left -= _ENTRY.size + n_name + n_extra + n_comment
        if left < 0:
            raise InputError(f"{path.name} has a damaged directory: copy or download it again")
        size, stored, offset = _widened(extra, size, stored, offset)
        name = raw.decode("utf-8" if flags & _UTF_8 else "cp437", "replace")
        member = Member(name, offset + directory.shift, stored, size, method, crc)
        yield _Entry(name, flags, member, outer >> 16)


def _widened(extra: bytes, size: int, stored: int, offset: int) -> tuple[int, int, int]:
    """The three numbers, taken from the extra field where they did not fit."""
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<HH", extra, at)
        if tag == 1:
            values = iter(struct.unpack_from(f"<{min(length, len(extra) - at - 4) // 8}Q", extra, at + 4))
            size, stored, offset = (
                next(values, number) if number == _WIDE else number for number in (size, stored, offset)
            )
            break
        at += 4 + length
    return size, stored, offset
