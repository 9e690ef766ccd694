"""A listing of pictures as text: one line a picture, so that equal archives have one name by content.

The archive's place is not in it. A ZIP's checksums are, and of files and tars when they were changed: a
copy of a folder is decoded anew, and still makes the same dataset, which is named by its points. What
was refused is in it too, so that it is told whenever the archive is met again.
"""

from __future__ import annotations

from collections.abc import Sequence

from domain.vision.layout import Placed
from domain.vision.records import Member, Refusal

_USED, _REFUSED = "+", "-"
"""How lines begin; sorted, what is used comes first."""


def to_text(placed: Sequence[Placed], refused: Sequence[Refusal]) -> str:
    """Sorted by name, so that the order in an archive does not matter."""
    used = sorted(map(_line, placed))
    others = sorted(f"{_REFUSED}\t{one.name}\t{one.reason}".replace("\n", " ") + "\n" for one in refused)
    return "".join([*used, *others])


def placed_in(text: str, start: int, stop: int) -> list[Placed]:
    """The pictures `start` to `stop` of those that are used."""
    return [_placed(line) for line in text.split("\n")[start:stop] if line.startswith(_USED)]


def refused_in(text: str) -> list[Refusal]:
    lines = (line.split("\t") for line in text.split("\n") if line.startswith(_REFUSED))
    return [Refusal(name, reason) for _, name, reason in lines]


def _line(one: Placed) -> str:
    m = one.member
    numbers = (m.offset, m.stored_bytes, m.size_bytes, m.method, m.crc, m.changed_ns)
    return "\t".join((_USED, m.name, *map(str, numbers), one.class_name, str(one.split))) + "\n"


def _placed(line: str) -> Placed:
    _, name, offset, stored, size, method, crc, changed, class_name, split = line.split("\t")
    member = Member(name, int(offset), int(stored), int(size), int(method), int(crc), int(changed))
    return Placed(member, class_name, split)
