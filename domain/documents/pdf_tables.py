"""Tables of a PDF page, by the lines that are ruled around their cells (geometry from pypdfium2).

A PDF has no tables, only strokes and glyphs, and plain text extraction of mark schemes puts half of
the marks beside the wrong answer (FACTS.md). Where cells are ruled on all sides the strokes tell rows,
columns and merged cells. Tables without vertical lines are not found; their text stays as it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

from domain.documents.extraction import Table
from domain.documents.page_frame import FAR, Frame
from domain.documents.page_lines import Word, lines_of_words
from domain.documents.part_labels import starts_of_parts
from domain.documents.pdf_rules import MOST_LINES, NEAR, SLIVER, Line, Lines, lines_of
from domain.documents.pdf_words import words_of

_MARGIN = 1.5
_OPEN = 8.0
"""Points by which the sides of a table must go on beyond its last rule to hold a line of text there."""
_NUMBER_COLUMNS, _LONGEST_LABEL = 2, 16
"""Columns from the left that may hold numbers, and letters of a number."""
_OPEN_SIDES = 4
"""Lines down that make a table by themselves."""
_MAX_CELLS = 5_000
_MAX_CHANGED = 0.02


@dataclass(frozen=True)
class _Grid:
    """`xs` from left to right, `ys` from the top down, and the lines that rule them."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    across: tuple[Line, ...]
    down: tuple[Line, ...]

    @property
    def area(self) -> float:
        return (self.xs[-1] - self.xs[0]) * (self.ys[0] - self.ys[-1])

    @property
    def ink(self) -> float:
        """Points of lines down, which part the columns."""
        return sum(line.end - line.start for line in self.down)

    def has_side(self, x: float, y: float) -> bool:
        return any(abs(line.at - x) <= NEAR and line.start <= y <= line.end for line in self.down)

    def has_rule(self, y: float, x: float) -> bool:
        return any(abs(line.at - y) <= NEAR and line.start <= x <= line.end for line in self.across)


def page_with_tables(page: Any, number: int) -> tuple[str, tuple[Table, ...]] | None:
    """The page's text with its tables as " | " rows in their place, and the tables; None without any.

    A table in another's cell is text of that cell. None too where too much text would be lost.
    """
    frame = Frame.of(page)
    grids = _ruled_best([_apart(_grids(lines)) for lines in lines_of(page, frame)])
    if not grids:
        return None
    texts = _Texts(page, frame)
    cut = [_cut_at_parts(grid, texts) for grid in grids]
    return _read(cut, texts, number) or (_read(grids, texts, number) if cut != grids else None)


def _read(grids: Sequence[_Grid], texts: _Texts, number: int) -> tuple[str, tuple[Table, ...]] | None:
    parts: list[str] = []
    tables: list[Table] = []
    top = FAR
    for grid in grids:
        rows = _rows(grid, texts)
        if not rows:
            continue
        high, low = grid.ys[0], grid.ys[-1]
        parts.append(texts.within(bottom=high, top=top))
        parts.append(texts.within(right=grid.xs[0], bottom=low, top=high))
        parts.extend(" | ".join(" ".join(cell.split()) for cell in row) for row in rows)
        parts.append(texts.within(left=grid.xs[-1], bottom=low, top=high))
        tables.append(Table(rows, number))
        top = low
    parts.append(texts.within(top=top))
    text = "\n".join(part.strip("\r\n") for part in parts if part.strip())
    if _changed(texts.whole, text) > _MAX_CHANGED:
        return None
    return text, tuple(tables)


def _ruled_best(found: Sequence[list[_Grid]]) -> list[_Grid]:
    """The grids that are ruled, unless far more lines make those with the sides of shading."""
    best: list[_Grid] = []
    for grids in found:
        if sum(grid.ink for grid in grids) > 1.5 * sum(grid.ink for grid in best):
            best = grids
    return best


def _apart(grids: Iterable[_Grid]) -> list[_Grid]:
    """The grids from the top down, without those in or beside a larger one."""
    kept: list[_Grid] = []
    for grid in sorted(grids, key=lambda grid: -grid.area):
        if all(grid.ys[-1] >= other.ys[0] - NEAR or grid.ys[0] <= other.ys[-1] + NEAR for other in kept):
            kept.append(grid)
    return sorted(kept, key=lambda grid: -grid.ys[0])


def _changed(whole: str, kept: str) -> float:
    """Share of characters lost or doubled. Not of words: pdfium glues those of neighbouring cells."""
    expected, found = (Counter("".join(text.replace("|", "").split())) for text in (whole, kept))
    return ((expected - found) + (found - expected)).total() / max(1, expected.total())


class _Texts:
    """The text of a page by place. On turned pages pdfium joins the lines of a box: words are used there."""

    def __init__(self, page: Any, frame: Frame) -> None:
        self._textpage = page.get_textpage()
        self._frame = frame

    @cached_property
    def words(self) -> list[Word]:
        return list(words_of(self._textpage, self._frame))

    def words_within(self, *, left: float, bottom: float, right: float, top: float) -> list[Word]:
        return [
            word
            for word in self.words
            if left <= (word.left + word.right) / 2 <= right and bottom <= (word.bottom + word.top) / 2 <= top
        ]

    @property
    def whole(self) -> str:
        text: str = self._textpage.get_text_range()
        return text

    def within(
        self,
        *,
        left: float = -FAR,
        bottom: float = -FAR,
        right: float = FAR,
        top: float = FAR,
    ) -> str:
        if self._frame.turned:
            inside = self.words_within(left=left, bottom=bottom, right=right, top=top)
            return "\n".join(line.text for line in lines_of_words(inside))
        # pdfium takes each glyph that touches the box, so a "g" above a line would be in the cell below.
        text: str = self._textpage.get_text_bounded(
            left=left + _MARGIN, bottom=bottom + _MARGIN, right=right - _MARGIN, top=top - _MARGIN
        )
        return text


def _grids(lines: Lines) -> Iterator[_Grid]:
    """Sets of lines that touch, with at least two columns between them."""
    across, down = lines.across, lines.down
    if not across and len(down) >= _OPEN_SIDES:
        # The middle of a row that begins pages before and ends pages after: a rule where the sides end.
        low, high = min(side.start for side in down), max(side.end for side in down)
        first, last = min(side.at for side in down), max(side.at for side in down)
        across = (Line(low, first, last), Line(high, first, last))
    if not 1 <= len(across) <= MOST_LINES or not 2 <= len(down) <= MOST_LINES:
        return
    left = set(range(len(across)))
    while left:
        rules, sides = _touching(min(left), across, down)
        left -= rules
        xs, ys = _columns([down[at] for at in sides]), _distinct(across[at].at for at in rules)
        grid = _Grid(
            xs=xs,
            ys=_closed(ys, [down[at] for at in sides])[::-1],
            across=tuple(across[at] for at in rules),
            down=tuple(down[at] for at in sides),
        )
        n_rows, n_columns = len(grid.ys) - 1, len(grid.xs) - 1
        if n_rows >= 1 and n_columns >= 2 and n_rows * n_columns <= _MAX_CELLS:
            yield grid


def _cut_at_parts(grid: _Grid, texts: _Texts) -> _Grid:
    """The grid with a rule above each part of a question, where a cell of numbers holds several."""
    cuts: list[float] = []
    for column, (left, right) in enumerate(list(pairwise(grid.xs))[:_NUMBER_COLUMNS]):
        ends = (grid.ys[0], grid.ys[-1])
        rules = [y for y in grid.ys if y in ends or grid.has_rule(y, (left + right) / 2)]
        for top, bottom in pairwise(rules):
            lines = texts.within(left=left, bottom=bottom, right=right, top=top).strip().splitlines()
            # Beside the first column, "1" above "7" is a fraction.
            labels = all(len(line) <= _LONGEST_LABEL and (not column or line[:1] == "(") for line in lines)
            if len(lines) > 1 and labels:
                numbers = texts.words_within(left=left, bottom=bottom, right=right, top=top)
                marks = texts.words_within(left=grid.xs[-2], bottom=bottom, right=grid.xs[-1], top=top)
                cuts += starts_of_parts(numbers, marks)
    apart = [cut for cut in cuts if all(abs(cut - y) > SLIVER for y in grid.ys)]
    if not apart:
        return grid
    more = tuple(Line(at, grid.xs[0], grid.xs[-1]) for at in apart)
    return replace(grid, ys=_distinct((*grid.ys, *apart))[::-1], across=grid.across + more)


def _closed(ys: tuple[float, ...], sides: Sequence[Line]) -> tuple[float, ...]:
    """`ys`, from the bottom up, and the ends of a table that a page cuts: its sides go on alone."""
    if not ys or not sides:
        return ys
    low, high = min(side.start for side in sides), max(side.end for side in sides)
    below = [low] if ys[0] - low > _OPEN and sum(side.start < ys[0] - _OPEN for side in sides) > 1 else []
    above = [high] if high - ys[-1] > _OPEN and sum(side.end > ys[-1] + _OPEN for side in sides) > 1 else []
    return (*below, *ys, *above)


def _touching(start: int, across: Sequence[Line], down: Sequence[Line]) -> tuple[set[int], set[int]]:
    """The lines across and down that touch line `start` across, directly or through others."""
    rules, sides, waiting = {start}, set[int](), [start]
    while waiting:
        rule = across[waiting.pop()]
        for at, side in enumerate(down):
            if at in sides or not _touch(rule, side):
                continue
            sides.add(at)
            more = [
                other for other in range(len(across)) if other not in rules and _touch(across[other], side)
            ]
            rules.update(more)
            waiting.extend(more)
    return rules, sides


def _touch(rule: Line, side: Line) -> bool:
    return rule.start - NEAR <= side.at <= rule.end + NEAR and side.start - NEAR <= rule.at <= side.end + NEAR


def _distinct(places: Iterable[float]) -> tuple[float, ...]:
    kept: list[float] = []
    for place in sorted(places):
        if not kept or place - kept[-1] > NEAR:
            kept.append(place)
    return tuple(kept)


def _columns(sides: Sequence[Line]) -> tuple[float, ...]:
    """Where columns begin and end. Of sides too close for text between them, the longest is one."""
    lengths = dict.fromkeys(_distinct(side.at for side in sides), 0.0)
    for side in sides:
        nearest = min(lengths, key=lambda at: abs(at - side.at))
        lengths[nearest] += side.end - side.start
    kept: list[float] = []
    for at in lengths:
        if kept and at - kept[-1] <= SLIVER:
            kept[-1] = max(kept[-1], at, key=lengths.__getitem__)
        else:
            kept.append(at)
    return tuple(kept)


def _rows(grid: _Grid, texts: _Texts) -> tuple[tuple[str, ...], ...]:
    rows = [[""] * (len(grid.xs) - 1) for _ in grid.ys[1:]]
    taken: set[tuple[int, int]] = set()
    for row, (top, bottom) in enumerate(pairwise(grid.ys)):
        for column in range(len(grid.xs) - 1):
            if (row, column) in taken:
                continue
            last_column, middle = column, (top + bottom) / 2
            while last_column + 2 < len(grid.xs) and not grid.has_side(grid.xs[last_column + 1], middle):
                last_column += 1
            last_row, middle = row, (grid.xs[column] + grid.xs[last_column + 1]) / 2
            while last_row + 2 < len(grid.ys) and not grid.has_rule(grid.ys[last_row + 1], middle):
                last_row += 1
            for down in range(row, last_row + 1):
                taken.update((down, across) for across in range(column, last_column + 1))
            text = texts.within(
                left=grid.xs[column],
                bottom=grid.ys[last_row + 1],
                right=grid.xs[last_column + 1],
                top=grid.ys[row],
            )
            lines = (line.strip() for line in text.replace("\r", "\n").split("\n"))
            rows[row][column] = "\n".join(line for line in lines if line)
    return tuple(tuple(row) for row in rows if any(row))
