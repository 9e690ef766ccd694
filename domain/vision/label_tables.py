"""A CSV of paths, and labels where they are known, beside the pictures that it names."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from domain.errors import InputError
from domain.vision.member_names import objection, plain
from domain.vision.records import ArchiveLimits, Member, Refusal

_PATHS = ("path", "file", "filename", "file_name", "filepath", "file_path", "image", "image_path", "img")
_LABELS = ("label", "class", "class_name", "category", "target", "y")
_SPLITS = ("split", "set", "subset", "partition", "fold_name")


def table_members(path: Path, limits: ArchiveLimits) -> Iterator[Member | Refusal]:
    """Each row's picture with its label and, where a column says so, its split, in the table's order.

    Paths are relative to the table's folder and may not leave it. A label is "" where none is told. Raises
    InputError for a table without a column of paths.
    """
    root = path.parent.resolve()
    with path.open("rb") as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
        rows = csv.reader(text, delimiter=_delimiter(path, text))
        try:
            header = [cell.strip().lower() for cell in next(rows, [])]
            at = _column(path, header, _PATHS)
            label_at, split_at = (
                next((header.index(name) for name in names if name in header), None)
                for names in (_LABELS, _SPLITS)
            )
            for number, row in enumerate(rows, 2):
                if number > limits.most_members:
                    raise InputError(f"{path.name} has more than the {limits.most_members:,} rows allowed")
                if not any(cell.strip() for cell in row):
                    continue
                if len(row) <= max(at, label_at or 0, split_at or 0):
                    yield Refusal(f"{path.name}, line {number}", "it has too few cells: complete it")
                    continue
                label, split = (
                    row[place].strip() if place is not None else "" for place in (label_at, split_at)
                )
                yield _member(root, row[at].strip(), label, split)
        except csv.Error as error:
            raise InputError(f"{path.name} is no CSV that can be read ({error}): save it anew") from error


def _delimiter(path: Path, text: io.TextIOWrapper) -> str:
    first = text.readline()
    text.seek(0)
    if path.suffix.lower() == ".tsv":
        return "\t"
    return max(",;\t", key=first.count)


def _column(path: Path, header: Sequence[str], names: Sequence[str]) -> int:
    for name in names:
        if name in header:
            return header.index(name)
    raise InputError(
        f"{path.name} has no column {names[0]!r} (it has: {', '.join(header) or 'none'}): name the columns "
        "path and, to learn from it, label"
    )


def _member(root: Path, name: str, label: str, split: str) -> Member | Refusal:
    name = plain(name)
    if why := objection(name):
        return Refusal(name, why)
    place = root / name
    if not place.is_file() or os.path.realpath(place) != str(place):
        # Of a link too: it may lead out of the folder.
        return Refusal(name, "there is no such file beside the table: correct the path")
    state = place.stat()
    return Member(name, size_bytes=state.st_size, changed_ns=state.st_mtime_ns, label=label, split=split)
