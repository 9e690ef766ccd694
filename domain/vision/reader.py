"""What a picture reader does: places in an archive come in as JSON lines, points go out.

    {"list": "/…/pets.zip"}                        →  {"listed": [[kind, …], …]} … {"end": true}
                                                   →  {"refused": "pets.zip is cut off: …"}
    {"decode": "/…/pets.zip", "members": [[…], …],
     "size": 64, "channels": 3}                    →  {"looks": [[w, h, notes] or reason, …], "n_bytes": n}
                                                      and n bytes: the points of those with a look, in order

Readers meet files that strangers made, so they are processes of their own: whatever a file does to its
reader, the run goes on. JSON and bytes and not pickle, since a reader's output is as untrusted as the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from domain.errors import InputError
from domain.vision.archives import Opened, listing
from domain.vision.images import Shape, decode
from domain.vision.records import ArchiveLimits, Listed, Member, Refusal, Skipped

_AT_ONCE = 1000
_KINDS: dict[str, type[Any]] = {"member": Member, "refusal": Refusal, "skipped": Skipped}


def warm_up() -> None:
    """Loads the usual decoders. Leaves no thread behind: readers are forked after it."""
    from PIL import Image

    Image.init()


def list_archive(path: Path) -> Iterator[dict[str, Any]]:
    """What is sent back for an archive, a thousand members at once."""
    found = listing(path, ArchiveLimits())
    try:
        while part := [to_fields(one) for one in islice(found, _AT_ONCE)]:
            yield {"listed": part}
    except InputError as refusal:
        yield {"refused": str(refusal)}
    # An archive by hand may lead to anything; memory's end is no reason to lose the words.
    except (OSError, MemoryError, ArithmeticError, LookupError, ValueError) as error:
        yield {"refused": f"{path.name} cannot be read ({type(error).__name__}): copy or download it again"}
    else:
        yield {"end": True}


def to_fields(one: Listed) -> list[Any]:
    kind = next(name for name, made in _KINDS.items() if isinstance(one, made))
    values = one.to_fields() if isinstance(one, Member) else list(vars(one).values())
    return [kind, *values]


def from_fields(fields: list[Any]) -> Listed:
    """Raises ValueError for what `to_fields` did not write: readers are not trusted."""
    kind, *values = fields
    made: Listed = _KINDS[kind](*values)
    expected = vars(_KINDS[kind]("", "") if kind != "member" else Member(""))
    if any(type(value) is not type(wanted) for value, wanted in zip(values, expected.values(), strict=True)):
        raise ValueError(f"{fields!r} is no listing")
    return made


class Decoder:
    """Decodes members; the archive stays open from one call to the next."""

    def __init__(self) -> None:
        self._opened: Opened | None = None

    def decode(self, path: Path, members: list[Member], shape: Shape) -> tuple[list[Any], list[bytes]]:
        """(width, height and notes of each member, or the reason why not; the points of the former)"""
        if self._opened is None or self._opened.path != path:
            if self._opened:
                self._opened.close()
            self._opened = Opened(path)
        looks: list[Any] = []
        points = []
        for member in members:
            try:
                decoded = decode(self._opened.read(member), shape)
            except InputError as refusal:
                looks.append(str(refusal))
            except MemoryError:
                looks.append("it needs more memory than a picture may take: make it smaller")
            else:
                looks.append([decoded.look.width, decoded.look.height, list(decoded.look.notes)])
                points.append(decoded.points)
        return looks, points


def serve(requests: Iterable[str], replies: TextIO) -> None:
    """Answers each request until the requests end (the parent closed the pipe, or died)."""
    decoder = Decoder()
    sent = replies.buffer
    for line in requests:
        asked = json.loads(line)
        if "list" in asked:
            for reply in list_archive(Path(asked["list"])):
                sent.write(json.dumps(reply).encode() + b"\n")
        else:
            members = [Member(*fields) for fields in asked["members"]]
            looks, points = decoder.decode(
                Path(asked["decode"]), members, Shape(asked["size"], asked["channels"])
            )
            told = {"looks": looks, "n_bytes": sum(map(len, points))}
            sent.write(json.dumps(told).encode() + b"\n")
            sent.writelines(points)
        sent.flush()
