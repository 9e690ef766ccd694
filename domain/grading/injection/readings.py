"""The ways in which a text can be read: as it stands, without disguise of its letters, or decoded.

A model reads through disguises that patterns miss, so each is undone before anything is looked for.
Every character of a reading knows the place in the text from which it came.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

_LOOKALIKES = str.maketrans(
    "авекмнорстухіјѕԁɡӏοαερικνυχτßᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ",
    "abekmhopctyxijsdgloaepiknuxtsabcdefghijklmnoprstuvwyz",
)
_LEET = str.maketrans("013457@$!|", "oieastasil")
_ROT13 = str.maketrans("abcdefghijklmnopqrstuvwxyz", "nopqrstuvwxyzabcdefghijklm")
_LEET_WORD = re.compile(r"[a-z][013457@$!|]+[a-z]|\b[013457@$!|]+[a-z]{2}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}")
_HEX = re.compile(r"(?:(?:0x|\\x)?[0-9a-fA-F]{2}[ ,:]?){12,}")
_BINARY = re.compile(r"(?:[01]{8}[ ,]?){8,}")
_PERCENT = re.compile(r"(?:%[0-9a-fA-F]{2}|[A-Za-z0-9._~-]){20,}")
_ENTITIES = re.compile(r"(?:&#x?[0-9a-fA-F]{1,6};[ ]?){6,}")
_ESCAPES = re.compile(r"(?:\\u[0-9a-fA-F]{4}){6,}")
_SPACED = re.compile(r"(?<!\w)(?:[^\W_][ ._*|-]{1,3}){7,}[^\W_](?!\w)")
_MORSE = re.compile(r"(?:[.-]{1,5}[ /]{1,3}){12,}[.-]{1,5}")
_LETTER = re.compile(r"([^\W_])([\W_]*)")
_LEAST_SAID = 6
_MORSE_LETTERS = {
    ".-": "a", "-...": "b", "-.-.": "c", "-..": "d", ".": "e", "..-.": "f", "--.": "g",
    "....": "h", "..": "i", ".---": "j", "-.-": "k", ".-..": "l", "--": "m", "-.": "n",
    "---": "o", ".--.": "p", "--.-": "q", ".-.": "r", "...": "s", "-": "t", "..-": "u",
    "...-": "v", ".--": "w", "-..-": "x", "-.--": "y", "--..": "z",
}  # fmt: skip


@dataclass(frozen=True)
class Reading:
    """A text as it might be read, in lower case and without accents; `disguise` says what was undone."""

    text: str
    places: Sequence[int]
    """Of each character, where it stands in the original."""
    disguise: str = ""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the original from which `text[start:end]` was read."""
        ends = (self.places[start], self.places[end - 1])
        return min(ends), max(ends) + 1


def readings(text: str) -> Iterator[Reading]:
    """The plain reading first, then every one that some disguise in the text gives reason for."""
    plain = plain_reading(text)
    yield plain
    if _LEET_WORD.search(plain.text):
        yield Reading(plain.text.translate(_LEET), plain.places, "digits in place of letters")
    yield Reading(plain.text.translate(_ROT13), plain.places, "letters shifted by 13 (rot13)")
    yield Reading(plain.text[::-1], plain.places[::-1], "text written backwards")
    yield from _spaced(plain)
    yield from _decoded(text)


def plain_reading(text: str) -> Reading:
    """Lower case, without accents and invisible characters, look-alike letters as Latin ones."""
    if text.isascii():
        return Reading(text.lower(), range(len(text)))
    letters, places = [], []
    for place, letter in enumerate(text):
        folded = _fold(letter)
        letters.append(folded)
        places.extend([place] * len(folded))
    return Reading("".join(letters), places)


@lru_cache(maxsize=4096)
def _fold(letter: str) -> str:
    code = ord(letter)
    if 0xE0020 <= code <= 0xE007E:
        return chr(code - 0xE0000).lower()
    if 0x1F1E6 <= code <= 0x1F1FF:
        return chr(code - 0x1F1E6 + ord("a"))
    parts = unicodedata.normalize("NFKD", letter)
    kept = "".join(part for part in parts if unicodedata.category(part) not in ("Mn", "Cf"))
    return kept.casefold().translate(_LOOKALIKES)


def _spaced(plain: Reading) -> Iterator[Reading]:
    """Words written with a gap after each letter; wider gaps stay, so that words can be told apart."""
    letters: list[str] = []
    places: list[int] = []
    for match in _SPACED.finditer(plain.text):
        parts = list(_LETTER.finditer(match[0]))
        gap = min(len(part[2]) for part in parts[:-1])
        for part in parts:
            said = part[1] + (" " if len(part[2]) > gap else "")
            letters.append(said)
            places.extend([plain.places[match.start() + part.start()]] * len(said))
        letters.append("\n")
        places.append(plain.places[match.end() - 1])
    if letters:
        yield Reading("".join(letters), places, "letters set apart")


def _decoded(text: str) -> Iterator[Reading]:
    """For each way of encoding, all that is so encoded, a line for each piece."""
    for pattern, decode, name in _ENCODINGS:
        lines: list[str] = []
        places: list[int] = []
        for match in pattern.finditer(text):
            said = decode(match[0])
            if len(said) < _LEAST_SAID or sum(c.isprintable() or c.isspace() for c in said) < 0.9 * len(said):
                continue
            inner = plain_reading(said)
            wide = match.end() - match.start()
            lines += [inner.text, "\n"]
            places += [match.start() + place * wide // len(said) for place in inner.places]
            places.append(match.end() - 1)
        if lines:
            yield Reading("".join(lines), places, f"text encoded as {name}")


def _from_base64(run: str) -> str:
    kept = run.rstrip("=").replace("-", "+").replace("_", "/")
    kept = kept[: len(kept) - (len(kept) % 4 == 1)]
    return base64.b64decode(kept + "=" * (-len(kept) % 4)).decode("utf-8", "ignore")


def _from_hex(run: str) -> str:
    digits = re.sub(r"0x|\\x|[ ,:]", "", run)
    try:
        return bytes.fromhex(digits[: len(digits) // 2 * 2]).decode("utf-8", "ignore")
    except (ValueError, binascii.Error):
        return ""


def _from_binary(run: str) -> str:
    return bytes(int(octet, 2) for octet in re.findall("[01]{8}", run)).decode("utf-8", "ignore")


def _from_percent(run: str) -> str:
    return unquote(run, errors="ignore") if run.count("%") >= 3 else ""


def _from_escapes(run: str) -> str:
    return "".join(chr(int(code, 16)) for code in re.findall(r"\\u([0-9a-fA-F]{4})", run))


def _from_morse(run: str) -> str:
    words = re.split(r" ?/ ?| {2,}", run)
    return " ".join("".join(_MORSE_LETTERS.get(sign, "") for sign in word.split()) for word in words)


_ENCODINGS = (
    (_BASE64, _from_base64, "base64"),
    (_HEX, _from_hex, "hexadecimal"),
    (_BINARY, _from_binary, "binary digits"),
    (_PERCENT, _from_percent, "percent signs"),
    (_ENTITIES, html.unescape, "HTML entities"),
    (_ESCAPES, _from_escapes, "escaped characters"),
    (_MORSE, _from_morse, "Morse code"),
)
