"""The numbers of questions as people print them, and their one normal form."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

WORDS = r"(?:question|quest|q|item|problem|task|exercise|aufgabe|frage)"
_LEAD = re.compile(rf"^[\W_]*(?:(?:{WORDS}|part|answer|ans|number|no|nr)s?(?![a-z])[\W_]*)*", re.IGNORECASE)
_JOIN = re.compile(r"(?<=\d)[\W_]+(?=\d)")
_NOISE = re.compile(r"[^\w.]|_")
_ZEROS = re.compile(r"(?<![\w.])0+(?=\d)")

_ROMAN = re.compile(r"(?:x{0,2}(?:ix|iv|v?i{0,3}))")
_TOP = r"(?P<top>\d{1,3}(?:\.\d{1,2}){0,2})"
_PART = r"(?:[a-z]|[ivx]{1,5})"
_IN_BRACKETS = rf"\s?\(\s?{_PART}\s?\)"
_LETTER = r"[a-z](?:[ivx]{1,4})?"
_PARTS = rf"(?P<parts>(?:{_IN_BRACKETS}|[.\s]?{_LETTER}(?=[.):|]|\s*\()|{_LETTER}(?![a-z0-9'’])){{0,3}})"
# Leading decorations of Markdown and of quoted text are not part of a number.
_DECOR = r"^(?P<indent>\s*)[#>*_\s]{0,12}"
_AFTER_WORD = r"(?:[*_]{1,3})?(?=\s*$|\s*[.:)\]|\[(–—-]|\s+[A-ZÄÖÜ\d\"“‘'/])"
_KEYWORD = re.compile(
    rf"{_DECOR}(?i:{WORDS})(?![A-Za-z])\.?\s?(?i:no\.?|number|nr\.?|#)?\s{{0,2}}{_TOP}(?i:{_PARTS}){_AFTER_WORD}(?P<rest>.*)$"
)
_SAID = re.compile(rf"{_DECOR}(?i:{WORDS})(?![A-Za-z])\.?\s?{_TOP}(?i:{_PARTS})(?=\s+[a-zäöü])(?P<rest>.*)$")
_BARE = re.compile(
    rf"{_DECOR}{_TOP}{_PARTS}(?:(?P<sep>(?:\s?[.):]|\s?\|)(?=\s|$|\*|_))|(?<=\))(?=\s)|(?=\s*$|\s+[A-ZÄÖÜ(\[\"“]))(?P<rest>.*)$"
)
_LOOSE = re.compile(
    rf"{_DECOR}(?P<top>\d{{1,2}}(?:\.\d{{1,2}}){{0,2}})(?P<parts>)\s+(?P<rest>[A-ZÄÖÜ\"“].*)$"
)
_SUB = re.compile(
    rf"{_DECOR}(?:(?i:part)\s?)?(?P<parts>(?:\(\s?{_PART}\s?\)\s?){{1,2}}|{_PART}[.)](?=\s|$)"
    r"|(?<=part\s|Part\s|PART\s)[A-Za-z](?=\s*[(:\[]|\s*$))(?P<rest>.*)$"
)
_TOKEN = re.compile(r"[a-z]+")
_OPENING = re.compile(r"^[\s.:)|*_–—-]+")


def normalise_number(text: str) -> str:
    """The one form of a question's number: "Q 2 (b)(ii)", "2b.ii" and "02 B ii" are all "2bii".

    A point between digits stays ("1.2"); anything between digits counts as such a point.
    """
    text = unicodedata.normalize("NFKC", text).lower()
    text = _JOIN.sub(".", _LEAD.sub("", text))
    text = _NOISE.sub("", _ZEROS.sub("", text))
    return re.sub(r"\.(?!\d)|(?<!\d)\.", "", text)


@dataclass(frozen=True)
class Label:
    """A number found at the start of a line. `levels` is ("2", "b", "ii"), or ("b",) without a top."""

    levels: tuple[str, ...]
    style: str
    """"keyword" for "Question 2", "said" for "Question 2 is ...", which prose can hold by chance, "bare"
    for "2.", "loose" for "2 Name ...", "sub" for "(b)"."""
    indent: int
    rest: str
    """What follows the number on its line."""

    @property
    def number(self) -> str:
        return "".join(self.levels)


def read_label(line: str, *, loose: bool = False) -> Label | None:
    """The question number that a line starts with, None if it starts with none.

    `loose` also takes a bare number followed by a capital ("2 Name the ..."), which prose can hold
    by chance.
    """
    head, tail = line[:200], line[200:]
    if not head.strip():
        return None
    patterns = [("keyword", _KEYWORD), ("said", _SAID), ("bare", _BARE), ("sub", _SUB)]
    if loose:
        patterns.insert(-1, ("loose", _LOOSE))
    for style, pattern in patterns:
        found = pattern.match(head)
        if found and not (style == "bare" and not found["sep"] and not found["parts"]):
            return _label(style, found, tail)
    return None


def _label(style: str, found: re.Match[str], tail: str) -> Label:
    top = found.groupdict().get("top")
    parts = split_parts(found["parts"])
    levels = ((_ZEROS.sub("", top),) if top else ()) + parts
    indent = len(found["indent"].expandtabs(4))
    return Label(levels, style, indent, _OPENING.sub("", found["rest"]) + tail)


def split_parts(text: str) -> tuple[str, ...]:
    """The parts below a question: "(b)(ii)" and "bii" are ("b", "ii")."""
    parts: list[str] = []
    for token in _TOKEN.findall(text.lower()):
        if len(token) > 1 and not _ROMAN.fullmatch(token):
            parts += [token[0], token[1:]]
        else:
            parts.append(token)
    return tuple(parts)


def nest(parts: tuple[str, ...], within: tuple[str, ...]) -> tuple[str, ...]:
    """The full levels of a part that is printed without its question, after the item `within`.

    After ("2", "b"), "c" is ("2", "c") and "i" is ("2", "b", "i"); after ("2", "h"), "i" is ("2", "i").
    """
    top, inner = within[:1], within[1:]
    if not inner or len(parts) > 1:
        return top + parts
    part, letter = parts[0], inner[0]
    if not _ROMAN.fullmatch(part) or (len(letter) == 1 and len(part) == 1 and ord(part) == ord(letter) + 1):
        return top + parts
    if len(inner) == 1 and _ROMAN.fullmatch(letter) and part != "i":
        return top + parts
    return (*top, letter, part)
