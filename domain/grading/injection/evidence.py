"""Whether a quotation is evidence of what a student knows."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SIGNS = re.compile(r"[\W_]+")


def evidence_counts(quote: str, answer: str, suspicion_spans: Sequence[tuple[int, int]] = ()) -> bool:
    """Whether `quote` occurs in `answer` at a place that touches no suspicious span.

    Case, blanks and punctuation are not compared. A quotation without a letter or digit is none, except
    where the whole answer has none either.
    """
    words, places = _words(answer)
    wanted, _ = _words(quote)
    if not wanted:
        return bool(quote.strip()) and not words and quote.strip() in answer
    for first in range(len(words) - len(wanted) + 1):
        if words[first : first + len(wanted)] == wanted:
            start, end = places[first][0], places[first + len(wanted) - 1][1]
            if not any(start < to and since < end for since, to in suspicion_spans):
                return True
    return False


def _words(text: str) -> tuple[list[str], list[tuple[int, int]]]:
    found = [(match[0].casefold(), match.span()) for match in re.finditer(r"[^\W_]+", text)]
    return [word for word, _ in found], [span for _, span in found]
