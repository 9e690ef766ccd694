"""Whether a guide bears out what somebody read in it: each wording is looked up, each number looked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from domain.grading.marks_notation import has_limit, take_marks
from domain.grading.numbering import read_label
from domain.grading.source_text import SourceText, Span, numbers_in
from domain.grading.totals import read_total
from domain.grading.vocabulary import read_field

WHOLE = ("question", "model_answer", "criteria")
"""Fields that hold whole sentences or points of the guide."""
OWN = ("model_answer", "criteria", "alternatives")
"""Fields that two items hardly share; the stem of a question its parts do."""
NOWHERE = "this wording does not stand in the guide"
_MOST_UNREAD_WORDS = 12
"""Of consecutive lines that no item claims although they state marks."""

Told = Mapping[str, Any]
"""An item as the model told it, in the shape of `guide_requests.SCHEMA`."""


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


def wordings(item: Told) -> Iterator[tuple[str, str]]:
    """Field and text of everything that an item quotes."""
    for field in ("starts_with", "question", "model_answer"):
        if item[field].strip():
            yield field, item[field]
    for point in item["criteria"]:
        yield "criteria", point["text"]
    for field in ("alternatives", "not_accepted"):
        for text in item[field]:
            yield field, text


class Claims:
    """Where in the source each wording of each item stands. Lines count from 1."""

    def __init__(self, items: Sequence[Told], source: SourceText) -> None:
        self._items = items
        self._source = source
        self._spans: list[Span] = []
        self._taken: list[Span] = []
        """Those of `_spans` that are no item's beginning: a question may stand in the same words."""
        self._lines: dict[tuple[str, str], set[int]] = defaultdict(set)
        self._refused = [refusal for item in items for refusal in self._look_up(item)]

    def refusals(self) -> Iterator[Refusal]:
        """Everything that the source does not bear out."""
        yield from self._refused
        yield from self._shared()
        for item in self._items:
            yield from self._misnumbered(item)
            yield from self._unstated(item)
        yield from self._left_out()

    def unread(self) -> Iterator[str]:
        """What stands below the first item and no item has, as "line 12: ...". Labels, numbers of
        questions, marks and totals are no loss."""
        for number in range(
            min(self._claimed, default=len(self._source.lines) + 1), len(self._source.lines) + 1
        ):
            line = self._source.line(number)
            if read_total(line) is not None or read_total(line.strip("|* ")) is not None:
                continue
            field = read_field(line)
            if number not in self._claimed and field is not None and field.name == "marks":
                continue
            label = read_label(line)
            said = field.rest if field is not None else label.rest if label is not None else line
            words = self._source.words_outside(number, said, self._spans)
            if words:
                yield f"line {number}: {line if number not in self._claimed else words}"[:200]

    def first_line(self, number: str) -> int | None:
        """Where an item begins; None where nothing of it was found."""
        return min((line for (owner, _), places in self._lines.items() if owner == number for line in places),
                   default=None)  # fmt: skip

    def is_limited(self, number: str) -> bool:
        """Whether the guide itself says, among an item's answer and points, that not all of them count."""
        asked = self._lines[number, "starts_with"] | self._lines[number, "question"]
        told = self._lines[number, "model_answer"] | self._lines[number, "criteria"]
        others = {n for (owner, _), places in self._lines.items() if owner != number for n in places}
        between = set(range(min(asked | told, default=1), max(told, default=0) + 1)) - asked - others
        return any(has_limit(self._source.line(n)) for n in between | told)

    def _look_up(self, item: Told) -> Iterator[Refusal]:
        """Notes the places of an item's wordings; those that are nowhere, or only parts of sentences."""
        number, start = item["number"], 1
        for field, text in wordings(item):
            # After the item's beginning first, and where nothing else is: items may share words.
            found = self._source.find(text, after=start, taken=self._taken)
            if not found:
                yield Refusal(number, field, text, NOWHERE, "wording")
                continue
            if field == "starts_with":
                start = found[0].first
            elif field in WHOLE and (found[0].cut_before or found[-1].cut_after):
                line = self._source.line(found[-1].last)[:200]
                yield Refusal(number, field, text, f"the sentence goes on in the guide: {line!r}", "part")
            self._lines[number, field].update(line for one in found for line in one.lines)
            self._spans += [one.span for one in found]
            if field != "starts_with":
                self._taken += [one.span for one in found]

    @cached_property
    def _claimed(self) -> frozenset[int]:
        return frozenset(line for places in self._lines.values() for line in places)

    def _shared(self) -> Iterator[Refusal]:
        """Wordings that stand in the entry of another item."""
        for item in self._items:
            for field in OWN:
                mine = self._lines[item["number"], field]
                for other in self._items:
                    if other is item or other["number"] == item["number"]:
                        continue
                    theirs = self._lines[other["number"], "starts_with"] | self._lines[other["number"], field]
                    own = self._lines[item["number"], "starts_with"]
                    if shared := (mine & theirs) - own:
                        line = self._source.line(min(shared))[:200]
                        reason = f"these words belong to item {other['number']} too: {line!r}"
                        yield Refusal(item["number"], field, "", reason, "structure")

    def _misnumbered(self, item: Told) -> Iterator[Refusal]:
        number, beginning = item["number"], item["starts_with"]
        if not beginning.strip():
            yield Refusal(number, "starts_with", "", "nothing says where it begins", "structure")
        elif not _is_number_of(number, beginning):
            reason = f"its entry begins with {beginning[:40]!r}"
            yield Refusal(number, "number", number, reason, "number")

    def _unstated(self, item: Told) -> Iterator[Refusal]:
        """Marks that do not stand anywhere near the item."""
        region = self._regions[item["number"]]
        stated = numbers_in("\n".join(self._source.line(line) for line in region))
        reason = "this number does not stand near the item"
        if item["max_score"] is not None and item["max_score"] not in stated:
            yield Refusal(item["number"], "max_score", f"{item['max_score']:g}", reason, "number")
        for point in item["criteria"]:
            if point["marks"] is not None and point["marks"] not in stated:
                value = f"{point['text']} [{point['marks']:g}]"
                yield Refusal(item["number"], "criteria", value, reason, "number")

    @cached_property
    def _regions(self) -> dict[str, set[int]]:
        """By item, the lines where its numbers may stand: those of its wordings, and what lies between
        them and the nearest wordings of others."""
        owners: dict[int, set[str]] = defaultdict(set)
        for (number, _), places in self._lines.items():
            for line in places:
                owners[line].add(number)
        regions: dict[str, set[int]] = {item["number"]: set() for item in self._items}
        previous = 0
        for line in [*sorted(owners), len(self._source.lines) + 1]:
            for owner in owners.get(previous, set()) | owners.get(line, set()):
                regions[owner].update(range(previous + 1, line))
            for owner in owners.get(line, ()):
                regions[owner].add(line)
            previous = line
        return regions

    def _left_out(self) -> Iterator[Refusal]:
        """Stretches that state marks and that no item claims: a question that was left out."""
        for stretch in _stretches(n for n in range(1, len(self._source.lines) + 1) if n not in self._claimed):
            texts = [line for n in stretch if not read_total(line := self._source.line(n))]
            states_marks = any(take_marks(text).marks is not None for text in texts)
            if states_marks and len(" ".join(texts).split()) > _MOST_UNREAD_WORDS:
                where = f"lines {stretch[0]} to {stretch[-1]}"
                yield Refusal("", "items", "", f"{where} state marks, and no item has them", "structure")


def _stretches(numbers: Iterable[int]) -> Iterator[list[int]]:
    """Ascending numbers in runs without gaps."""
    run: list[int] = []
    for number in numbers:
        if run and number > run[-1] + 1:
            yield run
            run = []
        run.append(number)
    if run:
        yield run


def _is_number_of(number: str, beginning: str) -> bool:
    """Whether an item's number is the one that its entry begins with, if that begins with one."""
    label = read_label(beginning)
    if label is None:
        return True
    # A part printed without its question, "(b)", or a question whose first part stands on its line.
    return number.endswith(label.number) if label.style == "sub" else number.startswith(label.number)
