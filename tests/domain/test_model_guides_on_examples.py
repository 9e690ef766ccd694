"""The checks on the example guides: an honest reading passes, and no single corruption of it does."""

import copy
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.documents.extraction import Extraction
from domain.documents.reading import extract
from domain.errors import InputError
from domain.grading.guide_comparison import Outcome, compare
from domain.grading.guide_requests import source_of
from domain.grading.guides import parse_guide
from domain.grading.model_guides import ModelParse, read_items
from domain.grading.records import Guide
from domain.language_models import Reply
from tests.domain.test_parsing_round_trips import as_headings, as_list, guides

FOLDER = Path(__file__).parents[2] / "examples" / "guides"
Told = dict[str, Any]


def balanced() -> dict[str, tuple[Extraction, Guide]]:
    """Example guides that the rule parser reads without problems, JSON aside."""
    found = {}
    for path in sorted(FOLDER.iterdir()):
        try:
            extraction = extract(path)
        except InputError:
            continue
        guide = parse_guide(extraction, path.name)
        if not guide.problems and "json" not in extraction.media_type:
            found[path.name] = (extraction, guide)
    return found


GUIDES = balanced()


def honest(guide: Guide, source: str) -> Told:
    """What a faultless model would say."""
    lines = source.splitlines()
    items = []
    for item in guide.items:
        line = re.match(r"line (\d+)", item.place)
        items.append(
            {
                "number": item.number,
                "starts_with": lines[int(line[1]) - 1] if line else item.question,
                "question": item.question,
                "model_answer": item.model_answer,
                "max_score": item.max_score,
                "criteria": [{"text": point.text, "marks": point.marks} for point in item.criteria],
                "alternatives": list(item.alternatives),
                "not_accepted": list(item.not_accepted),
            }
        )
    return {"title": guide.title, "stated_total": guide.stated_total, "items": items}


def parse(told: Told, source: str) -> ModelParse:
    return read_items([Reply("", told, "openai", "gpt-test", "gpt-test")], source, "guide.txt")


@pytest.mark.parametrize("name", GUIDES)
def test_an_honest_reading_agrees_with_the_rules_and_would_be_proposed_without_them(name: str) -> None:
    extraction, guide = GUIDES[name]
    source = source_of(extraction)
    reading = parse(honest(guide, source), source)
    assert compare(guide, reading, source).outcome is Outcome.AGREED
    assert compare(None, reading, source).outcome is Outcome.PROPOSED
    assert reading.unread == ()


@settings(max_examples=60, deadline=None)
@given(guides(), st.sampled_from([as_headings, as_list]))
def test_an_honest_reading_of_whatever_guide_passes_every_check(
    guide: Guide, layout: Callable[[Guide], str]
) -> None:
    source = layout(guide)
    by_rule = parse_guide(Extraction(source, "test", "text/plain", 0.0, 1.0, "en"), "guide.txt")
    reading = parse(honest(guide=by_rule, source=source), source)
    assert compare(by_rule, reading, source).outcome is Outcome.AGREED
    assert (reading.refusals, reading.guide.problems, reading.unread) == ((), (), ())


def change_words(item: Told, change: Callable[[list[str]], None], chance: random.Random) -> None:
    field = chance.choice(["question", "model_answer"])
    words = item[field].split()
    change(words)
    item[field] = " ".join(words)


def swap(item: Told, told: Told, chance: random.Random) -> None:
    other = chance.choice([one for one in told["items"] if one is not item])
    word = chance.choice([word for word in other["question"].split() if len(word) > 4])

    def change(words: list[str]) -> None:
        words[len(words) // 2] = f"{word}s"

    change_words(item, change, chance)


def leave_out_a_word(item: Told, _: Told, chance: random.Random) -> None:
    change_words(item, lambda words: words.pop(len(words) // 2), chance)  # type: ignore[arg-type]


def cut_short(item: Told, _: Told, chance: random.Random) -> None:
    change_words(item, lambda words: words.pop(), chance)  # type: ignore[arg-type]


def negate(item: Told, _: Told, chance: random.Random) -> None:
    change_words(item, lambda words: words.insert(len(words) // 2, "not"), chance)


def change_marks(item: Told, _: Told, chance: random.Random) -> None:
    item["max_score"] += chance.choice([1, -1, 2])


def change_marks_of_a_point(item: Told, _: Told, chance: random.Random) -> None:
    chance.choice(item["criteria"])["marks"] += 1


def leave_out_an_item(item: Told, told: Told, _: random.Random) -> None:
    told["items"].remove(item)


def leave_out_a_point(item: Told, _: Told, chance: random.Random) -> None:
    item["criteria"].pop(chance.randrange(len(item["criteria"])))


def leave_out_an_alternative(item: Told, _: Told, __: random.Random) -> None:
    if item["alternatives"]:
        item["alternatives"].pop()


def take_anothers_answer(item: Told, told: Told, chance: random.Random) -> None:
    item["model_answer"] = chance.choice([i for i in told["items"] if i is not item])["model_answer"]


def change_the_total(_: Told, told: Told, __: random.Random) -> None:
    told["stated_total"] += 1


CORRUPTIONS = (
    swap, leave_out_a_word, cut_short, negate, change_marks, change_marks_of_a_point, leave_out_an_item,
    leave_out_a_point, leave_out_an_alternative, take_anothers_answer, change_the_total,
)  # fmt: skip


@pytest.mark.parametrize("corrupt", CORRUPTIONS, ids=lambda corrupt: corrupt.__name__)
@pytest.mark.parametrize("name", GUIDES)
def test_no_single_corruption_of_an_honest_reading_goes_unnoticed(
    name: str, corrupt: Callable[[Told, Told, random.Random], None]
) -> None:
    extraction, guide = GUIDES[name]
    source = source_of(extraction)
    chance = random.Random(f"{name} {corrupt.__name__}")
    for place in range(len(guide.items)):
        told = copy.deepcopy(honest(guide, source))
        corrupt(told["items"][place], told, chance)
        if told == honest(guide, source):  # nothing there to corrupt
            continue
        reading = parse(told, source)
        assert compare(guide, reading, source).outcome is not Outcome.AGREED
        alone = compare(None, reading, source)
        assert alone.outcome is Outcome.REFUSED or reading.unread, told["items"]
