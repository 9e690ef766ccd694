"""What extraction gives back, whatever the format was."""

from __future__ import annotations

from dataclasses import dataclass, field

EXTRACTOR_VERSION = "1"
"""Raise it when any extractor's output changes: it is part of every extraction's identity."""


@dataclass(frozen=True)
class Table:
    """A table in reading order: `rows[0]` is the header where the format marks one."""

    rows: tuple[tuple[str, ...], ...]
    page: int | None = None


@dataclass(frozen=True)
class Extraction:
    """A file's text and how it was won.

    `quality` is in [0, 1]: 1 for clean prose, near 0 for glyph soup. `language` is an ISO 639-1
    code or "und". `method` names the library that succeeded, e.g. "pypdf" or "pypdfium2".
    `media_type` is the content's type, decided by the bytes and not by the file's name.
    """

    text: str
    method: str
    media_type: str
    seconds: float
    quality: float
    language: str
    tables: tuple[Table, ...] = ()
    n_pages: int | None = None
    notes: tuple[str, ...] = field(default=())
    """What a person should know: a fallback that was taken, an encoding that was guessed."""
