"""From a document's text to a checked marking guide.

Each layout (prose, tables, JSON) makes its own candidate; the one with the most whole items is
kept, then checked: its marks are tallied against every total that it states, and what does not
balance is told in `Guide.problems`, never guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import PurePath

from domain.documents.extraction import Extraction
from domain.documents.ocr import doubtful_pages
from domain.grading.drafts import Candidate, Draft
from domain.grading.formats.gift import is_aiken, is_gift, read_aiken, read_gift
from domain.grading.formats.moodle_xml import is_moodle_xml, read_moodle_xml
from domain.grading.formats.notebooks import foreign_guide
from domain.grading.formats.qti import is_qti, read_qti
from domain.grading.glued_tables import read_glued
from domain.grading.guide_sections import read_sections
from domain.grading.item_places import located
from domain.grading.json_fields import load_json
from domain.grading.json_guides import read_json_guide
from domain.grading.marks_notation import join_broken_marks
from domain.grading.number_gaps import missing_numbers
from domain.grading.prose_guides import read_prose, read_unnumbered
from domain.grading.records import Criterion, Guide, Item
from domain.grading.table_guides import read_tables

Layout = Callable[[Extraction], Candidate]
LAYOUTS: tuple[Layout, ...] = (
    lambda extraction: read_tables(extraction).preferred(1.5),
    lambda extraction: read_prose(join_broken_marks(extraction.text)),
    lambda extraction: read_prose(join_broken_marks(extraction.text), loose=True),
    lambda extraction: read_sections(join_broken_marks(extraction.text)),
    lambda extraction: read_glued(extraction).preferred(1.2),
    lambda extraction: read_unnumbered(join_broken_marks(extraction.text)),
)
"""In order of preference among equally good candidates. A header that names the columns is worth more than a
few items that prose finds beside it."""

_SLACK = 1e-6


def parse_guide(extraction: Extraction, name: str) -> Guide:
    """The guide in a document named `name`; whatever is wrong with it is in `problems`.

    An item without a model answer takes its marking points as one. Without a title, the guide is
    named by its file. Raises InputError for JSON whose fields have the wrong types.
    """
    structured = _structured(extraction, name)
    if structured is not None:
        return settle(structured, name)
    candidates = [layout(extraction) for layout in LAYOUTS]
    best = max(candidates, key=lambda candidate: (candidate.confidence, bool(candidate.drafts)))
    guide = located(settle(best, name), extraction)
    return replace(guide, problems=(*guide.problems, *doubtful_pages(extraction.notes)))


def _structured(extraction: Extraction, name: str) -> Candidate | None:
    """What a format that was made for questions says; None for documents that people lay out."""
    text, kind = extraction.text, extraction.media_type
    if "json" in kind or "yaml" in kind:
        return foreign_guide(load_json(text, name)) or read_json_guide(text, name)
    if is_moodle_xml(text):
        return read_moodle_xml(text, name)
    if is_qti(text):
        return read_qti(text, name)
    if "plain" in kind or "markdown" in kind:
        if is_aiken(text):
            return read_aiken(text)
        if is_gift(text):
            return read_gift(text)
    return None


def settle(candidate: Candidate, name: str) -> Guide:
    """The guide of a candidate, with every disagreement as a sentence."""
    problems = list(candidate.problems)
    if not candidate.drafts:
        problems.append(
            "no questions were found: number them (1., 2., ...) and give each its marks, such as [3]"
        )
    elif not any(draft.marks or _sum(draft) for draft in candidate.drafts):
        problems.append("no marks were found: give each question its marks, such as [3] or (3 marks)")
    items = tuple(_item(draft) for draft in candidate.drafts)
    total = sum(item.max_score for item in items)
    balanced = candidate.stated_total is not None and abs(total - candidate.stated_total) < _SLACK
    counts = Counter(item.number for item in items)
    problems += [
        f"item {number} appears {n} times: number each item once" for number, n in counts.items() if n > 1
    ]
    if not balanced:
        problems += [
            f"no item {missing} was found before {after}: check that none was missed"
            for missing, after in missing_numbers([draft.levels for draft in candidate.drafts])
        ]
    for draft, item in zip(candidate.drafts, items, strict=True):
        problems += _problems_of(draft, item, balanced)
    problems += _untallied(candidate, items, total)
    title = candidate.title.strip() or PurePath(name).stem
    told = tuple(dict.fromkeys(problems))
    return Guide(title, items, candidate.stated_total, told, candidate.instructions)


def _item(draft: Draft) -> Item:
    points = tuple(Criterion(point.text, point.marks or 0.0) for point in draft.points)
    return Item(
        number=draft.number,
        question=draft.question,
        model_answer=draft.answer or "\n".join(point.text for point in draft.points),
        max_score=draft.marks[0] if draft.marks else _sum(draft),
        criteria=points,
        alternatives=draft.alternatives,
        place=draft.place,
        not_accepted=draft.not_accepted,
        guidance=draft.guidance,
        confidence=draft.confidence,
    )


def _sum(draft: Draft) -> float:
    return sum(point.marks or 0.0 for point in draft.points)


def _problems_of(draft: Draft, item: Item, balanced: bool) -> Iterator[str]:
    named = f"item {item.number} ({draft.place})"
    if not item.model_answer.strip():
        yield f"{named} has no model answer: add one, or marking points"
    if len(set(draft.marks)) > 1:
        stated = " and ".join(f"{value:g}" for value in dict.fromkeys(draft.marks))
        yield f"{named} states different marks, {stated}: keep the right one"
    points = _sum(draft)
    if not draft.marks and not points:
        yield f"{named} states no marks: say what it is worth"
    elif not draft.marks and (draft.limited or not balanced):
        yield f"{named} states no marks, its marking points add up to {points:g}: say what it is worth"
    elif draft.marks and item.max_score <= 0:
        yield f"{named} is worth {item.max_score:g} marks: say what it is worth"
    if not draft.marks or not points:
        return
    if draft.limited and points < item.max_score - _SLACK:
        worth = f"{named} is worth {item.max_score:g} marks"
        yield f"{worth}, but all its marking points add up to only {points:g}"
    elif not draft.limited and abs(points - item.max_score) > _SLACK:
        yield f"{named} is worth {item.max_score:g} marks, but its marking points add up to {points:g}"


def _untallied(candidate: Candidate, items: Sequence[Item], total: float) -> Iterator[str]:
    for number, stated in candidate.parent_marks.items():
        parts = [
            item.max_score
            for item, draft in zip(items, candidate.drafts, strict=True)
            if "".join(draft.levels).startswith(number) and _is_within(draft.levels, number)
        ]
        if parts and abs(sum(parts) - stated) > _SLACK:
            yield f"question {number} states {stated:g} marks, but its parts add up to {sum(parts):g}"
    if candidate.stated_total is not None and abs(total - candidate.stated_total) > _SLACK and items:
        yield f"the items add up to {total:g} marks, the guide states {candidate.stated_total:g}"


def _is_within(levels: tuple[str, ...], number: str) -> bool:
    # "1.2" is within "1", as "1a" is.
    return levels[0].split(".")[0] == number or any(
        "".join(levels[:n]) == number for n in range(1, len(levels) + 1)
    )
