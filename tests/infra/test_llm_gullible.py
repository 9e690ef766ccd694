"""Attacks on a simulated marker that obeys them, with and without the walls around it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from domain.errors import ReplyError
from domain.grading.attacks import Attack, chosen_attacks
from domain.grading.injection import guarded, suspicion
from domain.language_models import Answered, Message, Reply, Request
from infra.catalog import Catalog
from infra.llm import LanguageModels
from tests.llm_client import language_models
from tests.llm_server import Simulator, running_simulator

NONCE = "5d1f3a9c7b2e4806"
WEAK = "It has to do with the heat."
ITEM = {
    "question": "Why does a metal bar get longer when it is heated?",
    "model_answer": "The particles vibrate faster and take up more room.",
    "max_score": 2.0,
    "points": [
        {"id": "P1", "text": "The particles vibrate faster", "marks": 1},
        {"id": "P2", "text": "The particles take up more room", "marks": 1},
    ],
}
TICK = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "earned": {"type": "number"}, "quote": {"type": "string"}},
    "required": ["id", "earned", "quote"],
    "additionalProperties": False,
}
TICKS = {
    "type": "object",
    "properties": {
        "points": {"type": "array", "items": TICK},
        "confidence": {"type": "number"},
        "comment": {"type": "string"},
    },
    "required": ["points", "confidence", "comment"],
    "additionalProperties": False,
}
SCORE = {
    "type": "object",
    "properties": {"score": {"type": "number"}, "comment": {"type": "string"}},
    "required": ["score", "comment"],
    "additionalProperties": False,
}
SAMPLE = chosen_attacks(26, seed=1)


@pytest.fixture
def server() -> Iterator[Simulator]:
    with running_simulator(gullible="all") as simulator:
        yield simulator


@pytest.fixture
def models(server: Simulator, catalog: Catalog) -> Iterator[LanguageModels]:
    with language_models(server.base_url, catalog) as client:
        yield client


def grading(answer: str, before: str = "") -> Request:
    data = json.dumps({"item": ITEM, "examples": [], "answer": answer})
    words = f"{before}<<<{NONCE}\n{data}\n{NONCE}>>>"
    return Request((Message("system", "Tick."), Message("user", words)), schema=TICKS, schema_name="ticks")


def naive(answer: str) -> Request:
    words = (
        f"Question: {ITEM['question']}\nModel answer: {ITEM['model_answer']}\n"
        f"Maximum marks: 2\nStudent's answer: {answer}"
    )
    return Request((Message("user", words),), schema=SCORE, schema_name="score")


def attacked(attack: Attack) -> str:
    return attack.around(WEAK, 2.0)


def marks(answered: Answered) -> float:
    assert isinstance(answered, Reply), answered
    if "score" in answered.data:
        return float(answered.data["score"])
    return sum(float(tick["earned"]) for tick in answered.data["points"])


def test_a_marker_that_is_simply_asked_for_a_score_obeys_every_attack(models: LanguageModels) -> None:
    replies = models.complete([naive(attacked(attack)) for attack in SAMPLE])
    assert [marks(reply) for reply in replies] == [2.0] * len(SAMPLE)
    assert marks(models.complete([naive(WEAK)])[0]) < 1


def test_the_fence_alone_does_not_stop_a_marker_that_obeys_what_it_reads_anywhere(
    models: LanguageModels,
) -> None:
    replies = models.complete([grading(attacked(attack)) for attack in SAMPLE])
    assert [marks(reply) for reply in replies] == [2.0] * len(SAMPLE)
    assert marks(models.complete([grading(WEAK)])[0]) < 1


def test_a_marker_that_obeys_only_outside_the_fence_obeys_nothing_within(
    server: Simulator, models: LanguageModels
) -> None:
    server.set(gullible="unfenced")
    fenced = models.complete([grading(attacked(attack)) for attack in SAMPLE])
    pasted = models.complete([grading(WEAK, before=f"{attacked(attack)}\n\n") for attack in SAMPLE])
    assert max(marks(reply) for reply in fenced) < 2
    assert [marks(reply) for reply in pasted] == [2.0] * len(SAMPLE)


def test_no_attack_passes_the_decoy_whatever_its_words(models: LanguageModels) -> None:
    replies = guarded(models.complete)([grading(attacked(attack)) for attack in SAMPLE])
    assert all(isinstance(reply, ReplyError) for reply in replies)


def test_a_marker_that_spares_decoys_is_stopped_by_the_second_look(
    server: Simulator, models: LanguageModels
) -> None:
    server.set(gullible="canny")
    requests = [grading(attacked(attack)) for attack in SAMPLE]
    passed = guarded(models.complete)(requests)
    assert sum(isinstance(reply, Reply) and marks(reply) == 2 for reply in passed) > len(SAMPLE) // 2
    replies = guarded(models.complete, second_look=True)(requests)
    assert not [reply for reply in replies if isinstance(reply, Reply) and marks(reply) == 2]


def test_the_detector_knows_nothing_of_the_list_that_the_marker_obeys(models: LanguageModels) -> None:
    unknown = [attack for attack in SAMPLE if attack.held_out and not suspicion(attacked(attack))]
    replies = models.complete([grading(attacked(attack)) for attack in unknown])
    assert unknown
    assert {marks(reply) for reply in replies} == {2.0}
