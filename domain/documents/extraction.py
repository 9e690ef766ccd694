"""What extraction gives back, whatever the format was, and how large a document may be."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

EXTRACTOR_VERSION = "3"
"""Raise it when any extractor's output changes: it is part of every extraction's identity."""

PAGE_BREAK = "\f"
"""Stands alone on a line between two pages of a paged format."""


@dataclass(frozen=True)
class Limits:
    """What is refused, so that one file cannot take the machine. Source of the first three: FACTS.md."""

    max_bytes: int = 25_000_000
    max_pages: int = 500
    max_chars: int = 2_000_000
    """Of a document's text; JSON, JSONL and CSV are bounded by `max_bytes` alone."""
    max_unpacked_bytes: int = 200_000_000
    """Of all parts of a zipped format together, as its central directory declares them."""
    max_xml_bytes: int = 30_000_000
    """Of one XML part: its tree takes 10 to 30 times as much memory."""


@dataclass(frozen=True)
class Table:
    """A table in reading order: `rows[0]` is the header where the format marks one.

    Cells may hold several lines; merged cells have their text once and "" where they continue.
    """

    rows: tuple[tuple[str, ...], ...]
    page: int | None = None


@dataclass(frozen=True)
class Draft:
    """What one format's reader makes of a file's bytes, before it is cleaned and judged."""

    text: str
    method: str
    tables: tuple[Table, ...] = ()
    n_pages: int | None = None
    notes: tuple[str, ...] = ()


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

    def to_json(self) -> str:
        """One JSON object, for the store or for the parent of a walled child process."""
        return json.dumps(self.to_fields(), ensure_ascii=False)

    def to_fields(self) -> dict[str, Any]:
        """What `to_json` writes, as a dict."""
        # Not dataclasses.asdict: it copies every value, which costs more than writing them.
        tables = [{"rows": table.rows, "page": table.page} for table in self.tables]
        return {**vars(self), "tables": tables}

    @classmethod
    def from_json(cls, written: str) -> Extraction:
        """The inverse of `to_json`. Raises ValueError, KeyError or TypeError on anything else."""
        return cls.from_fields(json.loads(written))

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> Extraction:
        """The inverse of `to_fields`, from what JSON makes of it; raises as `from_json`."""
        tables = tuple(
            Table(tuple(tuple(row) for row in table["rows"]), table["page"]) for table in fields["tables"]
        )
        return cls(**{**fields, "tables": tables, "notes": tuple(fields["notes"])})
