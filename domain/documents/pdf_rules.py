"""The lines that a PDF page draws, across and down: what tables are ruled with (geometry from pypdfium2).

Word draws a cell's border as thin filled boxes, and the shading of a cell, and of each paragraph in it, as
thick ones. Where there are rules, the sides of shading are none: a header's cells would be cut in three.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from domain.documents.page_frame import Box, Frame

Spot = tuple[float, float]

NEAR = 3.0
"""Points (1/72 inch) within which two strokes are one line, or touch."""
SLIVER = 6.0
"""Points: no column is as narrow. Word shades a paragraph as far from its cell's sides."""
MOST_LINES = 400
_MOST_OBJECTS, _DEEPEST = 20_000, 4


@dataclass(frozen=True)
class Line:
    """A stroke at `at`, from `start` to `end` along the other axis."""

    at: float
    start: float
    end: float


@dataclass(frozen=True)
class Lines:
    """Strokes on one line are joined."""

    across: tuple[Line, ...] = ()
    down: tuple[Line, ...] = ()


def lines_of(page: Any, frame: Frame) -> Iterator[Lines]:
    """The lines that are ruled; then, where the page shades anything, those and all sides of the shading.

    A side of shading that goes on with a ruled line down is one of the first: headers are often shaded only.
    """
    ruled: list[Box] = []
    shaded: list[Box] = []
    for at, (item, move) in enumerate(_paths(page)):
        if at > _MOST_OBJECTS:
            return
        for box, is_ruled in _sides(item, move):
            (ruled if is_ruled else shaded).append(frame.shown(box))
    lines = _lines(ruled)
    yield _lines(ruled + list(_going_on(lines.down, shaded)))
    if shaded:
        yield _lines(ruled + shaded)


def _going_on(down: Iterable[Line], shaded: Iterable[Box]) -> Iterator[Box]:
    """The sides of shading that lie on, or just beside, a line down, moved onto it."""
    places = sorted({line.at for line in down})
    for left, bottom, right, top in shaded:
        if top - bottom > NEAR >= right - left:
            nearest = min(places, key=lambda at: abs(at - left), default=None)
            if nearest is not None and abs(nearest - left) <= SLIVER:
                yield nearest, bottom, nearest, top


def rules_of(page: Any) -> list[tuple[float, float, float]]:
    """The lines across a page, sides of shading too: (height, left, right) in points."""
    *_, lines = Lines(), *lines_of(page, Frame.of(page))
    return [(line.at, line.start, line.end) for line in lines.across]


def _lines(boxes: list[Box]) -> Lines:
    across: list[Line] = []
    down: list[Line] = []
    for left, bottom, right, top in boxes:
        if right - left > NEAR >= top - bottom:
            across.append(Line((top + bottom) / 2, left, right))
        elif top - bottom > NEAR >= right - left:
            down.append(Line((left + right) / 2, bottom, top))
    return Lines(_joined(across), _joined(down))


def _paths(page: Any) -> Iterator[tuple[Any, Any]]:
    """Every path with the matrix that takes its form's points to the page's, None where it is in no form."""
    import pypdfium2.raw as pdfium

    # A form's contents follow it, one level deeper.
    moves: list[Any] = []
    wanted = [pdfium.FPDF_PAGEOBJ_PATH, pdfium.FPDF_PAGEOBJ_FORM]
    for item in page.get_objects(filter=wanted, max_depth=_DEEPEST):
        del moves[item.level :]
        move = moves[-1] if moves else None
        if item.type == pdfium.FPDF_PAGEOBJ_FORM:
            own = item.get_matrix()
            moves.append(own.multiply(move) if move is not None else own)
        else:
            yield item, move


def _sides(item: Any, move: Any) -> Iterator[tuple[Box, bool]]:
    """The box of a thin path, or of each straight side of another, and whether it is ruled, not shaded."""
    import pypdfium2.raw as pdfium

    fill, stroke = _painted(item, pdfium)
    if not fill and not stroke:
        return
    left, bottom, right, top = item.get_bounds()
    if min(right - left, top - bottom) <= NEAR and max(right - left, top - bottom) > 0:
        corners = ((left, bottom), (right, top))
        yield _box(*(move.on_point(*point) if move is not None else point for point in corners)), True
        return
    matrix = item.get_matrix()
    if move is not None:
        matrix = matrix.multiply(move)
    for one, other in _segments(item, matrix, pdfium):
        yield _box(one, other), stroke


def _painted(item: Any, pdfium: Any) -> tuple[bool, bool]:
    """(filled, stroked)"""
    from ctypes import byref, c_int

    fill, stroke = c_int(), c_int()
    if not pdfium.FPDFPath_GetDrawMode(item, byref(fill), byref(stroke)):
        return True, True
    return bool(fill.value), bool(stroke.value)


def _segments(item: Any, matrix: Any, pdfium: Any) -> Iterator[tuple[Spot, Spot]]:
    """The straight sides of a path, from point to point on the page."""
    from ctypes import byref, c_float

    x, y = c_float(), c_float()
    here = start = (0.0, 0.0)
    for at in range(min(pdfium.FPDFPath_CountSegments(item), MOST_LINES)):
        segment = pdfium.FPDFPath_GetPathSegment(item, at)
        pdfium.FPDFPathSegment_GetPoint(segment, byref(x), byref(y))
        there = matrix.on_point(x.value, y.value)
        kind = pdfium.FPDFPathSegment_GetType(segment)
        if kind == pdfium.FPDF_SEGMENT_MOVETO:
            start = there
        elif kind == pdfium.FPDF_SEGMENT_LINETO:
            yield here, there
        if pdfium.FPDFPathSegment_GetClose(segment):
            yield there, start
        here = there


def _box(one: Spot, other: Spot) -> Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[0], other[0]), max(one[1], other[1])


def _joined(lines: list[Line]) -> tuple[Line, ...]:
    """Strokes within `NEAR` of one another are one line, at the place of the first; gaps in it stay."""
    joined: list[Line] = []
    for line in _aligned(lines):
        last = joined[-1] if joined else None
        if last and last.at == line.at and line.start <= last.end + NEAR:
            joined[-1] = Line(last.at, last.start, max(last.end, line.end))
        else:
            joined.append(line)
    return tuple(joined)


def _aligned(lines: list[Line]) -> list[Line]:
    """The strokes with one place for those that lie within `NEAR`, by place and then by start."""
    aligned: list[Line] = []
    for line in sorted(lines, key=lambda line: line.at):
        at = aligned[-1].at if aligned and line.at - aligned[-1].at <= NEAR else line.at
        aligned.append(Line(at, line.start, line.end))
    return sorted(aligned, key=lambda line: (line.at, line.start))
