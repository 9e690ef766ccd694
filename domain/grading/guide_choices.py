"""A guide after a person decided between two readings of it: checked again, since marks may not tally now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from domain.grading.drafts import Candidate, Draft, Point
from domain.grading.guide_comparison import UNREADABLE
from domain.grading.guide_json import as_json, guide_from_json, item_from_json, item_to_json
from domain.grading.guides import settle
from domain.grading.marks_notation import has_limit
from domain.grading.records import Criterion, Guide, Item
from domain.grading.source_text import SourceText


@dataclass(frozen=True)
class Choice:
    """The model's value is taken for a field that the rule parser reads as `rule` (see `Disagreement`)."""

    item: str
    field: str
    rule: Any
    model: Any


def settled_guide(rule: Guide | None, choices: Sequence[Choice], source_text: str, name: str) -> Guide | None:
    """The rule parser's guide with the chosen values of the model's; None where there is neither.

    A choice whose `rule` is not what the rule parser reads now was made about another reading, and does
    not count. Of two choices about one field the later counts.
    """
    valid = [choice for choice in choices if _rule_value(rule, choice) == choice.rule]
    whole = [choice for choice in valid if choice.field == "guide"]
    if whole:
        return guide_from_json(whole[-1].model)
    if rule is None or not valid:
        return rule
    items: dict[str, Item] = {item.number: item for item in rule.items}
    total = rule.stated_total
    # Numbers last: the other choices name an item by the number that the rule parser gave it.
    for choice in sorted(valid, key=lambda choice: choice.field == "number"):
        if choice.field == "stated_total":
            total = choice.model
        elif choice.field != "item":
            items[choice.item] = replace(items[choice.item], **_decoded(choice))
        elif choice.model is None:
            items.pop(choice.item, None)
        else:
            items[choice.item] = item_from_json(choice.model)
    return _checked(rule, list(items.values()), total, SourceText(source_text), name)


def _rule_value(rule: Guide | None, choice: Choice) -> Any:
    if choice.field == "guide":
        return list(rule.problems) if rule is not None else UNREADABLE
    if rule is None:
        return None
    if choice.field == "stated_total":
        return rule.stated_total
    item = next((item for item in rule.items if item.number == choice.item), None)
    if item is None:
        return None
    return item_to_json(item) if choice.field == "item" else as_json(getattr(item, choice.field))


def _decoded(choice: Choice) -> Mapping[str, Any]:
    value = choice.model
    if choice.field == "criteria":
        value = tuple(Criterion(point["text"], point["marks"]) for point in value)
    return {choice.field: tuple(value) if isinstance(value, list) else value}


def _checked(rule: Guide, items: list[Item], total: float | None, source: SourceText, name: str) -> Guide:
    known = set(rule.items)
    starts = {item: _line(item, source) for item in items}
    items = sorted(items, key=lambda item: starts[item])
    ends = [starts[after] for after in items[1:]] + [len(source.lines) + 1]
    drafts = []
    for item, end in zip(items, ends, strict=True):
        lines = map(source.line, range(starts[item], max(end, starts[item])))
        # The rule parser had found its own items in order, limits ("any two") among them.
        drafts.append(_draft(item, limited=item in known or any(map(has_limit, lines))))
    return settle(Candidate(rule.title, tuple(drafts), total), name)


def _line(item: Item, source: SourceText) -> int:
    words = item.place.split()
    if words[:1] == ["line"] and words[1].isdigit():
        return min(int(words[1]), max(len(source.lines), 1))
    found = source.find(item.question) or source.find(item.model_answer)
    return found[0].first if found else 1


def _draft(item: Item, *, limited: bool) -> Draft:
    return Draft(
        number=item.number,
        levels=(item.number,),
        place=item.place,
        question=item.question,
        answer=item.model_answer,
        marks=(item.max_score,),
        points=tuple(Point(point.text, point.marks or None) for point in item.criteria),
        limited=limited,
        alternatives=item.alternatives,
        not_accepted=item.not_accepted,
    )
