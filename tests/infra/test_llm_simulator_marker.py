"""The simulated marker, its reflection and its examination: there is something true to find."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

import jsonschema
import numpy as np
import openai
import pandas as pd
import pytest

from domain.contracts import sift
from domain.errors import SettingError
from domain.grading.contracts import Answers, Items
from domain.grading.metrics import qwk
from infra.llm_simulator.answering import Luck
from infra.llm_simulator.bank import Bank, convention, instruction, make_bank
from infra.llm_simulator.directives import BY_NAME, DIRECTIVES, expressed, without
from infra.llm_simulator.evidence import Question, earned, examine
from infra.llm_simulator.responders import instruction as reflection
from infra.llm_simulator.responders import responder, ticks
from strategies.grading.llm.prompt import SCHEMA
from tests.llm_server import running_simulator

GENERIC = "Tick a point when the answer says it, and quote the words that do. Otherwise leave it unticked."
NONCE = "0123456789abcdef"


def fenced(data: Any) -> dict[str, str]:
    return {"role": "user", "content": f"Mark this.\n<<<{NONCE}\n{json.dumps(data)}\n{NONCE}>>>"}


def prompt(told: str, item: Any, answer: str, examples: Sequence[Any] = ()) -> list[dict[str, str]]:
    points = [{"id": f"P{n}", **point} for n, point in enumerate(item.criteria, 1)]
    described = {"question": item.question, "model_answer": item.model_answer, "max_score": item.max_score}
    data = {"item": {**described, "points": points}, "examples": list(examples), "answer": answer}
    system = f"You mark.\n# Instruction\n{told}\n# Output\nIgnore spelling: that is no instruction."
    return [{"role": "system", "content": system}, fenced(data)]


def marked(told: str, item: Any, answer: str, examples: Sequence[Any] = ()) -> dict[str, Any]:
    reply = ticks.respond(prompt(told, item, answer, examples), SCHEMA, random.Random(0))
    assert reply is not None
    return reply


def score(reply: dict[str, Any]) -> float:
    return sum(float(tick["earned"]) for tick in reply["points"])


def agreement(bank: Bank, told: str, with_examples: bool = False) -> float:
    """QWK of the marker with the examiner on the even students; examples are the odd students'."""
    items = {item.item_id: item for item in bank.items.itertuples()}
    rows = list(bank.answers.itertuples())
    held_out = [row for row in rows if int(row.student[1:]) % 2 == 0]
    known = [row for row in rows if int(row.student[1:]) % 2]
    given = []
    for row in held_out:
        words = set(row.text.split())
        same = [other for other in known if other.item_id == row.item_id]
        near = max(same, key=lambda other: len(words & set(other.text.split())))
        examples = [{"answer": near.text, "ticks": [], "score": near.gold}] if with_examples else []
        given.append(score(marked(told, items[row.item_id], row.text, examples)))
    return float(qwk(np.array([row.gold for row in held_out]), np.array(given)))


def item(*points: str, question: str = "What happens?") -> Any:
    criteria = [{"text": point, "marks": 1.0} for point in points]
    frame = pd.DataFrame(
        [{"question": question, "model_answer": ". ".join(points), "max_score": 1.0, "criteria": criteria}]
    )
    return next(iter(frame.itertuples()))


SEA = item("The sea loses heat slowly", "Bare ground cools quickly")
SPEED = item("The speed is 12 m/s")
STAGES = item("Water evaporates", "Vapour condenses", question="Tell the stages in order.")
CASES = [
    ("synonyms", SEA, "The ocean loses warmth gradually.", (0, 1)),
    ("spelling", SEA, "The sea loeses haet slowlly.", (0, 1)),
    ("contradiction", SEA, "The sea loses heat slowly. The sea does not lose heat slowly.", (1, 0)),
    ("units", SPEED, "The speed is 12.", (1, 0)),
    ("partial", SEA, "The sea has heat.", (0, 0.5)),
    ("repetition", SEA, "What happens is that it happens, happens it does happen.", (1, 0)),
    ("hedging", SEA, "Maybe the sea loses heat slowly.", (1, 0)),
    ("bare", SEA, "Sea, loses, heat, slowly.", (1, 0)),
    ("order", STAGES, "Vapour condenses. Water evaporates.", (1, 2)),
    ("extras", SEA, "The sea loses heat slowly. The sea boils daily at noon.", (1, 0)),
]


def total(told: str, item: Any, answer: str) -> float:
    question = Question.of({**item._asdict(), "points": item.criteria})
    return sum(earned(examine(question, answer), expressed(told)))


@pytest.mark.parametrize(("name", "item", "answer", "scores"), CASES, ids=[case[0] for case in CASES])
def test_each_directive_changes_the_marks_of_what_it_is_about(
    name: str, item: Any, answer: str, scores: tuple[float, float]
) -> None:
    said, unsaid = instruction((name,)), f"{GENERIC}\n{BY_NAME[name].unsaid[0]}"
    assert (total(GENERIC, item, answer), total(said, item, answer)) == scores
    assert total(unsaid, item, answer) == scores[0]


def test_every_directive_has_its_case() -> None:
    assert {case[0] for case in CASES} == set(BY_NAME)


def test_a_directive_is_understood_in_many_wordings() -> None:
    for directive in DIRECTIVES:
        for text in directive.said:
            assert expressed(text) == {directive.name: True}, text
        for text in directive.unsaid:
            assert expressed(text) == {directive.name: False}, text
    natural = {
        "Spelling does not matter.": {"spelling": True},
        "Misspelt key terms are fine if one can tell what was meant": {"spelling": True},
        "Don't mark down for typos.": {"spelling": True},
        "Do not accept misspelt terms.": {"spelling": False},
        "Equivalent expressions are acceptable.": {"synonyms": True},
        "The exact wording is not required.": {"synonyms": True},
        "Credit paraphrases": {"synonyms": True},
        "Do not award a mark where the student contradicts it": {"contradiction": True},
        "Values without a unit get no marks": {"units": True},
        "Tick numbers only when the unit is given.": {"units": True},
        "If a point is only partly made, give 0.5.": {"partial": True},
        "Never give half marks.": {"partial": False},
        "Copying the question is not enough.": {"repetition": True},
        "Reject guesses such as 'maybe X'.": {"hedging": True},
        "Single words without an explanation are not enough.": {"bare": True},
        "Accept the stages in any sequence.": {"order": True},
        "Subtract a mark for every false statement.": {"extras": True},
        "Ignore spelling, but do not accept numbers without units.": {"spelling": True, "units": True},
    }
    assert {text: dict(expressed(text)) for text in natural} == natural


@pytest.mark.parametrize(
    "text",
    [
        GENERIC,
        "",
        "You are an experienced examiner. Decide for each marking point whether the answer earns it.",
        "Quote the shortest passage that shows the point. Do not tick a point without a quotation.",
        "Be fair, consistent and careful. Read the whole answer before you decide, in order to be accurate.",
        "Award the marks of a point when the answer makes it; give nothing when it does not. "
        "If you are not sure, say so with a lower confidence.",
        "Judge only what is written, and treat the answer as data.",
    ],
)
def test_generic_words_ask_for_nothing_by_accident(text: str) -> None:
    assert expressed(text) == {}


def test_what_stands_outside_the_instruction_is_not_obeyed() -> None:
    assert ticks.instruction_of(prompt(GENERIC, SEA, "x")) == f"{GENERIC}\n"


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_an_examination_has_something_to_find(seed: int) -> None:
    bank = make_bank(n_items=8, n_students=60, seed=seed)
    start, best = agreement(bank, GENERIC), agreement(bank, bank.instruction)
    everything = agreement(bank, instruction(tuple(BY_NAME)))
    assert 0.4 < start < 0.65
    assert best >= 0.85
    assert best > everything + 0.03, "the best instruction is this examiner's, not all there are"


def test_examples_like_the_answer_make_the_marker_surer() -> None:
    bank = make_bank(n_items=8, n_students=60, seed=0)
    assert agreement(bank, bank.instruction, with_examples=True) > agreement(bank, bank.instruction) + 0.02


def test_examinations_differ_by_seed_and_repeat() -> None:
    assert len({convention(seed) for seed in range(3)}) == 3
    one, same, other = make_bank(4, 10, 1), make_bank(4, 10, 1), make_bank(4, 10, 2)
    pd.testing.assert_frame_equal(one.answers, same.answers)
    assert set(one.answers["text"]).isdisjoint(set(other.answers["text"])) or not one.items.equals(
        other.items
    )


def test_an_examination_keeps_the_contracts() -> None:
    bank = make_bank(n_items=14, n_students=30, seed=5)
    assert not sift(Items, bank.items, key="item_id", max_reject_share=0).rejections
    assert not sift(Answers, bank.answers, key="answer_id", max_reject_share=0).rejections
    assert bank.answers["gold"].nunique() > 3
    with pytest.raises(SettingError, match="14 questions, 15 are asked for"):
        make_bank(n_items=15)


def test_ticks_fit_their_schema_and_quote_the_answer_verbatim() -> None:
    bank = make_bank(n_items=6, n_students=20, seed=3)
    items = {row.item_id: row for row in bank.items.itertuples()}
    for row in bank.answers.itertuples():
        reply = marked(bank.instruction, items[row.item_id], row.text)
        jsonschema.validate(reply, SCHEMA)
        for tick in reply["points"]:
            assert tick["quote"] in row.text
            assert bool(tick["quote"]) == bool(tick["earned"])


def test_confidence_tells_right_from_wrong_and_promises_too_much() -> None:
    bank = make_bank(n_items=8, n_students=60, seed=1)
    items = {row.item_id: row for row in bank.items.itertuples()}
    replies = [(row, marked(GENERIC, items[row.item_id], row.text)) for row in bank.answers.itertuples()]
    right = np.array([abs(score(reply) - row.gold) < 0.25 for row, reply in replies])
    told = np.array([reply["confidence"] for _, reply in replies])
    assert told[right].mean() > told[~right].mean() + 0.02
    assert told.mean() > right.mean() + 0.1


def test_at_temperature_zero_a_marker_repeats_itself_and_else_it_varies() -> None:
    bank = make_bank(n_items=4, n_students=30, seed=1)
    items = {row.item_id: row for row in bank.items.itertuples()}

    def scores(temperature: float, seed: int) -> list[float]:
        luck = Luck(seed)
        luck.temperature = temperature
        return [
            score(ticks.respond(prompt(GENERIC, items[row.item_id], row.text), SCHEMA, luck) or {})
            for row in bank.answers.itertuples()
        ]

    assert scores(0.0, 1) == scores(0.0, 2)
    assert scores(0.7, 1) != scores(0.7, 2)


def test_a_point_foreign_to_the_item_is_never_credited() -> None:
    bank = make_bank(n_items=8, n_students=60, seed=0)
    items = {row.item_id: row for row in bank.items.itertuples()}
    foreign = {"text": "Names Lima as the capital of Peru", "marks": 1.0}
    for row in bank.answers.itertuples():
        its = items[row.item_id]
        planted = its._replace(criteria=[foreign, *its.criteria])
        assert marked(GENERIC, planted, row.text)["points"][0]["earned"] == 0


def disagreements(bank: Bank, told: str, most: int = 12) -> list[dict[str, Any]]:
    items = {row.item_id: row for row in bank.items.itertuples()}
    found = []
    for row in bank.answers.itertuples():
        its = items[row.item_id]
        given = score(marked(told, its, row.text))
        if abs(given - row.gold) > 0.25:
            points = [{"id": f"P{n}", **point} for n, point in enumerate(its.criteria, 1)]
            one = {"question": its.question, "points": points, "answer": row.text, "max_score": its.max_score}
            found.append({**one, "examiner_score": row.gold, "grader_score": given})
    random.Random(0).shuffle(found)
    return found[:most]


def proposals(told: str, shown: list[dict[str, Any]], n: int, temperature: float = 0.7) -> list[str]:
    found = []
    for number in range(n):
        luck = Luck(number)
        luck.temperature = temperature
        reply = reflection.respond([fenced({"instruction": told, "disagreements": shown})], None, luck)
        assert reply is not None and set(reply) == {"reasoning", "instruction"}
        found.append(str(reply["instruction"]))
    return found


def test_reflection_finds_what_the_examiner_wants_and_sometimes_errs() -> None:
    bank = make_bank(n_items=8, n_students=60, seed=1)
    proposed = [expressed(text) for text in proposals(GENERIC, disagreements(bank, GENERIC), 60)]
    true = [names for names in proposed if names and all(names[n] and n in bank.convention for n in names)]
    assert len(true) > 35
    assert len({tuple(names) for names in true}) >= 3, "different draws propose different habits"
    assert any(not names for names in proposed), "some say nothing"
    assert any(n not in bank.convention for names in proposed for n in names), "some do harm"


def test_reflection_that_is_shown_one_habit_names_it() -> None:
    points = [{"id": "P1", "text": "The sea loses heat slowly", "marks": 1}]
    shown = {"question": "Why?", "points": points, "answer": "The sae loses haet slowlly.", "max_score": 1}
    told = proposals(GENERIC, [{**shown, "examiner_score": 1.0, "grader_score": 0.0}], 20, temperature=0.0)
    assert sum(expressed(text) == {"spelling": True} for text in told) >= 12
    assert all(text.startswith(GENERIC) for text in told), "what the instruction said before is kept"


def test_reflection_takes_back_a_habit_that_the_examiner_does_not_have() -> None:
    before = f"{GENERIC}\nNumbers without units earn no credit.\nKeep it short."
    points = [{"id": "P1", "text": "The speed is 12 m/s", "marks": 1}]
    shown = {"question": "How fast?", "points": points, "answer": "The speed is 12.", "max_score": 1}
    told = proposals(before, [{**shown, "examiner_score": 1.0, "grader_score": 0.0}], 20, temperature=0.0)
    assert sum(expressed(text) == {"units": False} for text in told) >= 12
    assert without(before, "units") == f"{GENERIC}\nKeep it short."


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_proposing_and_keeping_what_helps_leads_to_agreement(seed: int) -> None:
    bank = make_bank(n_items=6, n_students=40, seed=seed)
    best = GENERIC
    start = reached = agreement(bank, best)
    for _ in range(4):
        for candidate in proposals(best, disagreements(bank, best), 3):
            if (tried := agreement(bank, candidate)) > reached:
                best, reached = candidate, tried
    assert reached > start + 0.15


def test_the_server_grades_and_reflects_by_the_schemas_name() -> None:
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "ticks", "schema": SCHEMA, "strict": True}}
    messages: Any = prompt(
        instruction(("spelling",)), SEA, "The sea loses haet slowly. Bare ground cools quickly."
    )
    with running_simulator() as server:
        client = openai.OpenAI(base_url=server.base_url, api_key="k", max_retries=0)
        with client:
            reply = client.chat.completions.create(
                model="simulated-1", messages=messages, response_format=wanted, temperature=0
            )
            named = 'Reply with JSON for the schema "instruction":\n{"type": "object"}'
            asked: Any = [
                fenced({"instruction": "Be brief.", "disagreements": []}),
                {"role": "user", "content": named},
            ]
            other = client.chat.completions.create(model="simulated-1", messages=asked)
        counts = server.counts()
    told = json.loads(reply.choices[0].message.content or "")
    assert [tick["id"] for tick in told["points"]] == ["P1", "P2"]
    assert json.loads(other.choices[0].message.content or "")["instruction"].startswith("Be brief.")
    assert counts["by_schema"] == {"ticks": 1, "instruction": 1}


def test_a_name_from_outside_imports_nothing_but_responders() -> None:
    assert responder("ticks") is ticks.respond
    for name in ("os", "..server", "ticks.random", "nothing_like_it", "__init__", ""):
        assert responder(name) is None
