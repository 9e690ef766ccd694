"""Whether words stand in a document, and where: the check of what somebody says it says.

Only blanks, line ends, punctuation and a printer's habits (ligatures, curly quotes, hyphens at line
ends, list bullets, table bars, marks in square brackets) may differ. Letters, their case, digits, decimal
points, signs of arithmetic and the order of words may not.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from domain.grading.marks_notation import NUMBER, read_number

_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ"
_RAISED = re.compile(f"[{_SUPERSCRIPTS}]+")
_BULLET = re.compile(r"^[\s>#*+•◦▪■●‣·o–—-]+(?=\s)")
_RULE = re.compile(r"^[\W_]*$")
# Square brackets around a bare number, or any brackets around a number with its unit, state marks.
_MARKS = re.compile(
    rf"\[\s*{NUMBER}\s*\]|[\[(]\s*{NUMBER}\s*(?:marks?|mks?|pts?|points?|punkte?)\s*[\])]", re.IGNORECASE
)
_TOKEN = re.compile(r"-?\d+(?:[.,]\d+)*|[^\W\d_]+|[^\w\s]|_")
_MINUS = re.compile(r"(?<![\w)\]])[-−‒–](?=\d)")
_KEPT_SIGNS = frozenset("%/&+<>=^±×÷√≤≥≠≈→°€$£")
_APART = "\x1f"
_SPELT = "one|two|three|four|five|six|seven|eight|nine|ten|half"
_NUMERAL = re.compile(rf"(?<![\w.,]){NUMBER}(?!\w)|\b(?:{_SPELT})\b", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """The lines, from 1, on which a quotation begins and ends."""

    first: int
    last: int

    @property
    def lines(self) -> range:
        return range(self.first, self.last + 1)


def plain(text: str) -> str:
    """`text` without all that may differ: two quotations say the same exactly if this is equal."""
    return _stream(text)[0]


def numbers_in(text: str) -> frozenset[float]:
    """Every number that a text states, in digits or in words up to ten."""
    values = (read_number(found[0]) for found in _NUMERAL.finditer(text))
    return frozenset(value for value in values if value is not None)


class SourceText:
    """A document's text, made ready once so that many quotations can be looked up in it."""

    def __init__(self, text: str) -> None:
        self.lines: Sequence[str] = text.splitlines()
        self._text, self._starts, self._line_starts = _stream(text)
        self._edges = frozenset(self._starts) | {len(self._text)}

    def find(self, quotation: str, after: int = 0) -> tuple[Found, ...]:
        """Where the quotation stands, from line `after` on if it stands there; () where it does not.

        As a whole; or each of its lines by itself, in their order, since the rows of a table and the stem
        of a question with parts lie apart. An empty quotation stands nowhere.
        """
        return self._find(quotation, after) or (self._find(quotation, 0) if after else ())

    def _find(self, quotation: str, after: int) -> tuple[Found, ...]:
        start = self._line_starts[after - 1] if 0 < after <= len(self._line_starts) else 0
        whole = self._span(plain(quotation), start)
        if whole is not None:
            return (self._found(whole),)
        pieces = [piece for line in quotation.splitlines() if (piece := plain(line))]
        if len(pieces) < 2:
            return ()
        spans = []
        for piece in pieces:
            span = self._span(piece, start)
            if span is None:
                return ()
            spans.append(span)
            start = span[1]
        return tuple(map(self._found, spans))

    def line(self, number: int) -> str:
        return self.lines[number - 1].strip()

    def _span(self, wanted: str, start: int) -> tuple[int, int] | None:
        if not wanted:
            return None
        while (at := self._text.find(wanted, start)) >= 0:
            end = at + len(wanted)
            if self._is_edge(at) and self._is_edge(end):
                return at, end
            start = at + 1
        return None

    def _is_edge(self, at: int) -> bool:
        """Whether a word begins or ends there, or one of a script that does not part its words."""
        if at in self._edges or self._text[at : at + 1] == _APART or self._text[at - 1 : at] == _APART:
            return True
        return any(unicodedata.category(char) == "Lo" for char in self._text[at - 1 : at + 1])

    def _found(self, span: tuple[int, int]) -> Found:
        first = bisect_right(self._line_starts, span[0])
        return Found(first, max(first, bisect_left(self._line_starts, span[1])))


def _stream(text: str) -> tuple[str, list[int], list[int]]:
    """The text's tokens in one string, where each begins in it, and where each line begins.

    Digits of two tokens are kept apart, so that "1 | 5" is not 15.
    """
    pieces: list[str] = []
    starts: list[int] = []
    line_starts: list[int] = []
    length = 0
    for line in text.splitlines():
        line_starts.append(length)
        for token in _tokens(line):
            if pieces and pieces[-1][-1].isdigit() and token[0].isdigit():
                pieces.append(_APART)
                length += 1
            starts.append(length)
            pieces.append(token)
            length += len(token)
    return "".join(pieces), starts, line_starts


def _tokens(line: str) -> list[str]:
    if _RULE.match(line):
        return []
    line = _MARKS.sub(" ", _BULLET.sub("", line))
    # Before NFKC, which would make 10² the number 102.
    line = _RAISED.sub(lambda run: f"^{run[0]}", line).replace("\xad", "")
    line = unicodedata.normalize("NFKC", line)
    line = _MINUS.sub("-", line)
    return [token for token in _TOKEN.findall(line) if _is_kept(token)]


def _is_kept(token: str) -> bool:
    if len(token) > 1 or token.isalnum() or token in _KEPT_SIGNS:
        return True
    # Vowel signs of Indian scripts, and what else combines, are part of words.
    return unicodedata.category(token)[0] == "M"
