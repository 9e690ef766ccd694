"""Pseudonyms of students, and their names taken out of texts.

A pseudonym is the beginning of an HMAC-SHA256 (RFC 2104) of the student's name or number: the same
under the same secret, and nothing that can be turned back without it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_DIGITS = 8
_TOKEN = re.compile(r"[^\W_]+")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_SHORTEST_PART, _SHORTEST_NUMBER, _SHORTEST_CODE = 3, 5, 3
_LABELS = frozenset(["mark", "marks"])
"""Names that are also what stands before a score."""
_BREAK = r"[\W_]{0,3}"
NO_EMAIL = "[address]"


def canonical(identity: str) -> str:
    """One form of a name or number, whatever its case, blanks and composed letters."""
    return " ".join(unicodedata.normalize("NFKC", identity).casefold().split())


def code(secret: bytes, kind: str, identity: str, digits: int = _DIGITS) -> str:
    """`kind` and the first hexadecimal digits of the HMAC: "student-7f3a9c2b"."""
    digest = hmac.new(secret, f"{kind}\x1f{canonical(identity)}".encode(), hashlib.sha256).hexdigest()
    return f"{kind}-{digest[:digits]}"


@dataclass(frozen=True)
class Person:
    """A student. `names` are replaced whole; their words too, where `by_words` has the name."""

    pseudonym: str
    names: frozenset[str]
    by_words: frozenset[str] = frozenset()


class Eraser:
    """Takes the names of a class out of texts."""

    def __init__(self, people: Iterable[Person]) -> None:
        everyone = list(people)
        # Of the others only names of several words: a single one ("Rose") may mean anything.
        known = sorted({(name, p.pseudonym) for p in everyone for name in p.names if _n_words(name) > 1})
        self._pseudonyms = {f"n{i}": pseudonym for i, (_, pseudonym) in enumerate(known)}
        patterns = [f"(?P<n{i}>{_whole(name)})" for i, (name, _) in enumerate(known)]
        self._others = [
            re.compile("|".join(patterns[i : i + 200]), re.IGNORECASE) for i in range(0, len(patterns), 200)
        ]

    def erase(self, text: str, own: Sequence[Person] = ()) -> str:
        """`text` without the names of its students `own`, anyone's full name and any e-mail address."""
        text = _EMAIL.sub(NO_EMAIL, text)
        for person in own:
            text = _without(text, person)
        for pattern in self._others:
            text = pattern.sub(lambda found: self._pseudonyms[str(found.lastgroup)], text)
        return text


def _without(text: str, person: Person) -> str:
    for name in sorted(person.names, key=len, reverse=True):
        if _is_telling(name):
            text = re.sub(_whole(name), person.pseudonym, text, flags=re.IGNORECASE)
    for word in sorted(
        {word for name in person.by_words for word in _TOKEN.findall(name)}, key=len, reverse=True
    ):
        if len(word) >= _SHORTEST_PART and word.isalpha():
            text = re.sub(_capitalised(word), person.pseudonym, text)
    return text


def _is_telling(name: str) -> bool:
    """Whether a name or number is long enough not to be anything else in an answer."""
    plain = "".join(_TOKEN.findall(name))
    if plain.isdigit():
        return len(plain) >= _SHORTEST_NUMBER
    if any(c.isdigit() for c in plain):
        return len(plain) >= _SHORTEST_CODE
    return _n_words(name) > 1


def _n_words(name: str) -> int:
    return len(_TOKEN.findall(name))


def _whole(name: str) -> str:
    """A pattern of the name in any punctuation, its words also in the reverse order ("Lovelace, Ada")."""
    words = [_letters(word) for word in _TOKEN.findall(unicodedata.normalize("NFKC", name))]
    orders = [words]
    if len(words) > 1:
        orders.append([words[-1], *words[:-1]])
    if len(words) > 2:
        orders += [[words[0], words[-1]], [words[-1], words[0]]]
    spelt = "|".join(_BREAK.join(order) for order in orders)
    return rf"(?<![^\W_])(?:{spelt})(?![^\W_])"


def _capitalised(word: str) -> str:
    forms = {word[0].upper() + word[1:], word.title(), word.upper()}
    spelt = "|".join(_letters(form) for form in sorted(forms))
    ahead = r"(?!\s*[:=])" if word.casefold() in _LABELS else ""
    return rf"(?<![^\W_])(?:{spelt})(?![^\W_]){ahead}"


def _letters(word: str) -> str:
    """The letters of a word, those with accents also without, composed or not."""
    spelt = []
    for letter in unicodedata.normalize("NFC", word):
        apart = unicodedata.normalize("NFD", letter)
        if len(apart) > 1:
            spelt.append(
                f"(?:{re.escape(letter)}|{re.escape(apart[0])}{re.escape(apart[1:])}|{re.escape(apart[0])})"
            )
        else:
            spelt.append(re.escape(letter))
    return "".join(spelt)
