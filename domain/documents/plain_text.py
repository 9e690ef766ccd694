"""Plain text, and the charset of any text file."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from domain.documents.extraction import Draft, Limits
from domain.documents.media_types import unmarked_utf16

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    # The 32-bit mark begins with the 16-bit one, so it is tried first.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Decoded:
    """`notes` is empty exactly when the text was plain UTF-8."""

    text: str
    encoding: str
    notes: tuple[str, ...] = ()


def decode(content: bytes, declared: str | None = None) -> Decoded:
    """Text of any bytes, with Unix line ends; never raises.

    In order: byte order mark, strict UTF-8, UTF-16 by its NULs, UTF-8 with single damaged places,
    what the document declares, Windows-1252 if that reads as a Western text, the guess of
    charset-normalizer, Windows-1252 with replacements.
    """
    found = _decode(content, declared)
    return Decoded(found.text.replace("\r\n", "\n").replace("\r", "\n"), found.encoding, found.notes)


def _decode(content: bytes, declared: str | None) -> Decoded:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _marked(content, encoding)
    try:
        text = content.decode("utf-8")
        if "\x00" not in text or unmarked_utf16(content) is None:
            return Decoded(text, "utf-8")
    except UnicodeDecodeError:
        pass
    return (
        _unmarked_utf16(content)
        or _damaged_utf8(content)
        or _declared(content, declared)
        or _windows_1252(content)
        or _guessed(content)
        or _forced(content)
    )


def _marked(content: bytes, encoding: str) -> Decoded:
    text = content.decode(encoding, "replace")
    shown = encoding.removesuffix("-sig").upper()
    notes = [] if encoding == "utf-8-sig" else [f"read as {shown}, by its byte order mark"]
    if "\ufffd" in text:
        notes.append(f"some bytes are not {shown} and were replaced")
    return Decoded(text, encoding, tuple(notes))


def _unmarked_utf16(content: bytes) -> Decoded | None:
    encoding = unmarked_utf16(content)
    if encoding is None:
        return None
    return Decoded(content.decode(encoding, "replace"), encoding, (f"read as {encoding.upper()}, guessed",))


def _damaged_utf8(content: bytes) -> Decoded | None:
    # One bad byte must not turn every umlaut of a UTF-8 file into two Windows-1252 characters.
    text = content.decode("utf-8", "replace")
    n_bad = text.count("\ufffd")
    n_good = sum(byte >= 0xC2 for byte in content) - n_bad
    if n_bad == 0 or n_good < 10 * n_bad:
        return None
    return Decoded(text, "utf-8", (f"{n_bad} damaged places in the UTF-8 text were replaced",))


def _declared(content: bytes, declared: str | None) -> Decoded | None:
    if not declared:
        return None
    try:
        # Codecs such as "zlib" or "rot13" give no text, or not from bytes.
        text = codecs.decode(content, declared, "strict")
    # A declared name is untrusted: LookupError, UnicodeError, and whatever an odd codec raises.
    except Exception:
        return None
    return (
        Decoded(text, declared, (f"read as {declared}, as it declares",)) if isinstance(text, str) else None
    )


def _windows_1252(content: bytes) -> Decoded | None:
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        return None
    # Nearly any bytes decode; a Western text has few letters beyond ASCII.
    n_high = sum(not char.isascii() for char in text)
    if n_high > 0.3 * sum(not char.isspace() for char in text):
        return None
    return Decoded(text, "cp1252", ("not UTF-8: read as Windows-1252",))


def _guessed(content: bytes) -> Decoded | None:
    from charset_normalizer import from_bytes

    best = from_bytes(content[:200_000]).best()
    if best is None:
        return None
    text = content.decode(best.encoding, "replace")
    return Decoded(text, best.encoding, (f"not UTF-8: read as {best.encoding}, guessed",))


def _forced(content: bytes) -> Decoded:
    text = content.decode("cp1252", "replace")
    return Decoded(text, "cp1252", ("charset unknown: read as Windows-1252, with gaps",))


def read(content: bytes, name: str, limits: Limits) -> Draft:  # noqa: ARG001
    """The text as it is."""
    decoded = decode(content)
    return Draft(decoded.text, "text", notes=decoded.notes)
