"""Guides in our own JSON or YAML: the lossless way out, and in again. The fields are those of README.md."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from domain.grading.records import Guide, Item


def guide_text(guide: Guide, form: str) -> str:
    """The guide as a text of `form`, "json" or "yaml"; its problems stand in front, in YAML as comments.

    `parse_guide` gives the same guide for it, but for places, pages and confidence, which are those of the
    new text: a person vouches for it.
    """
    fields = _fields(guide)
    if form == "json":
        told = {"problems": list(guide.problems), **fields} if guide.problems else fields
        return json.dumps(told, ensure_ascii=False, indent=2) + "\n"
    import yaml

    comments = "".join(f"# Problem: {' '.join(problem.split())}\n" for problem in guide.problems)
    return comments + str(yaml.dump(fields, Dumper=_dumper(), sort_keys=False, allow_unicode=True, width=100))


def _fields(guide: Guide) -> dict[str, Any]:
    told: dict[str, Any] = {"title": guide.title}
    if guide.stated_total is not None:
        told["total"] = _number(guide.stated_total)
    if guide.instructions:
        told["instructions"] = guide.instructions
    return {**told, "items": [_item(item, guide.problems) for item in guide.items]}


def _item(item: Item, problems: Sequence[str]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "number": item.number,
        "question": item.question,
        "model_answer": item.model_answer,
        "max_score": _number(item.max_score),
    }
    if item.criteria or item.guidance:
        told["criteria"] = [{"text": point.text, "marks": _number(point.marks)} for point in item.criteria]
    worth = sum(point.marks for point in item.criteria)
    if worth > item.max_score and not any(f"item {item.number} (" in problem for problem in problems):
        told["limited"] = True
    for name, texts in (("alternatives", item.alternatives), ("not_accepted", item.not_accepted)):
        if texts:
            told[name] = list(texts)
    if item.guidance:
        told["guidance"] = item.guidance
    return told


def _number(value: float) -> float | int:
    return int(value) if float(value).is_integer() else value


def _dumper() -> Any:
    import yaml

    class Readable(yaml.SafeDumper):
        """Texts of several lines as blocks, which people can edit."""

        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> Any:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)

    Readable.add_representer(str, text)
    return Readable
