"""Guides and items as JSON, for the catalog: what is written is read back the same."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from domain.grading.records import Criterion, Guide, Item


def as_json(value: Any) -> Any:
    """A field of an item, or a guide's total, as JSON says it."""
    if isinstance(value, tuple):
        return [asdict(entry) if isinstance(entry, Criterion) else entry for entry in value]
    return value


def item_to_json(item: Item) -> dict[str, Any]:
    """As the catalog keeps it; `item_from_json` is its inverse."""
    told = asdict(item)
    return {**told, "criteria": list(told["criteria"]), "alternatives": list(item.alternatives),
            "not_accepted": list(item.not_accepted)}  # fmt: skip


def item_from_json(told: dict[str, Any]) -> Item:
    criteria = tuple(Criterion(point["text"], point["marks"]) for point in told["criteria"])
    texts = {name: tuple(told[name]) for name in ("alternatives", "not_accepted")}
    return Item(**{**told, "criteria": criteria, **texts})


def guide_to_json(guide: Guide) -> dict[str, Any]:
    return {
        "title": guide.title,
        "stated_total": guide.stated_total,
        "instructions": guide.instructions,
        "items": [item_to_json(item) for item in guide.items],
    }


def guide_from_json(told: dict[str, Any]) -> Guide:
    items = tuple(map(item_from_json, told["items"]))
    return Guide(told["title"], items, told["stated_total"], instructions=told.get("instructions", ""))
