"""Whether a sentence's directions ("higher than", "rose from", "worse by") are those of the facts it cites.

A comparison needs the two figures that it compares, or their difference; a rise or fall needs figures of
training, or a difference. Who is better than whom is read from the order of the words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from domain.grading.facts import Fact
from domain.grading.numbers_in_prose import Range, Stated

_RISES = r"rose|rises|improved|improves|increased|increases|grew|grows|climbed|went up"
_FALLS = r"fell|falls|dropped|drops|decreased|decreases|declined|declines|went down|worsened"
_HIGHER = r"above|higher than|greater than|larger than|more than|exceeds?|exceeding"
_LOWER = r"below|lower than|less than|fewer than|smaller than|short of"
_BETTER = r"better than|outperforms?|beats?|stronger than|ahead of"
_WORSE = r"worse than|weaker than|behind"
_COMPARES = re.compile(
    rf"(?P<no>\b(?:not|no|never|hardly)\s+(?:\w+\s+)?)?\b(?:(?P<up>{_HIGHER})|(?P<down>{_LOWER})|"
    rf"(?P<good>{_BETTER})|(?P<bad>{_WORSE})|(?P<same>equal to|same as|identical to))\b",
    re.IGNORECASE,
)
_MOVES = re.compile(rf"\b(?:(?P<up>{_RISES})|(?P<down>{_FALLS}))\b", re.IGNORECASE)
_FROM = re.compile(r"(?:\s+\w+){0,4}?\s+from\b")
_WAYS = re.compile(
    rf"\b(?:{_RISES}|{_FALLS}|{_HIGHER}|{_LOWER}|{_BETTER}|{_WORSE}|improvement|decline)\b", re.IGNORECASE
)
_DOUBT = re.compile(
    r"\b(?:chance|doubt\w*|uncertain\w*|unclear|not (?:clearly|surely|significant\w*|distinguishable)|"
    r"no (?:clear|sure|significant)|may|might|could|indistinguishable|cannot be told)\b",
    re.IGNORECASE,
)
_UP = r"above|more|higher|over|exceed\w*|up|plus|kind\w*|lenient|generous|surer|rose|risen|grew|increase\w*"
_DOWN = r"below|less|lower|under|fewer|down|minus|severe\w*|harsh\w*|fell|fallen|drop\w*|decrease\w*|short"
_GOOD = r"better|gain\w*|improve\w*|advantage|ahead|outperform\w*|beats?|stronger"
_BAD = r"worse\w*|behind|harder|weaker|los[ts]\w*|decline\w*"
_OTHER_IS = re.compile(
    r"(?<!than )(?<!than a )(?<!than the )(?<!with a )(?<!with the )(?<!to the )(?<!against the )"
    r"\b(?:second examiner|second marker|baseline|mean mark)(?:'s(?:\s+\w+)?)?\s+"
    r"(?:is|was|are|does|did|agrees|has|had|reaches|scores|outperforms|beats|lies|comes)\b"
)


@dataclass(frozen=True)
class Cited:
    """A citation; `words` belong to it: those before it, and those after it up to the next thought."""

    fact: Fact
    start: int
    end: int
    before: str
    words: str


def wrong_ways(
    sentence: str, cited: Sequence[Cited], stated: Sequence[Stated], *, advice: bool
) -> Iterator[str]:
    """What the sentence says of directions that its facts do not; `advice` may say "more than before"."""
    for first, second in pairwise(cited):
        yield from _between(sentence, first, second)
    if advice:
        return
    if not cited:
        if _WAYS.search(sentence):
            yield "it says which way something is or went, and cites no fact"
        return
    yield from _unfounded(sentence, cited, stated)
    begin = 0
    for one in cited:
        # With a number it was held against its fact together with that.
        has_number = any(begin <= s.start and s.end <= one.start for s in stated)
        if one.fact.difference and not has_number and (why := against(one.fact, one.words)):
            yield f"[{one.fact.id}]: {why}"
        begin = one.end


def _between(sentence: str, first: Cited, second: Cited) -> Iterator[str]:
    """Directions between two figures that follow one another."""
    a, b = first.fact, second.fact
    if a.unit != b.unit or a.difference or b.difference:
        return
    between = sentence[first.end : second.start]
    moved = [m for m in _MOVES.finditer(sentence[: first.start]) if _FROM.match(sentence, m.end())]
    found = _COMPARES.search(between)
    if moved and re.match(r"\s+to\b", between):
        if a.value == b.value or (b.value > a.value) != bool(moved[-1]["up"]):
            yield f"from [{a.id}] to [{b.id}] is another way"
    elif found and not _holds(found, a, b):
        yield f'"{found[0].strip()}" is not so of [{a.id}] and [{b.id}]'


def _holds(found: re.Match[str], a: Fact, b: Fact) -> bool:
    good = -1.0 if a.better == "lower" else 1.0
    gap = a.value - b.value
    if found["same"]:
        so = abs(gap) < 5e-4
    elif found["up"] or found["down"]:
        so = gap > 0 if found["up"] else gap < 0
    else:
        so = gap * good > 0 if found["good"] else gap * good < 0
    return so != bool(found["no"])


def _unfounded(sentence: str, cited: Sequence[Cited], stated: Sequence[Stated]) -> Iterator[str]:
    """Comparisons of one figure with nothing, and movements of what does not move."""
    facts = [one.fact for one in cited]
    if any(fact.difference for fact in facts):
        return
    for found in _COMPARES.finditer(sentence):
        both_sides = any(one.end <= found.start() for one in cited) and any(
            one.start >= found.end() for one in cited
        )
        # What has no measure is a limit: "above the threshold of 0.62".
        if not found["same"] and not both_sides and all(fact.measure for fact in facts):
            yield f'"{found[0].strip()}" needs both figures with their facts, or their difference'
    moves = list(_MOVES.finditer(sentence))
    if moves and not any("validation" in fact.aspects for fact in facts):
        yield f'"{moves[0][0]}": no fact says so'
    for one in stated:
        if isinstance(one, Range) and any(m.end() <= one.start for m in moves):
            yield "an interval is no movement"


def against(fact: Fact, words: str) -> str:
    """Why the words do not give a difference the sign that it has; "" if they do."""

    def said(pattern: str) -> bool:
        return re.search(rf"\b(?:{pattern})\b", words) is not None

    good_is_up = fact.better != "lower"
    up = said(_UP) or said(_GOOD if good_is_up else _BAD)
    down = said(_DOWN) or said(_BAD if good_is_up else _GOOD)
    if _OTHER_IS.search(words) and "versus" in fact.aspects:
        up, down = down, up
    if fact.value < 0 and not down:
        return "it is negative, and the words do not say so"
    if fact.value > 0 and down and not up:
        return "it is positive, and the words say otherwise"
    return ""


def too_sure(fact: Fact, sentence: str, stated: Sequence[Stated]) -> str:
    """A difference that may be none must come with its interval, or with a word of doubt."""
    if "versus" not in fact.aspects or fact.low is None or fact.high is None or fact.low > 0 or fact.high < 0:
        return ""
    if any(isinstance(one, Range) for one in stated) or _DOUBT.search(sentence):
        return ""
    return f"chance could explain it ({fact.low:.3f} to {fact.high:.3f}): give the interval, or say so"
