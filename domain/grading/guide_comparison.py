"""The rule parser's reading of a guide beside a language model's: where they agree, and what is to decide.

The rule parser's reading stands wherever it has no problem. A difference is never settled here: it
becomes a `Disagreement` for a person, with both values and the lines of the guide that bear on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from domain.grading.guide_checks import Refusal
from domain.grading.guide_json import as_json, guide_to_json, item_to_json
from domain.grading.marks_notation import take_marks
from domain.grading.model_guides import ModelParse
from domain.grading.records import Criterion, Guide, Item
from domain.grading.source_text import SourceText, numbers_in, plain
from domain.grading.totals import read_total

FIELDS = ("question", "model_answer", "max_score", "criteria", "alternatives")
"""Of an item, in the order in which they are told; what decides how it is graded."""

UNREADABLE = ["the rule parser could not read it"]


class Outcome(StrEnum):
    AGREED = "agreed"
    """Both readings say the same."""
    DISAGREED = "disagreed"
    """The rule parser's reading stands; the differences are for a person."""
    PROPOSED = "proposed"
    """Only the language model could read the guide, and all that it read was verified."""
    REFUSED = "refused"
    """The model's reading is not borne out by the guide and was put aside."""


@dataclass(frozen=True)
class Disagreement:
    """One difference. Values are as JSON says them; `item` is "" for the guide, `field` "item" where one
    reading has an item that the other lacks (its value there is None), "guide" for the whole reading."""

    item: str
    field: str
    rule: Any
    model: Any
    evidence: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Verdict:
    """`guide` is the reading that stands until a person says otherwise; None where none can be used."""

    outcome: Outcome
    guide: Guide | None
    disagreements: tuple[Disagreement, ...] = ()
    refusals: tuple[Refusal, ...] = field(default=())


def compare(rule: Guide | None, model: ModelParse, source_text: str) -> Verdict:
    """What is to become of two readings of one guide; `rule` is None where the rule parser failed."""
    source = SourceText(source_text)
    if rule is not None and rule.items and not rule.problems:
        told = tuple(_differences(rule, model, source))
        if told:
            return Verdict(Outcome.DISAGREED, rule, told, model.refusals)
        outcome = Outcome.REFUSED if model.refusals else Outcome.AGREED
        return Verdict(outcome, rule, (), model.refusals)
    if model.is_verified:
        return Verdict(Outcome.PROPOSED, None, (_proposal(rule, model),))
    return Verdict(Outcome.REFUSED, None, (), model.refusals)


def _proposal(rule: Guide | None, model: ModelParse) -> Disagreement:
    problems = list(rule.problems) if rule is not None else UNREADABLE
    reason = "only the language model could read this guide; all its wordings and marks were found in it"
    if model.unread:
        reason += ", but it passed over some lines"
    evidence = tuple(f"not read: {line}" for line in model.unread)
    return Disagreement("", "guide", problems, guide_to_json(model.guide), evidence, reason)


def _differences(rule: Guide, model: ModelParse, source: SourceText) -> Iterator[Disagreement]:
    pairs = _paired(rule.items, model.guide.items)
    for ours, theirs in pairs:
        if ours is not None and theirs is not None:
            yield from _between(ours, theirs, model, source)
        elif ours is not None:
            evidence = _evidence(source, "rule", ours.question or ours.model_answer, ours)
            reason = "the language model left this item out"
            yield Disagreement(ours.number, "item", item_to_json(ours), None, (evidence,), reason)
        elif theirs is not None and not _refused(model, theirs.number):
            evidence = _evidence(source, "model", theirs.question or theirs.model_answer, theirs)
            reason = "the rule parser does not have this item"
            yield Disagreement(theirs.number, "item", None, item_to_json(theirs), (evidence,), reason)
    if rule.stated_total != model.guide.stated_total:
        yield _difference_of("", "stated_total", rule.stated_total, model.guide.stated_total, model, source)


def _refused(model: ModelParse, number: str) -> bool:
    return any(refusal.item == number and refusal.kind == "wording" for refusal in model.refusals)


def _paired(ours: tuple[Item, ...], theirs: tuple[Item, ...]) -> list[tuple[Item | None, Item | None]]:
    """Items side by side: those of one number, then those of one wording; None where one is missing."""
    by_number = {item.number: item for item in reversed(theirs)}
    pairs: dict[int, Item | None] = {i: by_number.get(item.number) for i, item in enumerate(ours)}
    left = [item for item in theirs if item.number not in {one.number for one in ours}]
    for i, item in enumerate(ours):
        if pairs[i] is None:
            said = plain(item.question) or plain(item.model_answer)
            same = [one for one in left if said and said in (plain(one.question), plain(one.model_answer))]
            if same:
                pairs[i] = same[0]
                left.remove(same[0])
    return [(item, pairs[i]) for i, item in enumerate(ours)] + [(None, item) for item in left]


def _between(ours: Item, theirs: Item, model: ModelParse, source: SourceText) -> Iterator[Disagreement]:
    fields = ("number", *FIELDS)
    for name in fields:
        rule_value, model_value = getattr(ours, name), getattr(theirs, name)
        if _said(rule_value) == _said(model_value):
            continue
        refusal = model.refused(theirs.number, name)
        if refusal is not None and refusal.kind == "wording":
            # Words that the guide does not have are no second opinion about it.
            continue
        yield _difference_of(ours.number, name, rule_value, model_value, model, source, ours, theirs)


def _difference_of(
    number: str,
    name: str,
    rule_value: Any,
    model_value: Any,
    model: ModelParse,
    source: SourceText,
    ours: Item | None = None,
    theirs: Item | None = None,
) -> Disagreement:
    refusal = model.refused(theirs.number if theirs else "", name)
    problems = [problem for problem in model.guide.problems if problem.startswith(f"item {number} ")]
    reason = "the two readings differ"
    if refusal is not None:
        reason = f"the two readings differ; of the model's, {refusal.reason}"
    elif problems and name in ("max_score", "criteria"):
        reason = f"the two readings differ; of the model's, {problems[0]}"
    values = (("rule", rule_value, ours), ("model", model_value, theirs))
    if name == "stated_total":
        evidence = tuple(_total_evidence(source, whose, value) for whose, value, _ in values)
    else:
        evidence = tuple(_evidence(source, *told) for told in values)
    return Disagreement(number, name, as_json(rule_value), as_json(model_value), evidence, reason)


def _said(value: Any) -> Any:
    """What two values are compared by; how a list of alternatives is cut does not matter."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, tuple) and value and isinstance(value[0], Criterion):
        return [(plain(point.text), point.marks) for point in value]
    if isinstance(value, tuple):
        return plain("\n".join(value))
    return value


def _evidence(source: SourceText, whose: str, value: Any, item: Item | None) -> str:
    """The line of the guide that a value rests on, for people."""
    start = int(item.place.split()[1]) if item and item.place.startswith("line ") else 1
    line = _line_of(source, value, start)
    if line is None:
        return f"{whose}: nowhere in the guide"
    return f"{whose}: line {line}: {source.line(line)[:200]}"


def _total_evidence(source: SourceText, whose: str, value: float | None) -> str:
    lines = range(1, len(source.lines) + 1)
    totals = [n for n in lines if (total := read_total(source.line(n))) and total.marks == value]
    told = f"line {totals[-1]}: {source.line(totals[-1])}" if totals else "no line is a total of that"
    return f"{whose}: {told}"


def _line_of(source: SourceText, value: Any, start: int) -> int | None:
    if isinstance(value, float):
        lines = [*range(start, len(source.lines) + 1), *range(1, start)]
        stated = [n for n in lines if value in numbers_in(source.line(n))]
        # "Question 2 (3 marks)" states 3, whatever else is numbered 2.
        marked = [n for n in stated if take_marks(source.line(n)).marks == value]
        return next(iter(marked or stated), None)
    texts = [value] if isinstance(value, str) else [getattr(entry, "text", entry) for entry in value or ()]
    places = [found[0].first for text in texts if (found := source.find(text, after=start))]
    return places[0] if places else None
