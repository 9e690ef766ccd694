"""Whether a quotation is evidence of what a student knows."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

_WORD = re.compile(r"[^\W_]+")


def evidence_counts(quote: str, answer: str, suspicion_spans: Sequence[tuple[int, int]] = ()) -> bool:
    """Whether `quote` occurs in `answer` at a place that touches no suspicious span.

    Case, blanks and punctuation are not compared. A quotation without a letter or digit counts only where
    the whole answer has none either ("→", "✓").
    """
    wanted = " ".join(match[0].casefold() for match in _WORD.finditer(quote))
    if not wanted:
        return bool(quote.strip()) and not _WORD.search(answer) and quote.strip() in answer
    spoken, starts, spans = _spoken(answer)
    place = spoken.find(f" {wanted} ")
    while place >= 0:
        first = bisect_right(starts, place) - 1
        last = bisect_right(starts, place + len(wanted)) - 1
        start, end = spans[first][0], spans[last][1]
        if not any(start < to and since < end for since, to in suspicion_spans):
            return True
        place = spoken.find(f" {wanted} ", place + 1)
    return False


def _spoken(answer: str) -> tuple[str, list[int], list[tuple[int, int]]]:
    """The words with one blank before each and after the last; where each stands there and in the answer."""
    parts, starts, spans, place = [], [], [], 0
    for match in _WORD.finditer(answer):
        word = match[0].casefold()
        parts.append(f" {word}")
        starts.append(place)
        spans.append(match.span())
        place += len(word) + 1
    return "".join(parts) + " ", starts, spans
