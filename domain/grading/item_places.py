"""Where in the source an item stands, what stands before the first, and how sure its reading is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

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
    lines = extraction.text.splitlines()
    sure = confidence_of_pages(extraction.notes)
    items = []
    for item in guide.items:
        page = page_of(item.place, extraction, lines)
        items.append(
            replace(item, page=page, confidence=round(item.confidence * sure.get(page or 1, 1.0), 2))
        )
    return replace(guide, items=tuple(items), instructions=_instructions(guide, extraction, lines))


def page_of(place: str, extraction: Extraction, lines: Sequence[str]) -> int | None:
    """The page, from 1; None in formats without pages."""
    if found := _PAGE.search(place):
        return int(found[1])
    line = line_of(place, extraction, lines)
    if line is None or not extraction.n_pages:
        return None
    return 1 + sum(text == PAGE_BREAK for text in lines[: line - 1])


def line_of(place: str, extraction: Extraction, lines: Sequence[str]) -> int | None:
    """The line, from 1, on which what stands at `place` begins; None where that is not known."""
    if found := _LINE.search(place):
        return int(found[1])
    found = _ROW.search(place)
    if not found or int(found[1]) > len(extraction.tables):
        return None
    rows = extraction.tables[int(found[1]) - 1].rows
    at = int(found[2]) - 1
    return _line_of_row(rows[at], lines) if at < len(rows) else None


def _line_of_row(cells: Sequence[str], lines: Sequence[str]) -> int | None:
    plain = re.sub(r"\W+", "", " ".join(cells))
    return next((n for n, line in enumerate(lines, 1) if plain and re.sub(r"\W+", "", line) == plain), None)


def _instructions(guide: Guide, extraction: Extraction, lines: Sequence[str]) -> str:
    """What stands before the first item's place, without the title, totals and the header of its table."""
    if not guide.items:
        return ""
    first = guide.items[0]
    start = line_of(first.place, extraction, lines)
    row = _ROW.search(first.place)
    if row and int(row[1]) <= len(extraction.tables):
        # The rows above belong to the table: its header.
        above = extraction.tables[int(row[1]) - 1].rows[: int(row[2]) - 1]
        begins = [n for cells in above if (n := _line_of_row(cells, lines)) is not None]
        start = min([*begins, *([start] if start else [])], default=None)
    kept = [
        line.strip()
        for line in lines[: (start or 1) - 1]
        if line.strip(" #*_\f|-") and line.strip(" #*_") != guide.title and read_total(line) is None
    ]
    text = "\n".join(kept)
    return text if len(text.split()) >= _FEWEST_WORDS and len(text) <= _MOST_INSTRUCTIONS else ""
