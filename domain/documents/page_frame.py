"""How a PDF page is stored and how it is read: a table on its side is drawn so, or its page is turned.

Source: ISO 32000-1, 7.7.3.3, entry Rotate of a page.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import degrees
from typing import Any

Box = tuple[float, float, float, float]
"""left, bottom, right, top, in points."""
_LETTERS = 100
"""Letters that are looked at."""
FAR = 1e5
"""Points: beyond any page."""


@dataclass(frozen=True)
class Frame:
    """The stored box of a page, and the degrees by which it is turned clockwise to be read."""

    stored: Box = (0.0, 0.0, 0.0, 0.0)
    turned: int = 0

    @staticmethod
    def of(page: Any) -> Frame:
        return Frame(tuple(page.get_mediabox()), _turned(page))

    def shown(self, box: Box) -> Box:
        """A stored box as it is read."""
        left, bottom, right, top = box
        x0, y0, x1, y1 = self.stored
        if self.turned == 90:
            return bottom - y0, x1 - right, top - y0, x1 - left
        if self.turned == 180:
            return x1 - right, y1 - top, x1 - left, y1 - bottom
        if self.turned == 270:
            return y1 - top, left - x0, y1 - bottom, right - x0
        return box


def _turned(page: Any) -> int:
    """By most of its letters, whatever way the page says that it is to be shown."""
    import pypdfium2.raw as pdfium

    text = page.get_textpage()
    n_chars = text.count_chars()
    ways = Counter(
        -round(degrees(pdfium.FPDFText_GetCharAngle(text, i)) / 90) * 90 % 360
        for i in range(0, n_chars, max(1, n_chars // _LETTERS))
        if not chr(min(pdfium.FPDFText_GetUnicode(text, i), 0x10FFFF)).isspace()
    )
    ((turned, _),) = ways.most_common(1) or [(page.get_rotation(), 0)]
    return turned
