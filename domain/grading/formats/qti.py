"""QTI 2.x and 3.0 items and tests (1EdTech, "Question & Test Interoperability").

What an item is worth: the outcome MAXSCORE, else SCORE's normal maximum, else what a mapping can earn, else 1
where the response is matched as a whole. QTI 3 writes the same names with "qti-" in front and dashes.
"""

from __future__ import annotations

import re
from dataclasses import replace

from domain.grading.drafts import Candidate, Draft, Point
from domain.grading.formats.markup import Element, found, local, text_of, xml_root

_ITEM = ("assessmentItem", "qti-assessment-item")
_ROOTS = re.compile(
    r"<(?:\w{1,20}:)?(?:qti-)?(?:assessment-?(?:Item|Test)|assessment-item|assessment-test)\b", re.I
)
_CHOICES = (
    *("simpleChoice", "qti-simple-choice", "inlineChoice", "qti-inline-choice"),
    *("simpleAssociableChoice", "qti-simple-associable-choice", "gapText", "qti-gap-text"),
    *("hottext", "qti-hottext"),
)


def is_qti(text: str) -> bool:
    return _ROOTS.search(text[:20_000]) is not None


def read_qti(text: str, name: str) -> Candidate:
    """The items in an XML document, in its order. Raises InputError for XML that cannot be read."""
    root = xml_root(text, name)
    items = [root] if local(root) in _ITEM else found(root, *_ITEM)
    drafts = tuple(_draft(item, n) for n, item in enumerate(items, 1))
    title = "" if local(root) in _ITEM else root.get("title", "")
    return Candidate(title, drafts)


def _draft(item: Element, position: int) -> Draft:
    number = str(position)
    choices = {c.get("identifier", ""): text_of(c) for c in found(item, *_CHOICES)}
    right = [_named(value, choices) for value in _correct(item)]
    mapped = [(_named(key, choices), worth) for key, worth in _mapping(item) if worth > 0]
    marks = _marks(item, right, mapped)
    scorer = [
        text_of(block)
        for block in found(item, "rubricBlock", "qti-rubric-block")
        if "scorer" in block.get("view", "")
    ]
    told = right or [text for text, _ in mapped]
    draft = Draft(
        number=number,
        levels=(number,),
        place=f"item {position} ({item.get('identifier', '')})",
        question=_question(item, choices),
        answer="\n".join(told) if told else "\n".join(scorer),
        marks=() if marks is None else (marks,),
    )
    several = len(mapped) > 1 and marks is not None and abs(sum(worth for _, worth in mapped) - marks) < 1e-6
    return replace(draft, points=tuple(Point(text, worth) for text, worth in mapped)) if several else draft


def _correct(item: Element) -> list[str]:
    return [
        (value.text or "").strip()
        for response in found(item, "correctResponse", "qti-correct-response")
        for value in found(response, "value", "qti-value")
        if (value.text or "").strip()
    ]


def _mapping(item: Element) -> list[tuple[str, float]]:
    entries = found(item, "mapEntry", "qti-map-entry")
    told = [
        (e.get("mapKey", e.get("map-key", "")), e.get("mappedValue", e.get("mapped-value", "0")))
        for e in entries
    ]
    return [(key, worth) for key, value in told if (worth := _decimal(value)) is not None]


def _named(value: str, choices: dict[str, str]) -> str:
    """A choice's text for its identifier; both of a pair."""
    parts = value.split()
    if len(parts) > 1 and all(part in choices for part in parts):
        return " → ".join(choices[part] for part in parts)
    return choices.get(value, value)


def _marks(item: Element, right: list[str], mapped: list[tuple[str, float]]) -> float | None:
    outcomes = {
        o.get("identifier", ""): o for o in found(item, "outcomeDeclaration", "qti-outcome-declaration")
    }
    if "MAXSCORE" in outcomes:
        values = [_decimal(v.text or "") for v in found(outcomes["MAXSCORE"], "value", "qti-value")]
        if values and values[0] is not None:
            return values[0]
    if "SCORE" in outcomes:
        most = outcomes["SCORE"].get("normalMaximum", outcomes["SCORE"].get("normal-maximum", ""))
        if (value := _decimal(most)) is not None:
            return value
    bounds = [m.get("upperBound", m.get("upper-bound", "")) for m in found(item, "mapping", "qti-mapping")]
    if bounds and (bound := _decimal(bounds[0])) is not None:
        return bound
    if mapped:
        return sum(worth for _, worth in mapped) if len(right) != 1 else max(worth for _, worth in mapped)
    matched = found(item, "responseProcessing", "qti-response-processing")
    return 1.0 if right and any("match_correct" in m.get("template", "") for m in matched) else None


def _question(item: Element, choices: dict[str, str]) -> str:
    body = next(iter(found(item, "itemBody", "qti-item-body")), None)
    lines = text_of(body).splitlines() if body is not None else []
    rubric = {
        line
        for block in found(item, "rubricBlock", "qti-rubric-block")
        for line in text_of(block).splitlines()
    }
    shown = [line for line in lines if line not in rubric or line in choices.values()]
    return "\n".join(shown) or item.get("title", "")


def _decimal(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
