"""Words on a page and the lines that they make, wherever they come from: a PDF's glyphs or OCR.

Heights grow upwards, as in PDFs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_SAME_LINE = 0.5
"""Of the height of letters: how far apart in height words of one line may be."""
_SPACE = 0.75
"""Of the height of letters: a wider blank parts two cells, a narrower one two words."""


@dataclass(frozen=True)
class Word:
    text: str
    left: float
    right: float
    bottom: float
    top: float


@dataclass(frozen=True)
class Line:
    """Words of one height from left to right."""

    words: tuple[Word, ...]

    @property
    def middle(self) -> float:
        return (self.words[0].top + self.words[0].bottom) / 2

    @property
    def height(self) -> float:
        return max(word.top - word.bottom for word in self.words)

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    def phrases(self) -> list[Word]:
        """Words with only a space between them, as one."""
        joined: list[Word] = []
        for word in self.words:
            if joined and word.left - joined[-1].right <= _SPACE * self.height:
                last = joined[-1]
                joined[-1] = Word(f"{last.text} {word.text}", last.left, word.right, last.bottom, last.top)
            else:
                joined.append(word)
        return joined


def lines_of_words(words: Iterable[Word]) -> list[Line]:
    """The lines that words stand on, from the top down."""
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda word: -(word.top + word.bottom)):
        middle, height = (word.top + word.bottom) / 2, word.top - word.bottom
        last = lines[-1][0] if lines else None
        if last and abs((last.top + last.bottom) / 2 - middle) <= _SAME_LINE * max(
            height, last.top - last.bottom
        ):
            lines[-1].append(word)
        else:
            lines.append([word])
    return [Line(tuple(sorted(line, key=lambda word: word.left))) for line in lines]
