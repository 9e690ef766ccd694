"""The words of a PDF page and where they stand, from the boxes of its letters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from domain.documents.page_frame import Frame
from domain.documents.page_lines import Word

MOST_CHARS = 30_000
"""Letters of a page that are looked at."""


def words_of(textpage: Any, frame: Frame) -> Iterator[Word]:
    """The words as they are read, in the order in which the page draws them."""
    from ctypes import byref, c_double

    import pypdfium2.raw as pdfium

    left, right, bottom, top = c_double(), c_double(), c_double(), c_double()
    letters: list[str] = []
    box = (0.0, 0.0, 0.0, 0.0)
    for i in range(min(textpage.count_chars(), MOST_CHARS)):
        code = pdfium.FPDFText_GetUnicode(textpage, i)
        letter = chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else " "
        seen = not letter.isspace() and pdfium.FPDFText_GetCharBox(
            textpage, i, byref(left), byref(right), byref(bottom), byref(top)
        )
        shown = frame.shown((left.value, bottom.value, right.value, top.value))
        here = (shown[0], shown[2], shown[1], shown[3])
        if letters and (not seen or not _goes_on(box, here)):
            yield Word("".join(letters), *box)
            letters = []
        if seen:
            box = here if not letters else (box[0], here[1], min(box[2], here[2]), max(box[3], here[3]))
            letters.append(letter)
    if letters:
        yield Word("".join(letters), *box)


def _goes_on(box: tuple[float, float, float, float], here: tuple[float, float, float, float]) -> bool:
    """Whether a letter continues a word: right of it, close by, and at its height."""
    height = max(box[3] - box[2], 1.0)
    return -height < here[0] - box[1] <= 0.4 * height and here[3] > box[2] and here[2] < box[3]
