"""Where in the source an item stands, what stands before the first, and how sure its reading is."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from domain.documents.extraction import PAGE_BREAK, Extraction
from domain.documents.ocr import confidence_of_pages
from domain.grading.records import Guide
from domain.grading.totals import read_total

_LINE = re.compile(r"\bline (\d+)")
_ROW = re.compile(r"\btable (\d+) row (\d+)")
_PAGE = re.compile(r"\bpage (\d+)")
_MOST_INSTRUCTIONS = 20_000
"""Characters; a guide whose first item stands further down is mostly front matter."""
_FEWEST_WORDS = 4


def located(guide: Guide, extraction: Extraction) -> Guide:
    """The guide with its items' pages, the confidence of OCR in them, and general instructions apart."""
    places = Places(extraction)
    sure = confidence_of_pages(extraction.notes)
    items = []
    for item in guide.items:
        page = places.page_of(item.place)
        items.append(
            replace(item, page=page, confidence=round(item.confidence * sure.get(page or 1, 1.0), 2))
        )
    return replace(guide, items=tuple(items), instructions=_instructions(guide, extraction, places))


class Places:
    """Where in an extraction's text its rows and lines stand. Looked up, since guides have thousands."""

    def __init__(self, extraction: Extraction) -> None:
        self.extraction = extraction
        self.lines = extraction.text.splitlines()

    @cached_property
    def _first_line(self) -> dict[str, int]:
        """What a line says, without blanks and marks → the first line, from 1, that says it."""
        return {_plain(line): n for n, line in reversed([*enumerate(self.lines, 1)])}

    @cached_property
    def _breaks(self) -> list[int]:
        """The lines, from 1, that end a page."""
        return [n for n, line in enumerate(self.lines, 1) if line == PAGE_BREAK]

    def page_of(self, place: str) -> int | None:
        """The page, from 1; None in formats without pages."""
        if found := _PAGE.search(place):
            return int(found[1])
        if not self.extraction.n_pages:
            return None
        line = self.line_of(place)
        return 1 + bisect_left(self._breaks, line) if line is not None else None

    def line_of(self, place: str) -> int | None:
        """The line, from 1, on which what stands at `place` begins; None where that is not known."""
        if found := _LINE.search(place):
            return int(found[1])
        found = _ROW.search(place)
        if not found or int(found[1]) > len(self.extraction.tables):
            return None
        rows = self.extraction.tables[int(found[1]) - 1].rows
        at = int(found[2]) - 1
        return self.line_of_row(rows[at]) if at < len(rows) else None

    def line_of_row(self, cells: Sequence[str]) -> int | None:
        """The first line, from 1, that says what a row's cells say."""
        plain = _plain(" ".join(cells))
        return self._first_line.get(plain) if plain else None


def _plain(text: str) -> str:
    return re.sub(r"\W+", "", text)


def _instructions(guide: Guide, extraction: Extraction, places: Places) -> str:
    """What stands before the first item's place, without the title, totals and the header of its table."""
    if not guide.items:
        return ""
    first = guide.items[0]
    start = places.line_of(first.place)
    row = _ROW.search(first.place)
    if row and int(row[1]) <= len(extraction.tables):
        # The rows above belong to the table: its header.
        above = extraction.tables[int(row[1]) - 1].rows[: int(row[2]) - 1]
        begins = [n for cells in above if (n := places.line_of_row(cells)) is not None]
        start = min([*begins, *([start] if start else [])], default=None)
    kept = [
        line.strip()
        for line in places.lines[: (start or 1) - 1]
        if line.strip(" #*_\f|-") and line.strip(" #*_") != guide.title and read_total(line) is None
    ]
    text = "\n".join(kept)
    return text if len(text.split()) >= _FEWEST_WORDS and len(text) <= _MOST_INSTRUCTIONS else ""
