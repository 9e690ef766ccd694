"""Whether words stand in a document, and where: the check of what somebody says it says.

Only blanks, line ends, punctuation and a printer's habits (ligatures, curly quotes, hyphens at line
ends, list bullets, table bars, marks in square brackets) may differ. Letters, their case, digits, decimal
points, signs of arithmetic and the order of words may not.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

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


_ENDS = re.compile(r"[.?!;:|\u2026]")
_MOST_PLACES = 50
"""Looked at for one quotation; a word can stand everywhere."""
_UNITS = frozenset(("mark", "marks", "mk", "mks", "pt", "pts", "point", "points", "each", "max"))
_NO_LOSS = _UNITS | {"and", "or", "for", "the", "accept", "allow"}

Span = tuple[int, int]
"""A stretch of a text without what may differ, as `Found.span` gives it."""
Spans = Sequence[Span]


@dataclass(frozen=True)
class Found:
    """The lines, from 1, on which a quotation begins and ends; whether the sentence around it goes on."""

    first: int
    last: int
    cut_before: bool = False
    cut_after: bool = False
    span: Span = field(default=(0, 0), compare=False)
    """For `SourceText.words_outside`."""

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
        self._text, self._starts, self._line_starts, self._gaps = _stream(text)
        self._edges = frozenset(self._starts) | {len(self._text)}

    def find(self, quotation: str, after: int = 0, taken: Spans = ()) -> tuple[Found, ...]:
        """Where the quotation stands, from line `after` on if it stands there; () where it does not.

        As a whole; or each of its lines by itself, in their order, since the rows of a table and the stem
        of a question with parts lie apart. Of several places one outside `taken` (spans of what else was
        found) is preferred. An empty quotation stands nowhere.
        """
        return self._find(quotation, after, taken) or (self._find(quotation, 0, taken) if after else ())

    def _find(self, quotation: str, after: int, taken: Spans) -> tuple[Found, ...]:
        start = self._line_starts[after - 1] if 0 < after <= len(self._line_starts) else 0
        whole = self._span(plain(quotation), start, taken)
        if whole is not None:
            return (self._found(whole),)
        pieces = [piece for line in quotation.splitlines() if (piece := plain(line))]
        if len(pieces) < 2:
            return ()
        spans = []
        for piece in pieces:
            span = self._span(piece, start, taken)
            if span is None:
                return ()
            spans.append(span)
            start = span[1]
        return tuple(map(self._found, spans))

    def line(self, number: int) -> str:
        return self.lines[number - 1].strip()

    def words_outside(self, number: int, ending: str, spans: Spans) -> str:
        """The words of a line's `ending` (all of it, or what follows its label) that no span covers;
        "" where only marks, units and joining words are left."""
        tokens = self._tokens_of(number)[-len(_stream(ending)[1]) :] if plain(ending) else range(0)
        left = [self._word(n) for n in tokens if not _is_covered(self._starts[n], spans)]
        return " ".join(left) if any(w.isalpha() and w.lower() not in _NO_LOSS for w in left) else ""

    def _tokens_of(self, number: int) -> range:
        end = self._line_starts[number] if number < len(self._line_starts) else len(self._text)
        first = bisect_left(self._starts, self._line_starts[number - 1])
        return range(first, bisect_left(self._starts, end))

    def _span(self, wanted: str, start: int, taken: Spans) -> Span | None:
        """Where it stands as a whole sentence or point, and free; else whole; else where it first stands."""
        spans = list(islice(self._spans(wanted, start), _MOST_PLACES))
        whole = [span for span in spans if not self._is_part(span)]
        free = [span for span in whole if not any(span[0] < end and first < span[1] for first, end in taken)]
        return next(iter(free or whole or spans), None)

    def _is_part(self, span: Span) -> bool:
        found = self._found(span)
        return found.cut_before or found.cut_after

    def _spans(self, wanted: str, start: int) -> Iterator[Span]:
        while wanted and (at := self._text.find(wanted, start)) >= 0:
            end = at + len(wanted)
            if self._is_edge(at) and self._is_edge(end):
                yield at, end
            start = at + 1

    def _is_edge(self, at: int) -> bool:
        """Whether a word begins or ends there, or one of a script that does not part its words."""
        if at in self._edges or self._text[at : at + 1] == _APART or self._text[at - 1 : at] == _APART:
            return True
        return any(unicodedata.category(char) == "Lo" for char in self._text[at - 1 : at + 1])

    def _found(self, span: Span) -> Found:
        first = bisect_right(self._line_starts, span[0])
        last = max(first, bisect_left(self._line_starts, span[1]))
        return Found(first, last, self._is_cut_before(span[0]), self._is_cut_after(span[1], last), span)

    def _is_cut_before(self, at: int) -> bool:
        """Whether a sentence began earlier on the line: a small letter after a word, no stop between."""
        token = bisect_left(self._starts, at)
        if token == 0 or self._line_at(token) != self._line_at(token - 1):
            return False
        return self._text[at].islower() and self._word(token - 1).isalpha() and not self._stops(token)

    def _is_cut_after(self, at: int, line: int) -> bool:
        """Whether words, and not only marks, follow without a stop, on the line or wrapped to the next."""
        token = bisect_left(self._starts, at)
        if token == len(self._starts):
            return False
        if self._line_at(token) > line:
            below = self.lines[line].strip() if line < len(self.lines) else ""
            return below[:1].islower() and not _ENDS.search(self.line(line)[-1:])
        rest = [self._word(n) for n in range(token, len(self._starts)) if self._line_at(n) == line]
        has_words = any(word.isalpha() and word.lower() not in _UNITS for word in rest)
        return has_words and not self._stops(token)

    def _stops(self, token: int) -> bool:
        """Whether a sentence, a label or a cell ends before the token."""
        return _ENDS.search(self._gaps[token]) is not None

    def _word(self, token: int) -> str:
        end = self._starts[token + 1] if token + 1 < len(self._starts) else len(self._text)
        return self._text[self._starts[token] : end].rstrip(_APART)

    def _line_at(self, token: int) -> int:
        return bisect_right(self._line_starts, self._starts[token])


def _is_covered(at: int, spans: Spans) -> bool:
    return any(start <= at < end for start, end in spans)


def _stream(text: str) -> tuple[str, list[int], list[int], list[str]]:
    """The text's tokens in one string, where each begins in it, where each line begins, and what was
    dropped before each token on its line.

    Digits of two tokens are kept apart, so that "1 | 5" is not 15.
    """
    pieces: list[str] = []
    starts: list[int] = []
    line_starts: list[int] = []
    gaps: list[str] = []
    length = 0
    for line in text.splitlines():
        line_starts.append(length)
        for gap, token in _tokens(line):
            gaps.append(gap)
            if pieces and pieces[-1][-1].isdigit() and token[0].isdigit():
                pieces.append(_APART)
                length += 1
            starts.append(length)
            pieces.append(token)
            length += len(token)
    return "".join(pieces), starts, line_starts, gaps


def _tokens(line: str) -> Iterator[tuple[str, str]]:
    """Each token of a line with what was dropped before it; marks are dropped like a full stop."""
    if _RULE.match(line):
        return
    line = _MARKS.sub(" ; ", _BULLET.sub("", line))
    # Before NFKC, which would make 10² the number 102.
    line = _RAISED.sub(lambda run: f"^{run[0]}", line).replace("\xad", "")
    line = unicodedata.normalize("NFKC", line)
    line = _MINUS.sub("-", line)
    end = 0
    for found in _TOKEN.finditer(line):
        if _is_kept(found[0]):
            yield line[end : found.start()], found[0]
            end = found.end()


def _is_kept(token: str) -> bool:
    if len(token) > 1 or token.isalnum() or token in _KEPT_SIGNS:
        return True
    # Vowel signs of Indian scripts, and what else combines, are part of words.
    return unicodedata.category(token)[0] == "M"
