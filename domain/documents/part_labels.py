"""Rows of a page's table that hold several numbered parts, "(i)" above "(ii)": where each part begins."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from domain.documents.page_lines import Line, Word, lines_of_words

_LABEL = re.compile(
    r"^[*\s]*(?:q(?:uestion)?\s*)?(?P<top>\d{1,2}(?:\.\d{1,2})?[.)]?)?\s*(?P<letter>\(?[a-h]\)?\.?)?\s*"
    r"(?P<roman>\(?[ivxl]{1,5}\)?\.?)?[*\s]*$",
    re.IGNORECASE,
)
_APART = 2.5
"""Heights of a line: labels further apart are of two parts, whatever they say."""
_ABOVE = 0.35
"""Heights of a label by which what belongs beside it may stand above its top."""


def starts_of_parts(words: Iterable[Word]) -> Iterator[float]:
    """The heights above each part but the first, of the words in one cell of numbers.

    None where a line is no number of a part. "(a)" right below "1" goes on with it.
    """
    lines = lines_of_words(words)
    depths = [_depths(line.text) for line in lines]
    if len(lines) < 2 or not all(depths):
        return
    for (above, before), (line, own) in pairwise(zip(lines, depths, strict=True)):
        if own[0] <= before[-1] or above.middle - line.middle > _APART * line.height:
            yield _top(line) + _ABOVE * line.height


def _depths(text: str) -> tuple[int, ...]:
    """The levels that a label names: 0 for a question, 1 for "(a)", 2 for "(i)"; () for other text."""
    found = _LABEL.match(text)
    if not found:
        return ()
    return tuple(depth for depth, name in enumerate(("top", "letter", "roman")) if found[name])


def _top(line: Line) -> float:
    return max(word.top for word in line.words)
