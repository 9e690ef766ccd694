"""Numbers that a guide leaves out: between 3(c) and 3(e) a part was most likely missed in reading."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

_DIGITS = tuple(str(number) for number in range(1, 100))
_LETTERS = tuple("abcdefghijklmnopqrst")
_ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi", "xii")
_MOST_MISSING = 3
"""A longer gap is another numbering, of a new section or of a choice of papers."""


def missing_numbers(numbers: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, str]]:
    """(what is missing, what stands after the gap), for the levels of items in a guide's order.

    Parts begin with (a), (i) or 1; questions may begin anywhere.
    """
    parents: dict[tuple[str, ...], list[str]] = {}
    for levels in numbers:
        for depth in range(len(levels)):
            labels = parents.setdefault(levels[:depth], [])
            if levels[depth] not in labels:
                labels.append(levels[depth])
    for parent, labels in parents.items():
        for missing, after in _gaps(labels, starts=bool(parent)):
            yield "".join((*parent, missing)), "".join((*parent, after))


def _gaps(labels: list[str], *, starts: bool) -> Iterator[tuple[str, str]]:
    series = _series(labels)
    if series is None:
        return
    places = [series.index(label) for label in labels]
    before = -1 if starts else places[0] - 1
    for label, place in zip(labels, places, strict=True):
        if 1 < place - before <= 1 + _MOST_MISSING:
            yield from ((series[at], label) for at in range(before + 1, place))
        before = place


def _series(labels: list[str]) -> tuple[str, ...] | None:
    """The series that all labels are of, None where they are of none or of several. "i" first is Roman."""
    for series in (_DIGITS, _ROMAN, _LETTERS):
        if all(label in series for label in labels) and not (
            series is _ROMAN and labels[0] not in ("i", "ii")
        ):
            return series
    return None
