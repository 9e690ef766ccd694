"""Which guide a paper answers, and which of its items each answer is for."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from domain.grading.numbering import normalise_number
from domain.grading.records import Answer, Guide, Item, Submission

_NOISE = frozenset(
    [
        "marking",
        "mark",
        "guide",
        "scheme",
        "model",
        "answers",
        "rubric",
        "the",
        "for",
        "of",
        "and",
        "paper",
        "title",
    ]
)


@dataclass(frozen=True)
class Choice:
    """The position of the guide that a paper answers, or None and the reason."""

    index: int | None
    problem: str = ""


@dataclass(frozen=True)
class Matched:
    """An answer and the item that it is for."""

    answer: Answer
    item: Item


@dataclass(frozen=True)
class Alignment:
    """What of a paper can be used. An answer with a problem is not among `matched`."""

    matched: tuple[Matched, ...]
    problems: tuple[str, ...]
    missing: tuple[str, ...]
    """Numbers of the items that the paper does not answer at all."""


def choose_guide(submission: Submission, guides: Sequence[Guide]) -> Choice:
    """The guide whose title the paper states, else the only one that has all its numbers.

    Titles are compared without case, punctuation and words such as "marking guide".
    """
    if not guides:
        return Choice(None, "there is no marking guide: add the one that this paper answers")
    if submission.guide_title.strip():
        return _by_title(submission.guide_title, guides)
    return _by_numbers(submission, guides)


def _by_title(title: str, guides: Sequence[Guide]) -> Choice:
    for words in (_words, _telling_words):
        wanted = words(title)
        found = [i for i, guide in enumerate(guides) if wanted and words(guide.title) == wanted]
        if len(found) == 1:
            return Choice(found[0])
        if found:
            return Choice(None, f"{len(found)} guides have the title {title!r}: give each its own title")
    return Choice(
        None,
        f"no guide has the title {title!r}, there are {_titles(guides)}: correct the title, or add the guide",
    )


def _by_numbers(submission: Submission, guides: Sequence[Guide]) -> Choice:
    numbers = {normalise_number(answer.number) for answer in submission.answers}
    found = [i for i, guide in enumerate(guides) if numbers and numbers <= set(_items(guide))]
    if len(found) == 1:
        return Choice(found[0])
    if not found:
        shown = ", ".join(sorted(numbers)) or "none"
        return Choice(
            None,
            f"no guide has all the items that this paper answers ({shown}): "
            "write 'Guide: ' and its title on top",
        )
    matching = [guides[i] for i in found]
    return Choice(None, f"the paper fits {_titles(matching)}: write 'Guide: ' and the title of one on top")


def align(submission: Submission, guide: Guide) -> Alignment:
    """The paper's answers with their items; what does not fit is told and left out."""
    items = _items(guide)
    problems: list[str] = []
    matched: list[Matched] = []
    counts = Counter(normalise_number(answer.number) for answer in submission.answers)
    for answer in submission.answers:
        number = normalise_number(answer.number)
        item = items.get(number)
        found = _problems(answer, item, guide)
        if counts[number] > 1:
            found.append(f"answers item {number} more than once: keep one of the answers")
        if item is not None and not found:
            matched.append(Matched(answer, item))
        problems += found
    total = submission.expected_total
    if total is not None and total > guide.total + 1e-6:
        problems.append(f"states a total of {total:g}, but guide {guide.title!r} is worth {guide.total:g}")
    missing = tuple(item.number for number, item in items.items() if number not in counts)
    return Alignment(tuple(matched), tuple(dict.fromkeys(problems)), missing)


def _items(guide: Guide) -> dict[str, Item]:
    return {normalise_number(item.number): item for item in guide.items}


def _problems(answer: Answer, item: Item | None, guide: Guide) -> list[str]:
    at = f" ({answer.place})" if answer.place else ""
    if item is None:
        return [
            f"answers item {answer.number}{at}, but guide {guide.title!r} has {_range(guide)}: "
            "correct the number, or add the guide"
        ]
    scores = (("scores", answer.gold), ("the second examiner scores", answer.second_gold))
    return [
        f"{who} {score:g} for item {item.number}{at}, which is worth {item.max_score:g}: correct the score"
        for who, score in scores
        if score is not None and score > item.max_score + 1e-6
    ]


def _range(guide: Guide) -> str:
    numbers = [item.number for item in guide.items]
    if not numbers:
        return "no items"
    if len(numbers) > 2 and numbers == _counted(numbers):
        return f"items {numbers[0]} to {numbers[-1]}"
    shown = ", ".join(numbers[:12]) + (f" and {len(numbers) - 12} more" if len(numbers) > 12 else "")
    return f"item{'s' if len(numbers) > 1 else ''} {shown}"


def _counted(numbers: Sequence[str]) -> list[str]:
    first = int(numbers[0]) if numbers[0].isdecimal() else 0
    return [str(n) for n in range(first, first + len(numbers))]


def _words(title: str) -> tuple[str, ...]:
    plain = unicodedata.normalize("NFKD", title).casefold()
    return tuple(re.findall(r"[^\W_]+", "".join(c for c in plain if not unicodedata.combining(c))))


def _telling_words(title: str) -> tuple[str, ...]:
    return tuple(word for word in _words(title) if word not in _NOISE)


def _titles(guides: Sequence[Guide]) -> str:
    shown = ", ".join(repr(guide.title) for guide in guides[:5])
    return shown + (f" and {len(guides) - 5} more" if len(guides) > 5 else "")
