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
_MARK_ABOVE = 1.7
"""Heights of a label by which its mark may stand above it."""
_ABOVE = 0.35
"""Heights of a label by which what belongs beside it may stand above its top."""


def starts_of_parts(labels: Iterable[Word], marks: Iterable[Word]) -> Iterator[float]:
    """The heights above each part but the first, of the words in one cell of numbers.

    `marks` are those of the last column: a mark may stand a line above its label. Nothing where a line is
    no number of a part. "(a)" right below "1" goes on with it.
    """
    lines = lines_of_words(labels)
    depths = [_depths(line.text) for line in lines]
    if len(lines) < 2 or not all(depths):
        return
    beside = lines_of_words(marks)
    for (above, before), (line, own) in pairwise(zip(lines, depths, strict=True)):
        if own[0] <= before[-1] or above.middle - line.middle > _APART * line.height:
            tops = [_top(line), *(_top(mark) for mark in beside if _is_of(mark, line, above))]
            yield max(tops) + _ABOVE * line.height


def _is_of(mark: Line, label: Line, above: Line) -> bool:
    """Whether a mark stands beside a label or up to a line above it, and not beside the label before."""
    height = label.height
    high = mark.middle - label.middle
    return -0.5 * height < high <= _MARK_ABOVE * height and above.middle - mark.middle > 0.6 * height


def _depths(text: str) -> tuple[int, ...]:
    """The levels that a label names: 0 for a question, 1 for "(a)", 2 for "(i)"; () for other text."""
    found = _LABEL.match(text)
    if not found:
        return ()
    return tuple(depth for depth, name in enumerate(("top", "letter", "roman")) if found[name])


def _top(line: Line) -> float:
    return max(word.top for word in line.words)
