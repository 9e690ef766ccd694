"""A text cut at its question numbers, with the lists inside answers told apart from questions."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from domain.grading.numbering import Label, nest, read_label

_RUN = re.compile(r"(?:[^\w\n]|_){81,}")

_KEYED = {"keyword", "said"}

Strong = Callable[[Sequence[str]], bool]
"""Whether the lines from a number to the next show that it opens an item (a field, marks, a score)."""


def lines_of(text: str) -> list[str]:
    """The lines of a text. Runs of blanks and signs end after 80, as longer ones only cost time."""
    return _RUN.sub(lambda run: run[0][:80], text).splitlines()


@dataclass(frozen=True)
class Segment:
    """The text of one number. `line` counts from 1; `head` is what follows the number on its line."""

    levels: tuple[str, ...]
    line: int
    head: str
    body: tuple[str, ...]

    @property
    def number(self) -> str:
        return "".join(self.levels)


@dataclass(frozen=True)
class Segmented:
    """`preamble` are the lines before the first number."""

    preamble: tuple[str, ...]
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class _Mark:
    """A candidate: a label, the line that it stands on (from 0), and whether its text is strong."""

    label: Label
    line: int
    strong: bool


def cut(
    lines: Sequence[str], strong: Strong, *, numbers: Collection[str] | None = None, loose: bool = False
) -> Segmented:
    """`lines` cut at the numbers of questions.

    Numbered lists within answers stay text: the first numbers of a document set their style and
    indentation; a list that starts again at 1 is a list, unless `strong` says that its entries are
    items. With `numbers`, parts such as "(a)" count only under questions that have parts there.
    """
    marks = _candidates(lines, strong, loose)
    kept = _accept(marks, numbers)
    if not kept:
        return Segmented(tuple(lines), ())
    ends = [mark.line for mark, _ in kept[1:]] + [len(lines)]
    segments = tuple(
        Segment(levels, mark.line + 1, mark.label.rest.strip(), tuple(lines[mark.line + 1 : end]))
        for (mark, levels), end in zip(kept, ends, strict=True)
    )
    return Segmented(tuple(lines[: kept[0][0].line]), segments)


def _candidates(lines: Sequence[str], strong: Strong, loose: bool) -> list[_Mark]:
    found = [(i, label) for i, line in enumerate(lines) if (label := read_label(line, loose=loose))]
    found = _of_one_style(found)
    ends = [i for i, _ in found[1:]] + [len(lines)] * bool(found)
    return [
        _Mark(label, i, strong([label.rest, *lines[i + 1 : end]]))
        for (i, label), end in zip(found, ends, strict=True)
    ]


def _of_one_style(found: list[tuple[int, Label]]) -> list[tuple[int, Label]]:
    """Drops the numbers that are not written as this document writes its questions."""
    tops = [label for _, label in found if label.style != "sub"]
    if not tops:
        return []
    keyed = [label for label in tops if label.style in _KEYED]
    keyword_only = len(keyed) > 1 or tops[0].style == "keyword"
    styles = _KEYED if keyword_only else _KEYED | {"bare", "loose"}
    margin = next(label.indent for label in tops if label.style in styles) + 2
    return [
        (i, label)
        for i, label in found
        if label.style == "sub"
        or (label.style in styles and label.indent <= margin)
        # "2 (a)" is no entry of a list, even where questions are opened by "Question 2".
        or len(label.levels) > 1
    ]


def _accept(marks: Sequence[_Mark], numbers: Collection[str] | None) -> list[tuple[_Mark, tuple[str, ...]]]:
    strong_tops = {m.label.number for m in marks if m.strong and m.label.style != "sub"}
    last_at = {m.label.number: i for i, m in enumerate(marks) if m.label.style != "sub"}
    kept: list[tuple[_Mark, tuple[str, ...]]] = []
    list_next: int | None = None
    for i, mark in enumerate(marks):
        levels = kept[-1][1] if kept else ()
        if mark.label.style == "sub":
            full = nest(mark.label.levels, levels) if levels else ()
            if full and _is_part(mark, full, kept, numbers):
                kept.append((mark, full))
            continue
        number = mark.label.number
        if mark.label.style == "said" and not mark.strong and not _is_next(mark.label.levels, levels):
            continue
        if not mark.strong and mark.label.style != "keyword":
            value = int(number) if number.isdigit() else None
            current = int(levels[0]) if levels and levels[0].isdigit() else None
            if number in strong_tops:
                continue
            if value == 1 and current is not None:
                list_next = 2
                continue
            if (
                value is not None
                and value == list_next
                and not (current is not None and value == current + 1 and last_at[number] == i)
            ):
                list_next = value + 1
                continue
        list_next = None
        kept.append((mark, mark.label.levels))
    return kept


def _is_next(levels: tuple[str, ...], above: tuple[str, ...]) -> bool:
    """Whether a question's number follows the one above, or opens the document."""
    if not levels[0].isdigit() or (above and not above[0].isdigit()):
        return False
    step = int(levels[0]) - int(above[0] if above else 0)
    return step == 1 or (step == 0 and len(levels) > 1)


def _is_part(
    mark: _Mark,
    full: tuple[str, ...],
    kept: Sequence[tuple[_Mark, tuple[str, ...]]],
    numbers: Collection[str] | None,
) -> bool:
    if numbers is not None:
        stem = "".join(full[:-1])
        return any(number != stem and _is_below(number, stem) for number in numbers)
    above, above_levels = kept[-1]
    opened = len(above_levels) < len(full) and above.strong
    return mark.strong if opened else mark.strong or _follows(full, above_levels)


def _is_below(number: str, stem: str) -> bool:
    return number.startswith(stem) and number[len(stem) :].isalpha()


def _follows(full: tuple[str, ...], above: tuple[str, ...]) -> bool:
    """Whether a part comes next in order: the first of its kind, or one after its elder."""
    part = full[-1]
    if len(full) > len(above):
        return part in ("a", "i")
    elder = above[len(full) - 1]
    if len(part) == 1 and len(elder) == 1 and ord(part) == ord(elder) + 1:
        return True
    romans = ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x"]
    return part in romans and elder in romans and romans.index(part) == romans.index(elder) + 1
