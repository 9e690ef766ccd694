"""The codes and abbreviations of exam boards' mark schemes, and what each means.

Source: the front matter of published schemes (AQA 8300, Edexcel 4MA1, OCR J560, Cambridge 0580), which agree.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MEANINGS = {
    "M": "a mark for a correct method, even with a slip in its arithmetic",
    "A": "an accuracy mark, given only with the method mark before it",
    "B": "a mark independent of method",
    "SC": "a special case: an answer of this kind earns these marks",
    "dep": "dependent: given only if the mark before it was earned",
    "ft": "follow through: right in spite of an earlier wrong result",
    "oe": "or an equivalent answer",
    "soi": "seen or implied",
    "cao": "correct answer only",
    "cso": "correct solution only: no errors before it",
    "isw": "ignore subsequent working",
    "nfww": "not from wrong working",
    "owtte": "or words to that effect",
    "ora": "or the reverse argument",
    "awrt": "an answer which rounds to",
    "ecf": "error carried forward: right in spite of an earlier wrong result",
}
_LETTER = re.compile(r"(?<![A-Za-z])(?:d|D)?(SC|[MAB])\d(?=\b|[a-zA-Z(])")
_WORD = re.compile(
    r"(?<![A-Za-z])(dep|ft|oe|soi|cao|cso|isw|nfww|owtte|ora|awrt|ecf)(?![A-Za-z])", re.IGNORECASE
)


def codes_in(texts: Iterable[str]) -> dict[str, str]:
    """The codes that stand in the texts, in the order of `MEANINGS`, with what each means."""
    found = {match[1] for text in texts for match in _LETTER.finditer(text)}
    found |= {match[1].lower() for text in texts for match in _WORD.finditer(text)}
    return {code: meaning for code, meaning in MEANINGS.items() if code in found}
