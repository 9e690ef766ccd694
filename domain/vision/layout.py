"""What an archive's folders say: which class each picture has, and which split it was given.

    cat/1.png                     class folders
    train/cat/1.png               splits over classes (train, validation, test under their usual names)
    cat/train/1.png               classes over splits
    pets/train/images/cat/1.png   folders that hold everything are passed through, wherever they stand

What lies below a class folder belongs to it, however deep.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from domain.errors import InputError
from domain.kinds import Split
from domain.vision.records import Member, Refusal

_SPLITS = {
    **dict.fromkeys(("train", "training", "train_set", "trainset"), Split.TRAIN),
    **dict.fromkeys(("val", "valid", "validation", "dev", "val_set", "validation_set"), Split.VALIDATION),
    **dict.fromkeys(("test", "testing", "tests", "test_set", "testset", "eval"), Split.TEST),
}
MOST_CLASSES = 10_000


@dataclass(frozen=True)
class Placed:
    """A member with its class; `split` is "" where the archive gives none."""

    member: Member
    class_name: str
    split: str


@dataclass(frozen=True)
class Layout:
    placed: tuple[Placed, ...]
    refused: tuple[Refusal, ...]
    classes: tuple[str, ...]
    """Sorted; a label is a place in it."""


def lay_out(members: Sequence[Member], *, from_table: bool = False) -> Layout:
    """Classes and splits of `members`, which a table or their folders tell.

    Raises InputError for a table without labels, for fewer than two classes, for a test split without one to
    train on, and for classes whose names differ in case only.
    """
    if not members:
        raise InputError("no picture was found: give class folders with pictures in them")
    labelled = any(member.label for member in members)
    if from_table and not labelled:
        raise InputError("the table has no labels: give it a column label to learn from")
    placed, refused = _by_table(members) if labelled else _by_folders(members)
    classes = tuple(sorted({one.class_name for one in placed}))
    _check(classes, placed, refused)
    return Layout(tuple(placed), tuple(refused), classes)


def _by_table(members: Sequence[Member]) -> tuple[list[Placed], list[Refusal]]:
    placed: list[Placed] = []
    refused: list[Refusal] = []
    some_given = any(member.split for member in members)
    for member in members:
        split = _split(member.split)
        if not member.label:
            refused.append(Refusal(member.name, "it has no label: complete the table"))
        elif some_given and split is None:
            refused.append(
                Refusal(member.name, f"its split is {member.split!r}: write train, validation or test")
            )
        else:
            placed.append(Placed(member, _named(member.label), split or ""))
    return placed, refused


def _by_folders(members: Sequence[Member]) -> tuple[list[Placed], list[Refusal]]:
    folders = [tuple(member.name.split("/")[:-1]) for member in members]
    folders = _without_wrappers(folders)
    tops = {parts[0] for parts in folders if parts}
    if any(_split(top) for top in tops):
        return _splits_first(members, folders)
    seconds = {parts[1] for parts in folders if len(parts) > 1}
    if seconds and all(len(parts) > 1 or not parts for parts in folders) and all(map(_split, seconds)):
        return _classes_first(members, folders)
    placed: list[Placed] = []
    refused: list[Refusal] = []
    for member, parts in zip(members, folders, strict=True):
        if parts:
            placed.append(Placed(member, _named(parts[0]), ""))
        else:
            refused.append(Refusal(member.name, "it lies in no class folder: move it into one"))
    return placed, refused


def _splits_first(
    members: Sequence[Member], folders: Sequence[tuple[str, ...]]
) -> tuple[list[Placed], list[Refusal]]:
    placed: list[Placed] = []
    refused: list[Refusal] = []
    inside = {at: parts[1:] for at, parts in enumerate(folders) if parts and _split(parts[0])}
    # train/images/cat and test/images/cat: "images" is no class.
    below = dict(zip(inside, _without_wrappers(list(inside.values())), strict=True))
    for at, member in enumerate(members):
        if at not in below:
            refused.append(
                Refusal(member.name, "it lies beside the folders train and test: move it into one")
            )
        elif not below[at]:
            refused.append(Refusal(member.name, "it lies in no class folder: move it into one"))
        else:
            placed.append(Placed(member, _named(below[at][0]), str(_split(folders[at][0]))))
    return placed, refused


def _classes_first(
    members: Sequence[Member], folders: Sequence[tuple[str, ...]]
) -> tuple[list[Placed], list[Refusal]]:
    placed: list[Placed] = []
    refused: list[Refusal] = []
    for member, parts in zip(members, folders, strict=True):
        if parts:
            placed.append(Placed(member, _named(parts[0]), str(_split(parts[1]))))
        else:
            refused.append(Refusal(member.name, "it lies in no class folder: move it into one"))
    return placed, refused


def _without_wrappers(folders: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The folders without those that hold everything, unless one is a split's."""
    depth = 0
    while folders and all(len(parts) > depth for parts in folders):
        names = {parts[depth] for parts in folders}
        if len(names) > 1 or _split(next(iter(names))):
            break
        depth += 1
    return [parts[depth:] for parts in folders]


def _split(name: str) -> Split | None:
    return _SPLITS.get(name.strip().lower().replace("-", "_").replace(" ", "_"))


def _named(name: str) -> str:
    shown = "".join(character if character.isprintable() else " " for character in name)
    return unicodedata.normalize("NFC", " ".join(shown.split()))


def _check(classes: Sequence[str], placed: Sequence[Placed], refused: Sequence[Refusal]) -> None:
    if len(classes) < 2:
        found = f"only the class {classes[0]!r}" if classes else "no class folder"
        told = f" ({refused[0].name}: {refused[0].reason})" if refused else ""
        raise InputError(
            f"{found} was found{told}: put the pictures of each class into a folder of its name, two at least"
        )
    if len(classes) > MOST_CLASSES:
        raise InputError(
            f"{len(classes):,} classes were found, more than {MOST_CLASSES:,}: are they folders?"
        )
    by_case: dict[str, str] = {}
    for name in classes:
        if (other := by_case.setdefault(name.casefold(), name)) != name:
            raise InputError(f"classes {other!r} and {name!r} differ in case only: give them one name")
    splits = {one.split for one in placed}
    if splits != {""} and Split.TRAIN not in splits:
        raise InputError(f"there is a folder {min(splits - {''})} but none to train on: add a folder train")
