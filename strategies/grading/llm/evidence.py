"""Whether the words that a model quotes stand in the answer, where they may count.

Compared are letters and digits alone, NFKC and case-folded: blanks, punctuation and typographic quotes
are how copies differ. A longer quotation may also differ in a few letters, as when a model corrects the
student's spelling in passing; a word more or less is too much, since it may be "not".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

Spans = Sequence[tuple[int, int]]

_ELLIPSIS = re.compile(r"\s*(?:\[\s*)?(?:\.{3,}|…)(?:\s*\])?\s*")
_WORD = re.compile(r"[^\W_]+")
_FUNCTION_WORDS = frozenset(
    "a an the and or of to in on at is are was it its that this as by for with be i he she they we "  # noqa: SIM905
    "der die das den dem des ein eine und oder zu im am ist sind war es als von mit für ich er sie".split()
)
_LEAST_SEED, _LEAST_FUZZY = 4, 14
_ALIKE = 0.9
_MOST_FUZZY_LETTERS = 500
_MOST_PLACES = 20


@dataclass(frozen=True)
class Squeezed:
    """A text's letters and digits; `places[i]` is where letter i stands in the text."""

    letters: str
    places: tuple[int, ...]

    @staticmethod
    def of(text: str) -> Squeezed:
        letters: list[str] = []
        places: list[int] = []
        for place, character in enumerate(text):
            for letter in unicodedata.normalize("NFKC", character).casefold():
                if letter.isalnum():
                    letters.append(letter)
                    places.append(place)
        return Squeezed("".join(letters), tuple(places))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where `letters[start:end]` stand in the text."""
        return self.places[start], self.places[end - 1] + 1


def occurs(quote: str, answer: str, suspicious: Spans = ()) -> bool:
    """Whether `quote` occurs in `answer` at a place that touches no suspicious span.

    A quotation with an ellipsis occurs where all its parts do. Bare function words ("the") are no evidence
    unless the answer has nothing else; a text without letters and digits must be quoted as it stands.
    """
    if not _WORD.search(answer):
        return bool(quote.strip()) and quote.strip() in answer and not suspicious
    parts = [part for part in _ELLIPSIS.split(quote) if _WORD.search(part)]
    return _says_something(quote, answer) and all(_occurs(part, answer, suspicious) for part in parts)


def _says_something(quote: str, answer: str) -> bool:
    words = [word.casefold() for word in _WORD.findall(quote)]
    if any(word not in _FUNCTION_WORDS for word in words):
        return True
    return bool(words) and words == [word.casefold() for word in _WORD.findall(answer)]


def _occurs(quote: str, answer: str, suspicious: Spans) -> bool:
    wanted, said = Squeezed.of(quote).letters, Squeezed.of(answer)
    for place in _places(wanted, said.letters):
        start, end = said.span(place, place + len(wanted))
        if _stands_alone(answer, start, end) and not _touches(start, end, suspicious):
            return True
    return _nearly_occurs(wanted, quote, said, suspicious)


def _places(wanted: str, letters: str) -> Iterator[int]:
    place = letters.find(wanted)
    while place >= 0 and wanted:
        yield place
        place = letters.find(wanted, place + 1)


def _stands_alone(answer: str, start: int, end: int) -> bool:
    """Whether whole words stand there: "stable" is not in "unstable". Scripts without blanks have none."""
    edges = ((answer[start - 1 : start], answer[start]), (answer[end - 1], answer[end : end + 1]))
    return not any(_joins(before) and _joins(after) for before, after in edges)


def _joins(letter: str) -> bool:
    return letter.isdecimal() or letter.lower() != letter.upper()


def _touches(start: int, end: int, spans: Spans) -> bool:
    return any(start < to and since < end for since, to in spans)


def _nearly_occurs(wanted: str, quote: str, said: Squeezed, suspicious: Spans) -> bool:
    if not _LEAST_FUZZY <= len(wanted) <= _MOST_FUZZY_LETTERS:
        return False
    slack = int((1 - _ALIKE) * len(wanted))
    for start in _starts(quote, said.letters):
        begin = max(start - slack, 0)
        window = said.letters[begin : start + len(wanted) + slack]
        blocks = [
            b for b in SequenceMatcher(None, wanted, window, autojunk=False).get_matching_blocks() if b.size
        ]
        matched = sum(block.size for block in blocks)
        if matched < _ALIKE * len(wanted):
            continue
        first, last = blocks[0].b, blocks[-1].b + blocks[-1].size
        if last - first - matched <= slack and _no_word_apart(wanted, window[first:last]):
            found = said.span(begin + first, begin + last)
            if not _touches(*found, suspicious):
                return True
    return False


def _starts(quote: str, letters: str) -> Iterator[int]:
    """Where the quotation would begin if one of its longer words stands in its place."""
    seen: set[int] = set()
    for match in _WORD.finditer(quote):
        word = Squeezed.of(match[0]).letters
        offset = len(Squeezed.of(quote[: match.start()]).letters)
        for place in _places(word, letters) if len(word) >= _LEAST_SEED else ():
            if place - offset not in seen:
                seen.add(place - offset)
                yield max(place - offset, 0)
            if len(seen) >= _MOST_PLACES:
                return


def _no_word_apart(wanted: str, found: str) -> bool:
    """Whether the two differ in single letters only: two in a row may be a word such as "no"."""
    steps = SequenceMatcher(None, wanted, found, autojunk=False).get_opcodes()
    return all(i2 - i1 <= 1 and j2 - j1 <= 1 for kind, i1, i2, j1, j2 in steps if kind != "equal")
