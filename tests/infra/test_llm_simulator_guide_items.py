"""The simulated reader of guides: it reads what is in the prompt, and errs where it is told to."""

import random
from pathlib import Path
from typing import Any

import pytest
from jsonschema import validate  # type: ignore[import-untyped]

from domain.grading.guide_requests import SCHEMA, requests_for
from infra.llm_simulator.responders.guide_items import faulty, respond

FOLDER = Path(__file__).parents[2] / "examples" / "guides"


def asked(text: str) -> list[dict[str, Any]]:
    (request,) = requests_for(text, "guide.txt")
    return [{"role": message.role, "content": message.content} for message in request.messages]


@pytest.mark.parametrize(("name", "n_items", "total"), [("photosynthesis.txt", 5, 14), ("rivers.md", 5, 15)])
def test_it_reads_the_guide_in_the_prompt(name: str, n_items: int, total: float) -> None:
    told = respond(asked((FOLDER / name).read_text()), None, random.Random(0))
    validate(told, SCHEMA)
    assert (len(told["items"]), told["stated_total"]) == (n_items, total)
    assert all(item["model_answer"] and item["criteria"] for item in told["items"])


@pytest.mark.parametrize(
    "fault", ["invents", "paraphrases", "wrong_marks", "near_marks", "drops", "obeys", "nothing"]
)
def test_each_fault_changes_the_reading_and_keeps_its_shape(fault: str) -> None:
    messages = asked((FOLDER / "photosynthesis.txt").read_text())
    told = faulty(fault)(messages, None, random.Random(0))
    validate(told, SCHEMA)
    assert told != respond(messages, None, random.Random(0))


def test_a_fault_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="'lies' is no fault of this reader"):
        faulty("lies")


def test_a_prompt_without_a_guide_has_no_items() -> None:
    assert respond([{"role": "user", "content": "hello"}], None, random.Random(0))["items"] == []
