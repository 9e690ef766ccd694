"""Papers whose answers bear no question numbers, or only some: passages meet items by what they say.

A number, and a question that is copied above its answer, settle an item. What stands between two such
anchors may answer the items between them that nothing else answers; `ordering` says which, and how
sure that is. An answer that is not sure enough keeps its text and gets a doubt: nobody trains on it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.documents.extraction import Extraction
from domain.grading.alignment import Choice
from domain.grading.likeness import Likeness
from domain.grading.marks_notation import take_marks
from domain.grading.numbering import normalise_number
from domain.grading.ordering import NO_ITEM, Placed, Sight, Weights, place
from domain.grading.passages import Passage, cut_passages
from domain.grading.records import Answer, Guide, Item, Submission
from domain.grading.scores_notation import read_total_score, take_scores
from domain.grading.segments import lines_of
from domain.grading.submissions import cut_paper, is_header, read_answer, read_header, settled, text_of

SURE = 0.9
"""Confidence from which an alignment is believed. On papers put together from real students' answers 93 to
97 % of the answers above it were whole and at their item (`benchmarks/unnumbered.py`)."""
_NOT_TOLD = "{name} has no answers"
_NUMBERED = Weights(stay=5.0)
"""Below a number: who numbers answers hardly ever leaves one without, so only clear words tell."""
_CLEARLY = 1.5
"""How many times as like a paper must be to its guide as to any other."""
_LIKE_AT_ALL = 0.05


@dataclass(frozen=True)
class _Anchor:
    """A line (from 0) that says which item follows: -1 is a number that no item has."""

    line: int
    item: int
    number: str
    head: str
    body: int
    """The first line of what follows `head`."""
    is_number: bool = True


def read_unnumbered(extraction: Extraction, name: str, paper: Submission, guide: Guide) -> Submission:
    """`paper` with the answers that its numbers did not tell; itself where there is nothing to add.

    `paper` is the document `name` as `parse_submission` read it with the guide's numbers. What fits no
    item is told as a problem and left out.
    """
    numbers = {normalise_number(item.number): i for i, item in enumerate(guide.items)}
    answered = {normalise_number(answer.number) for answer in paper.answers}
    by_table = any("line" not in answer.place for answer in paper.answers)
    if by_table or "json" in extraction.media_type or not set(numbers) - answered:
        return paper
    lines = lines_of(extraction.text)
    likeness = Likeness(guide.items)
    anchors = _anchors(lines, numbers, guide.items, likeness)
    missing = set(range(len(guide.items))) - {anchor.item for anchor in anchors}
    if not missing and all(anchor.is_number for anchor in anchors):
        return paper
    top = anchors[0].line if anchors else len(lines)
    begin = _first_word(lines[:top], guide.title)
    reading = _Reading(lines, guide, likeness, missing)
    reading.above(begin, top, anchors[0].item if anchors else len(guide.items))
    for i, anchor in enumerate(anchors):
        reading.below(anchor, anchors[i + 1] if i + 1 < len(anchors) else None)
    if not reading.answers:
        return paper
    totals = [found[0] for line in lines[begin:] if (found := read_total_score(line))]
    kept = tuple(p for p in paper.problems if not p.startswith(_NOT_TOLD.format(name=name)))
    return settled(
        replace(
            paper,
            answers=tuple(reading.answers),
            expected_total=totals[-1] if totals else read_header(lines[:begin], name).total,
            problems=(*kept, *(p for p in reading.problems if p not in kept)),
        )
    )


def _first_word(lines: Sequence[str], title: str) -> int:
    """The first line (from 0) that may answer something: not blank, no header, no title and no score."""
    for i, line in enumerate(lines):
        is_title = _plain(line) == _plain(title)
        if line.strip() and not is_header(line) and not is_title and take_scores([line]).lines:
            return i
    return len(lines)


def _plain(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def choose_by_likeness(extraction: Extraction, guides: Sequence[Guide]) -> Choice:
    """The guide that a paper without a title and without numbers answers, if its words say so clearly."""
    if not guides:
        return Choice(None, "there is no marking guide: add the one that this paper answers")
    wholes = [Item("", g.title, " ".join(_words_of(item) for item in g.items), 1.0) for g in guides]
    likenesses = Likeness(wholes).of(extraction.text)
    best, *others = sorted(range(len(guides)), key=lambda i: -likenesses[i])
    rival = likenesses[others[0]] if others else 0.0
    if likenesses[best] < _LIKE_AT_ALL or likenesses[best] < _CLEARLY * rival:
        return Choice(
            None,
            "neither a title nor numbers nor its words tell its guide: write 'Guide: ' and its title on top",
        )
    return Choice(best)


def _words_of(item: Item) -> str:
    return " ".join((item.question, item.model_answer, *item.alternatives, *(c.text for c in item.criteria)))


def _anchors(
    lines: Sequence[str], numbers: dict[str, int], items: Sequence[Item], likeness: Likeness
) -> list[_Anchor]:
    pieces = cut_paper(lines, set(numbers))
    found = [
        _Anchor(s.line - 1, numbers.get(s.number, NO_ITEM), s.number, s.head, s.line) for s in pieces.segments
    ]
    settled = {anchor.item for anchor in found}
    taken = {anchor.line for anchor in found}
    for i, line in enumerate(lines):
        for n_lines in (1, 2):
            asked = take_marks(" ".join(lines[i : i + n_lines])).text
            item = likeness.repeated_question(asked) if i not in taken and line.strip() else None
            if item is not None and item not in settled:
                number = normalise_number(items[item].number)
                found.append(_Anchor(i, item, number, "", i + n_lines, is_number=False))
                settled.add(item)
                taken.add(i)
    return sorted(found, key=lambda anchor: anchor.line)


class _Reading:
    """A paper's answers, gathered from the stretches between its anchors."""

    def __init__(self, lines: Sequence[str], guide: Guide, likeness: Likeness, missing: set[int]) -> None:
        self._lines, self._guide, self._likeness, self._missing = lines, guide, likeness, missing
        self.answers: list[Answer] = []
        self.problems: list[str] = []

    def above(self, begin: int, top: int, before: int) -> None:
        """What stands above line `top`, where the first anchor answers item `before`."""
        lines = ["" if is_header(line) else line for line in self._lines[begin:top]]
        candidates = [item for item in sorted(self._missing) if item < before]
        if candidates:
            self._read(cut_passages(lines, begin + 1), candidates, Weights())

    def below(self, anchor: _Anchor, after: _Anchor | None) -> None:
        """What stands below an anchor, up to the one after it."""
        end, limit = (after.line, after.item) if after else (len(self._lines), len(self._guide.items))
        lines = [anchor.head, *self._lines[anchor.body : end]]
        between = [item for item in sorted(self._missing) if anchor.item < item < limit]
        if anchor.item == NO_ITEM or not between:
            self.answers.append(read_answer(anchor.number, lines, f"line {anchor.line + 1}", self.problems))
            return
        passages = cut_passages(lines, anchor.line + 1 if anchor.head else anchor.body)
        if not passages or (not anchor.head and not passages[0].text):
            passages.insert(0, Passage(anchor.line + 1))
        weights = _NUMBERED if anchor.is_number else Weights()
        self._read(passages, [anchor.item, *between], weights, anchored=True)

    def _read(
        self, passages: Sequence[Passage], candidates: list[int], weights: Weights, *, anchored: bool = False
    ) -> None:
        sights = [
            self._sight(passage, candidates, fixed=0 if anchored and i == 0 else NO_ITEM)
            for i, passage in enumerate(passages)
        ]
        placed = place(sights, len(candidates), weights)
        # As many paragraphs as items is no evidence where not a word speaks for it; as many scores is.
        told = anchored or any(
            p.scored or max(s.likeness) > _LIKE_AT_ALL for p, s in zip(passages, sights, strict=True)
        )
        for passage, where in zip(passages, placed, strict=True):
            if where.item == NO_ITEM and passage.text:
                self._put_aside(passage)
        for position, item in enumerate(candidates):
            own = [p for p, where in zip(passages, placed, strict=True) if where.item == position]
            if own:
                confidence = _confidence(placed, position)
                self._answer(item, own, confidence if told or len(candidates) == 1 else min(confidence, 0.5))

    def _sight(self, passage: Passage, candidates: Sequence[int], fixed: int) -> Sight:
        likenesses = self._likeness.of(passage.text)
        problems: list[str] = []
        gold = read_answer("", passage.lines, "", problems).gold if passage.scored else None
        worth = [self._guide.items[item].max_score for item in candidates]
        barred = frozenset(i for i, most in enumerate(worth) if gold is not None and gold > most)
        # A score that is too high for every item is told when it meets one.
        barred = frozenset() if len(barred) == len(candidates) else barred - {fixed}
        return Sight(tuple(likenesses[item] for item in candidates), fixed, passage.opens, barred)

    def _answer(self, item: int, passages: Sequence[Passage], confidence: float) -> None:
        number = normalise_number(self._guide.items[item].number)
        where = f"line {passages[0].line}"
        joined = [line for passage in passages for line in (*passage.lines, "")]
        answer = read_answer(number, joined, where, self.problems)
        doubt = ""
        if confidence < SURE:
            doubt = (
                f"it is {confidence:.0%} sure that {where} answers item {number}, which no number says: "
                "put the numbers of the questions before the answers"
            )
        self.answers.append(replace(answer, alignment=round(confidence, 4), doubt=doubt))

    def _put_aside(self, passage: Passage) -> None:
        words = text_of(passage.text.splitlines()).split()
        shown = " ".join(words[:6]) + (" ..." if len(words) > 6 else "")
        self.problems.append(
            f"line {passage.line} ({shown!r}) fits no item: put the question's number before it"
        )


def _confidence(placed: Sequence[Placed], position: int) -> float:
    """That just its passages answer an item: that none of them does not, and that no other does."""
    return min(
        where.shares[position] if where.item == position else 1.0 - where.shares[position] for where in placed
    )
