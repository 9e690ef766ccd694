"""What is known of an archive's pictures before and after they are decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

STORED, DEFLATED, FILE = 0, 8, -1
"""How a member's bytes lie: as they are, deflated, or in a file of their own below the archive's folder."""


@dataclass(frozen=True)
class ArchiveLimits:
    """Bounds on what an archive may ask for; sizes in bytes.

    `most_ratio` is what may come out for each byte that went in, over the whole archive: pictures are
    packed already, so that even uncompressed ones stay far below it.
    """

    most_members: int = 5_000_000
    most_member_bytes: int = 64 << 20
    most_unpacked_bytes: int = 1 << 40
    most_ratio: int = 200
    ratio_from_bytes: int = 64 << 20
    """Small archives may be as dense as they like."""


@dataclass(frozen=True)
class Member:
    """A file in an archive that may be a picture, and where its bytes are.

    `name` has slashes and is safe to show and to compare; `offset` is that of the member's local header
    (ZIP) or of its first byte (tar), 0 for a file of its own. `crc` is -1 where the archive has none;
    there
    `changed_ns` is when the file, or the archive, was changed (Unix time in nanoseconds). `label` and
    `split` are set only where a table names them.
    """

    name: str
    offset: int = 0
    stored_bytes: int = 0
    size_bytes: int = 0
    method: int = FILE
    crc: int = -1
    changed_ns: int = 0
    label: str = ""
    split: str = ""

    def to_fields(self) -> list[Any]:
        return [
            self.name, self.offset, self.stored_bytes, self.size_bytes, self.method, self.crc,
            self.changed_ns, self.label, self.split,
        ]  # fmt: skip


@dataclass(frozen=True)
class Refusal:
    """A member that is not used; the reason names the remedy and not the member."""

    name: str
    reason: str


@dataclass(frozen=True)
class Skipped:
    """A member that nobody meant as a picture; `what` is how it is counted."""

    name: str
    what: str


Listed = Member | Refusal | Skipped


@dataclass(frozen=True)
class Look:
    """What a picture was before it was decoded. `notes` are words that are counted ("animated", "turned")."""

    width: int
    height: int
    notes: tuple[str, ...] = ()
