"""How a PDF page is stored and how it is shown: the glyphs of a turned page lie as it is stored.

Source: ISO 32000-1, 7.7.3.3, entry Rotate of a page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Box = tuple[float, float, float, float]
"""left, bottom, right, top, in points."""
FAR = 1e5
"""Points: beyond any page."""


@dataclass(frozen=True)
class Frame:
    """The stored box of a page, and the degrees by which it is turned clockwise when it is shown."""

    stored: Box = (0.0, 0.0, 0.0, 0.0)
    turned: int = 0

    @staticmethod
    def of(page: Any) -> Frame:
        return Frame(tuple(page.get_mediabox()), page.get_rotation())

    def shown(self, box: Box) -> Box:
        """A stored box as it is shown."""
        left, bottom, right, top = box
        x0, y0, x1, y1 = self.stored
        if self.turned == 90:
            return bottom - y0, x1 - right, top - y0, x1 - left
        if self.turned == 180:
            return x1 - right, y1 - top, x1 - left, y1 - bottom
        if self.turned == 270:
            return y1 - top, left - x0, y1 - bottom, right - x0
        return box
