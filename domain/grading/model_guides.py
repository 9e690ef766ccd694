"""From a language model's replies to a guide whose every word and number was checked against the source.

A wording that is not in the source is refused; numbers that do not tally are told. Nothing is mended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.errors import ReplyError
from domain.grading.drafts import Candidate, Draft, Point
from domain.grading.guide_checks import NOWHERE, Claims, Refusal, wordings
from domain.grading.guides import settle
from domain.grading.numbering import normalise_number
from domain.grading.records import Guide
from domain.grading.source_text import SourceText, numbers_in, plain
from domain.language_models import Answered, Reply


@dataclass(frozen=True)
class ModelParse:
    """What a language model made of a guide, after the checks.

    `guide.problems` are marks that do not tally. `unread` is what stands below the first item and no item
    has, as "line 12: ...": notes to examiners, or what the model passed over.
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
    claims = Claims(items, source)
    refusals += claims.refusals()
    title, total = _about([reply.data for reply in told], source, refusals)
    guide = settle(Candidate(title, tuple(_draft(item, claims) for item in items), total), name)
    models = ", ".join(dict.fromkeys(f"{reply.provider}:{reply.model}" for reply in told))
    return ModelParse(guide, tuple(dict.fromkeys(refusals)), tuple(claims.unread()), models)


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


def _about(
    told: Sequence[Mapping[str, Any]], source: SourceText, refusals: list[Refusal]
) -> tuple[str, float | None]:
    """The title and the stated total, where all parts that state one agree and the source has it."""
    title = next((part["title"].strip() for part in told if part["title"]), "")
    if title and not source.find(title):
        refusals.append(Refusal("", "title", title, NOWHERE, "wording"))
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


def _draft(item: Mapping[str, Any], claims: Claims) -> Draft:
    number = item["number"]
    line = claims.first_line(number)
    return Draft(
        number=number,
        levels=(number,),
        place=f"line {line}" if line else "nowhere in the guide",
        question=item["question"].strip(),
        answer=item["model_answer"].strip(),
        marks=() if item["max_score"] is None else (float(item["max_score"]),),
        points=tuple(Point(point["text"].strip(), point["marks"]) for point in item["criteria"]),
        limited=claims.is_limited(number),
        alternatives=tuple(text.strip() for text in item["alternatives"]),
        not_accepted=tuple(text.strip() for text in item["not_accepted"]),
    )
