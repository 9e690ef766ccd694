"""Guides as exam boards and teachers lay them out, made from known items: read as they were written."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from domain.documents.reading import extract
from domain.grading.guide_export import guide_text
from domain.grading.guides import parse_guide
from domain.grading.numbering import normalise_number
from domain.grading.records import Guide

sys.path.insert(0, str(Path(__file__).parent.parent / "data"))

from make_guides import guides

MADE = list(guides())
LAYOUTS = sorted({"-".join(one.name.split("-")[:2]) + Path(one.name).suffix for one in MADE})


def read(name: str, content: bytes, folder: Path) -> Guide:
    path = folder / name
    path.write_bytes(content)
    return parse_guide(extract(path), name)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_gives_back_its_items_and_marks_and_balances_as_it_does(layout: str, tmp_path: Path) -> None:
    some = [one for one in MADE if "-".join(one.name.split("-")[:2]) + Path(one.name).suffix == layout]
    assert some
    for one in some:
        guide = read(one.name, one.content, tmp_path)
        truth = json.loads(json.dumps(one.truth))
        wanted = [(normalise_number(item["number"]), item["max_score"]) for item in truth["items"]]
        assert [(item.number, item.max_score) for item in guide.items] == wanted, one.name
        assert bool(guide.problems) != truth["balances"], (one.name, guide.problems)


def test_the_set_covers_what_it_should() -> None:
    assert len(MADE) >= 300
    assert len({Path(one.name).suffix for one in MADE}) >= 12
    assert sum(not one.truth["balances"] for one in MADE) >= 28


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_a_guide_that_is_exported_is_read_back_the_same(form: str, tmp_path: Path) -> None:
    for one in MADE[:: max(len(MADE) // 40, 1)]:
        guide = read(one.name, one.content, tmp_path)
        again = read(f"exported.{form}", guide_text(guide, form).encode(), tmp_path)
        assert again.title == guide.title and again.stated_total == guide.stated_total
        assert [replace(item, place="") for item in again.items] == [
            replace(item, place="", page=None, confidence=1.0) for item in guide.items
        ]
        assert again.instructions == guide.instructions
        assert bool(again.problems) == bool(guide.problems), (one.name, again.problems, guide.problems)
