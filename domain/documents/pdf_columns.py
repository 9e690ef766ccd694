"""Tables of a PDF page without lines around their cells: columns by the words of the header line.

Mark schemes are often ruled only between rows, or shaded, or not at all. A line that names an answer and
marks is a header; the columns are cut where the fewest words below it are in the way, and rows where a line
is ruled across the page or, without such lines, where a number begins.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from domain.documents.extraction import Table
from domain.documents.page_frame import Frame
from domain.documents.page_lines import Line, Word, lines_of_words
from domain.documents.pdf_words import MOST_CHARS, words_of

_MOST_PHRASES = 9
_ALIGNED = 2.5
"""Points within which words begin below each other."""
_WIDE = 0.5
"""Of the table's width: a rule must be as long to part two rows."""
_MARKS = re.compile(r"^(?:max\.?\s)?(?:total\s)?(?:marks?|mks?|points?|pts|score)(?:\s\w+)?$", re.IGNORECASE)
_ANSWER = re.compile(r"\b(?:answers?|responses?|solutions?|scheme|working|key|indicative)\b", re.IGNORECASE)
_KEPT = 0.8
_NUMBERED = re.compile(r"^(?:q\s?)?\d{1,2}\b|^\(?[a-z]\)", re.IGNORECASE)
_NUMBER = re.compile(r"^(?:q|qu|qn|que|questions?|no|nr|number|item|part|task)\b", re.IGNORECASE)


def may_hold_columns(text: str) -> bool:
    """Whether a page's text can hold such a header at all: a look that costs nothing."""
    head = text[:MOST_CHARS]
    return bool(re.search(r"(?i)\b(?:marks?|points?|pts|score)\b", head) and _ANSWER.search(head))


@dataclass(frozen=True)
class Layout:
    """Where the columns of a table are, for pages that go on with it without its header."""

    header: tuple[Word, ...]
    cuts: tuple[float, ...]

    @property
    def n_before_answer(self) -> int:
        """Columns of numbers: those before the one of answers, and one at least."""
        return max(next(i for i, phrase in enumerate(self.header) if _ANSWER.search(phrase.text)), 1)


@dataclass(frozen=True)
class Columned:
    """A page with its table as " | " rows in the text."""

    text: str
    table: Table
    layout: Layout


def page_with_columns(
    page: Any,
    number: int,
    rules: Sequence[tuple[float, float, float]],
    before: Layout | None = None,
) -> Columned | None:
    """The page's table, by its header or by that of the page before; None without one.

    `rules` are the lines across the page: (height, left, right).
    """
    words = words_of(page.get_textpage(), Frame.of(page))
    return lines_with_columns(lines_of_words(words), number, rules, before)


def lines_with_columns(
    lines: Sequence[Line],
    number: int,
    rules: Sequence[tuple[float, float, float]] = (),
    before: Layout | None = None,
) -> Columned | None:
    """As `page_with_columns`, from lines from the top down."""
    at, header = next(((i, found) for i, line in enumerate(lines) if (found := _header(line))), (-1, None))
    if header is not None:
        layout = Layout(tuple(header), tuple(_cuts(header, lines[at + 1 :])))
    elif before is not None and _fits(lines, before):
        layout = before
    else:
        return None
    top = header[0].top if header else max((line.middle for line in lines), default=0.0) + 1
    rows, after = _rows(lines, at, layout, _heights(rules, layout.header, top))
    if header:
        rows.insert(0, [[phrase.text] for phrase in header])
    told = tuple(tuple("\n".join(cell) for cell in row) for row in rows)
    if len(told) < (2 if header else 1):
        return None
    parts = [line.text for line in lines[: max(at, 0)]]
    parts += [" | ".join(" ".join(cell.split()) for cell in row) for row in told]
    return Columned("\n".join([*parts, *after]), Table(told, number), layout)


def _rows(
    lines: Sequence[Line], at: int, layout: Layout, heights: Sequence[float]
) -> tuple[list[list[list[str]]], list[str]]:
    """The rows below line `at`, each cell as its lines; and lines that run across the columns."""
    rows: list[list[list[str]]] = []
    after: list[str] = []
    above: Line | None = lines[at] if at >= 0 else None
    for line in lines[at + 1 :]:
        cells = _cells(line, layout.cuts)
        if cells is None:
            after.append(line.text)
            continue
        if not rows or above is None or _begins(line, above, heights, cells[: layout.n_before_answer]):
            rows.append([[] for _ in layout.header])
        for cell, text in zip(rows[-1], cells, strict=True):
            if text:
                cell.append(text)
        above = line
    return rows, after


def _fits(lines: Sequence[Line], layout: Layout) -> bool:
    """Whether a page goes on with a table: most lines keep to its columns, and some begin with a number."""
    cells = [_cells(line, layout.cuts) for line in lines]
    kept = [one for one in cells if one is not None]
    numbered = sum(_NUMBERED.match(one[0]) is not None for one in kept)
    return (
        len(kept) >= _KEPT * len(lines)
        and numbered > 0
        and any(len([c for c in one if c]) > 2 for one in kept)
    )


def _header(line: Line) -> list[Word] | None:
    phrases = line.phrases()
    if not 2 <= len(phrases) <= _MOST_PHRASES or len(line.words) > 3 * len(phrases):
        return None
    texts = [phrase.text.strip(" .:") for phrase in phrases]
    marks = any(_MARKS.match(text) for text in texts)
    answer = next(
        (i for i, text in enumerate(texts) if _ANSWER.search(text) and not _MARKS.match(text)), None
    )
    if not marks or answer is None or not (_NUMBER.match(texts[0]) or answer == 0):
        return None
    return phrases


def _cuts(header: Sequence[Word], below: Sequence[Line]) -> list[float]:
    """Where the columns are cut: between each two headers, where the fewest words are in the way and the most
    begin on the right of it."""
    boxes = [(word.left, word.right) for line in below for word in line.words]
    cuts = []
    for one, other in pairwise(header):
        start, end = (one.left + one.right) / 2, (other.left + other.right) / 2
        inside = [(left, right) for left, right in boxes if right > start and left < end]
        edges = sorted({start, end, *(x for box in inside for x in box if start < x < end)})
        gaps = [
            (
                sum(left < (a + b) / 2 < right for left, right in inside),
                -sum(abs(left - b) <= _ALIGNED for left, _ in inside),
                -(b - a),
                (a + b) / 2,
            )
            for a, b in pairwise(edges)
        ]
        cuts.append(min(gaps)[3] if gaps else (one.right + other.left) / 2)
    return cuts


def _cells(line: Line, cuts: Sequence[float]) -> list[str] | None:
    """The line's text by column; None for a line that runs across a cut, as text around a table does."""
    phrases = line.phrases()
    if any(phrase.left < cut < phrase.right for phrase in phrases for cut in cuts):
        return None
    cells = [""] * (len(cuts) + 1)
    for phrase in phrases:
        middle = (phrase.left + phrase.right) / 2
        column = sum(cut < middle for cut in cuts)
        cells[column] = f"{cells[column]} {phrase.text}".strip()
    return cells


def _heights(rules: Sequence[tuple[float, float, float]], header: Sequence[Word], top: float) -> list[float]:
    """Heights of the rules that part rows: those below the header that are nearly as wide as it."""
    left, right = header[0].left, header[-1].right
    below = [at for at, start, end in rules if end - start >= _WIDE * (right - left) and at < top]
    return sorted(set(below), reverse=True)


def _begins(line: Line, above: Line, heights: Sequence[float], numbers: Sequence[str]) -> bool:
    """Whether a line is the first of its row."""
    if len(heights) > 2:
        return any(line.middle < at < above.middle for at in heights)
    return any(numbers)
