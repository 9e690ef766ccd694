"""From a language model's replies to a guide whose every word and number was checked against the source.

A wording that is not in the source is refused; numbers that do not tally are told. Nothing is mended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from domain.errors import ReplyError
from domain.grading.drafts import Candidate, Draft, Point
from domain.grading.guides import settle
from domain.grading.marks_notation import has_limit, take_marks
from domain.grading.numbering import normalise_number, read_label
from domain.grading.records import Guide
from domain.grading.source_text import Found, SourceText, numbers_in, plain
from domain.grading.totals import read_total
from domain.grading.vocabulary import read_field
from domain.language_models import Answered, Reply

_WHOLE = ("question", "model_answer", "criteria")
"""Fields that hold whole sentences or points of the guide."""
_NOWHERE = "this wording does not stand in the guide"
_MOST_UNREAD_WORDS = 12
"""Of consecutive lines that no item claims although they state marks."""


@dataclass(frozen=True)
class Refusal:
    """A value of the model's that the source does not bear out; `item` is "" for the guide as a whole."""

    item: str
    field: str
    value: str
    reason: str
    kind: Literal["wording", "part", "number", "structure"]
    """"wording": not in the guide at all; "part": only a part of a sentence there."""

    def __str__(self) -> str:
        named = f"item {self.item}" if self.item else "the guide"
        said = f", {self.value[:80]!r}" if self.value else ""
        return f"{named}, {self.field}{said}: {self.reason}"


@dataclass(frozen=True)
class ModelParse:
    """What a language model made of a guide, after the checks.

    `guide.problems` are marks that do not tally. `unread` are the lines of the source, from the first
    item on, that no item claims, as "line 12: ...": notes to examiners, or what the model passed over.
    """

    guide: Guide
    refusals: tuple[Refusal, ...]
    unread: tuple[str, ...]
    model: str = ""

    @property
    def is_verified(self) -> bool:
        """Whether it may stand by itself: every wording is in the source and all marks tally."""
        return bool(self.guide.items) and not self.refusals and not self.guide.problems

    def refused(self, item: str, field: str) -> Refusal | None:
        """What is wrong with a field, wordings before numbers; None where nothing is."""
        found = [r for r in self.refusals if (r.item, r.field) == (item, field)]
        return min(found, key=lambda refusal: refusal.kind != "wording", default=None)


def read_items(replies: Sequence[Answered], source_text: str, name: str) -> ModelParse:
    """The guide in the replies to `requests_for`, each of its words looked up in the source.

    Raises ReplyError, with its kind, where a part of the guide has no reply: half a guide is none.
    """
    for answered in replies:
        if isinstance(answered, ReplyError):
            raise answered
    told = [answered for answered in replies if isinstance(answered, Reply)]
    source = SourceText(source_text)
    refusals: list[Refusal] = []
    items = _merged([_without_empty(reply.data["items"]) for reply in told], refusals)
    lines: dict[tuple[str, str], tuple[int, ...]] = {}
    for item in items:
        _look_up(item, source, lines, refusals)
    regions = _regions(items, lines, len(source.lines))
    for item in items:
        refusals += _unstated(item, source, regions[item["number"]])
    refusals += _left_out(source, lines)
    title, total = _about([reply.data for reply in told], source, refusals)
    drafts = tuple(_draft(item, source, lines) for item in items)
    guide = settle(Candidate(title, drafts, total), name)
    models = dict.fromkeys(f"{reply.provider}:{reply.model}" for reply in told)
    unread = tuple(f"line {n}: {source.line(n)[:200]}" for n in _unclaimed(source, lines))
    return ModelParse(guide, tuple(dict.fromkeys(refusals)), unread, ", ".join(models))


def wordings(item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Field and text of everything that an item quotes."""
    for field in ("starts_with", "question", "model_answer"):
        if item[field].strip():
            yield field, item[field]
    for point in item["criteria"]:
        yield "criteria", point["text"]
    for field in ("alternatives", "not_accepted"):
        for text in item[field]:
            yield field, text


def _without_empty(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Items under normalised numbers, without the empty entries that some models put into lists."""
    return [
        {
            **item,
            "number": normalise_number(item["number"]) or item["number"].strip(),
            "criteria": [point for point in item["criteria"] if plain(point["text"])],
            "alternatives": [text for text in item["alternatives"] if plain(text)],
            "not_accepted": [text for text in item["not_accepted"] if plain(text)],
        }
        for item in items
    ]


def _merged(parts: Sequence[list[dict[str, Any]]], refusals: list[Refusal]) -> list[dict[str, Any]]:
    """The items of all parts; one that two neighbouring parts share counts once, if both read it alike."""
    merged: list[dict[str, Any]] = []
    for items in parts:
        before = {item["number"]: i for i, item in enumerate(merged)}
        for item in items:
            at = before.get(item["number"])
            if at is None:
                merged.append(item)
            elif _same(merged[at], item) or _says_all_of(merged[at], item):
                continue
            elif _says_all_of(item, merged[at]):
                merged[at] = item
            else:
                reason = "two parts of the guide that overlap were read differently"
                refusals.append(Refusal(item["number"], "item", item["question"], reason, "structure"))
    return merged


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return _says_all_of(one, other) and _says_all_of(other, one)


def _says_all_of(whole: Mapping[str, Any], part: Mapping[str, Any]) -> bool:
    """Whether `part` is `whole` cut off by the end of what the model was shown."""
    said = [(field, plain(text)) for field, text in wordings(whole)]
    points = [(plain(point["text"]), point["marks"]) for point in whole["criteria"]]
    return (
        part["max_score"] in (whole["max_score"], None)
        and all(any(f == g and plain(text) in known for g, known in said) for f, text in wordings(part))
        and all((plain(point["text"]), point["marks"]) in points for point in part["criteria"])
    )


def _look_up(
    item: Mapping[str, Any],
    source: SourceText,
    lines: dict[tuple[str, str], tuple[int, ...]],
    refusals: list[Refusal],
) -> None:
    """Notes the lines of each of an item's wordings, and refuses those that are not there."""
    number = item["number"]
    start = 1
    for field, text in wordings(item):
        # Later wordings are looked for after the item's beginning first: two items may share words.
        found = source.find(text, after=start)
        if not found:
            refusals.append(Refusal(number, field, text, _NOWHERE, "wording"))
            continue
        if field == "starts_with":
            start = found[0].first
        elif field in _WHOLE and (found[0].cut_before or found[-1].cut_after):
            reason = f"the sentence goes on in the guide: {source.line(found[-1].last)[:200]!r}"
            refusals.append(Refusal(number, field, text, reason, "part"))
        lines[number, field] = tuple(sorted({*lines.get((number, field), ()), *_all(found)}))
    if not item["starts_with"].strip():
        refusals.append(Refusal(number, "starts_with", "", "nothing says where it begins", "structure"))
    elif not _is_number_of(number, item["starts_with"]):
        reason = f"its entry begins with {item['starts_with'][:40]!r}"
        refusals.append(Refusal(number, "number", number, reason, "number"))


def _is_number_of(number: str, beginning: str) -> bool:
    """Whether an item's number is the one that its entry begins with, if that begins with one."""
    label = read_label(beginning)
    if label is None:
        return True
    # A part printed without its question, "(b)", or a question whose first part stands on its line.
    return number.endswith(label.number) if label.style == "sub" else number.startswith(label.number)


def _all(found: Sequence[Found]) -> list[int]:
    return [line for one in found for line in one.lines]


def _regions(
    items: Sequence[Mapping[str, Any]], lines: Mapping[tuple[str, str], tuple[int, ...]], n_lines: int
) -> dict[str, frozenset[int]]:
    """By item, the lines where its numbers may stand: those of its wordings, and what lies between them
    and the nearest wordings of others."""
    owners: dict[int, set[str]] = {}
    for (number, _), places in lines.items():
        for line in places:
            owners.setdefault(line, set()).add(number)
    taken = sorted(owners)
    regions: dict[str, set[int]] = {item["number"]: set() for item in items}
    previous: int | None = None
    for line in [*taken, n_lines + 1]:
        gap = range((previous or 0) + 1, line)
        for owner in owners.get(previous or 0, set()) | owners.get(line, set()):
            regions[owner].update(gap)
        for owner in owners.get(line, ()):
            regions[owner].add(line)
        previous = line
    return {number: frozenset(region) for number, region in regions.items()}


def _unstated(item: Mapping[str, Any], source: SourceText, region: Iterable[int]) -> Iterator[Refusal]:
    """Marks that do not stand anywhere near the item."""
    stated = numbers_in("\n".join(source.line(line) for line in region))
    reason = "this number does not stand near the item"
    if item["max_score"] is not None and item["max_score"] not in stated:
        yield Refusal(item["number"], "max_score", f"{item['max_score']:g}", reason, "number")
    for point in item["criteria"]:
        if point["marks"] is not None and point["marks"] not in stated:
            value = f"{point['text']} [{point['marks']:g}]"
            yield Refusal(item["number"], "criteria", value, reason, "number")


def _unclaimed(source: SourceText, lines: Mapping[tuple[str, str], tuple[int, ...]]) -> Iterator[int]:
    """Lines below the first item that say something no item has; labels, totals and bare marks do not."""
    claimed = {line for places in lines.values() for line in places}
    for number in range(min(claimed, default=len(source.lines) + 1), len(source.lines) + 1):
        line = source.line(number)
        if number in claimed or read_total(line) is not None or read_total(line.strip("|* ")) is not None:
            continue
        label = read_field(line)
        rest = label.rest if label is not None else line
        if plain(take_marks(rest).text) and not (label is not None and label.name == "marks"):
            yield number


def _left_out(source: SourceText, lines: Mapping[tuple[str, str], tuple[int, ...]]) -> Iterator[Refusal]:
    """Stretches that state marks and that no item claims: a question that was left out."""
    claimed = {line for places in lines.values() for line in places}
    stretch: list[int] = []
    for number in range(1, len(source.lines) + 2):
        if number <= len(source.lines) and number not in claimed:
            stretch.append(number)
            continue
        texts = [source.line(line) for line in stretch if not read_total(source.line(line))]
        n_marks = sum(take_marks(text).marks is not None for text in texts)
        if n_marks and len(" ".join(texts).split()) > _MOST_UNREAD_WORDS:
            where = f"lines {stretch[0]} to {stretch[-1]}"
            yield Refusal("", "items", "", f"{where} state marks, and no item has them", "structure")
        stretch = []


def _about(
    told: Sequence[Mapping[str, Any]], source: SourceText, refusals: list[Refusal]
) -> tuple[str, float | None]:
    """The title and the stated total, where all parts that state one agree and the source has it."""
    title = next((part["title"].strip() for part in told if part["title"]), "")
    if title and not source.find(title):
        refusals.append(Refusal("", "title", title, _NOWHERE, "wording"))
        title = ""
    totals = list(dict.fromkeys(float(t) for part in told if (t := part["stated_total"]) is not None))
    if len(totals) > 1:
        several = " and ".join(f"{total:g}" for total in totals)
        reason = "parts of the guide were read differently"
        refusals.append(Refusal("", "stated_total", several, reason, "structure"))
        return title, None
    total = totals[0] if totals else None
    if total is not None and total not in numbers_in("\n".join(source.lines)):
        reason = "this number does not stand in the guide"
        refusals.append(Refusal("", "stated_total", f"{total:g}", reason, "number"))
    return title, total


def _draft(
    item: Mapping[str, Any], source: SourceText, lines: Mapping[tuple[str, str], tuple[int, ...]]
) -> Draft:
    number = item["number"]
    places = [place for (owner, _), found in lines.items() if owner == number for place in found[:1]]
    return Draft(
        number=number,
        levels=(number,),
        place=f"line {min(places)}" if places else "nowhere in the guide",
        question=item["question"].strip(),
        answer=item["model_answer"].strip(),
        marks=() if item["max_score"] is None else (float(item["max_score"]),),
        points=tuple(Point(point["text"].strip(), point["marks"]) for point in item["criteria"]),
        limited=_is_limited(number, source, lines),
        alternatives=tuple(text.strip() for text in item["alternatives"]),
        not_accepted=tuple(text.strip() for text in item["not_accepted"]),
    )


def _is_limited(number: str, source: SourceText, lines: Mapping[tuple[str, str], tuple[int, ...]]) -> bool:
    """Whether the guide itself says, among an item's answer and points, that not all of them count."""
    asked = {n for field in ("starts_with", "question") for n in lines.get((number, field), ())}
    told = {n for field in ("model_answer", "criteria") for n in lines.get((number, field), ())}
    others = {n for (owner, _), places in lines.items() if owner != number for n in places}
    first = min(asked | told, default=1)
    between = set(range(first, max(told, default=0) + 1)) - asked - others
    return any(has_limit(source.line(n)) for n in between | told)
