"""A guide beside its source, as one HTML page on which a person checks what the parser made of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from domain.documents.extraction import PAGE_BREAK, Extraction
from domain.grading.item_places import Places
from domain.grading.mark_codes import codes_in
from domain.grading.records import Guide, Item
from domain.reports.pages import page_of

_TEMPLATE = Path(__file__).with_name("guide_template.html.j2")
_ITEM_IN_PROBLEM = re.compile(r"^item (\S+) \(")
_MOST_LINES = 5000


@dataclass(frozen=True)
class SourceLine:
    """A line of the source: `number` counts from 1; `items` are those that begin on it."""

    number: int
    text: str
    page: int | None
    """Where a page begins with this line, its number."""
    items: tuple[str, ...]
    belongs: int
    """Which item the line is part of, counted from 1; 0 above the first."""


@dataclass(frozen=True)
class ItemCard:
    item: Item
    line: int | None
    """Where it begins in the source, None where that is not known."""
    problems: tuple[str, ...]


def guide_page(guide: Guide, extraction: Extraction, name: str) -> str:
    """The page, self-contained: source on the left, items on the right, each linked to the other."""
    places = Places(extraction)
    lines, starts = places.lines, [places.line_of(item.place) for item in guide.items]
    told: dict[str, list[str]] = {}
    general: list[str] = []
    for problem in guide.problems:
        found = _ITEM_IN_PROBLEM.match(problem)
        told.setdefault(found[1], []).append(problem) if found else general.append(problem)
    cards = [
        ItemCard(item, line, tuple(told.pop(item.number, ())))
        for item, line in zip(guide.items, starts, strict=True)
    ]
    general += [problem for several in told.values() for problem in several]
    return page_of(
        _TEMPLATE,
        guide=guide,
        name=name,
        cards=cards,
        problems=general,
        lines=_source(lines, cards),
        n_left_out=max(len(lines) - _MOST_LINES, 0),
        read_by=extraction.method,
        notes=extraction.notes,
        codes=codes_in(
            text
            for item in guide.items
            for text in (item.model_answer, item.guidance, *(point.text for point in item.criteria))
        ),
    )


def _source(lines: list[str], cards: list[ItemCard]) -> list[SourceLine]:
    by_line: dict[int, list[int]] = {}
    for n, card in enumerate(cards, 1):
        if card.line is not None:
            by_line.setdefault(card.line, []).append(n)
    shown: list[SourceLine] = []
    belongs, page, begins = 0, 1, PAGE_BREAK in lines
    for number, text in enumerate(lines[:_MOST_LINES], 1):
        if text == PAGE_BREAK:
            page, begins = page + 1, True
            continue
        items = by_line.get(number, [])
        belongs = items[-1] if items else belongs
        names = tuple(cards[n - 1].item.number for n in items)
        shown.append(SourceLine(number, text, page if begins else None, names, belongs))
        begins = False
    return shown
