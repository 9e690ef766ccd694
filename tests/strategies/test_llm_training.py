"""Training a program: it learns the examiner's habit, is determined by the replies, keeps to a budget."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from domain.errors import OutsideError, ReplyError, StrategyError
from domain.language_models import Answered, Reply, Request
from strategies.base import Checkpoint
from strategies.grading.llm import Llm
from strategies.grading.llm.asking import CHUNK
from strategies.grading.llm.lesson import Lesson, Rows
from strategies.grading.llm.program import START
from strategies.grading.llm.search import Member, advantage, best_somewhere, front, on_front
from tests.strategies.marker import RULE, Counted, classroom_of_the_unsure, marker, step, told, training

LLM = Llm()


def config(**more: Any) -> Any:
    return LLM.Hyperparameters(**{"iterations": 4, "minibatch": 12, "candidates": 3, **more})


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    data = classroom_of_the_unsure(tmp_path_factory.mktemp("scratch"))
    asked = Counted()
    return {"data": data, "asked": asked, "checkpoints": training(LLM, config(), data, asked)}


def test_a_habit_of_the_examiner_is_learnt(trained: dict[str, Any]) -> None:
    first, last = trained["checkpoints"][0], trained["checkpoints"][-1]
    assert first.state["program"]["instruction"] == START
    assert RULE in last.state["program"]["instruction"]
    assert last.metrics["qwk"] > first.metrics["qwk"] + 0.2
    assert last.metrics["qwk"] == pytest.approx(1.0)


def test_the_first_iteration_measures_the_instruction_to_begin_with(trained: dict[str, Any]) -> None:
    first = trained["checkpoints"][0]
    assert [record["origin"] for record in first.state["history"]] == ["start"]
    assert {
        "qwk",
        "rmse",
        "r",
        "agreement",
        "answered",
        "valid_replies",
        "quoted",
        "n_tokens",
        "cost_usd",
    } == set(first.metrics)
    assert first.metrics["answered"] == first.metrics["valid_replies"] == first.metrics["quoted"] == 1.0


def test_tokens_and_cost_are_those_of_all_replies(trained: dict[str, Any]) -> None:
    n = len(trained["asked"].requests)
    assert trained["checkpoints"][-1].state["n_tokens"] == n * 120
    assert trained["checkpoints"][-1].state["cost_usd"] == pytest.approx(n * 0.001)
    assert sum(c.metrics["n_tokens"] for c in trained["checkpoints"]) == n * 120


def test_the_history_tells_every_candidate_and_which_was_kept(trained: dict[str, Any]) -> None:
    history = trained["checkpoints"][-1].state["history"]
    kept = [record for record in history if record["kept"]]
    assert kept[0]["text"] == START
    assert RULE in kept[-1]["text"]
    assert kept[-1]["qwk"] == trained["checkpoints"][-1].metrics["qwk"]
    assert any("Take your time." in record["text"] and not record["kept"] for record in history)


def test_it_stops_when_nothing_better_is_found(trained: dict[str, Any]) -> None:
    learnt = training(LLM, config(iterations=50, patience=2), trained["data"])
    assert len(learnt) == 4
    assert learnt[-1].done and learnt[-1].state["since_best"] == 2


def test_the_same_replies_give_the_same_bytes(trained: dict[str, Any]) -> None:
    again = training(LLM, config(), trained["data"], _as_if_reused)
    assert [c.to_bytes() for c in again] == [c.to_bytes() for c in trained["checkpoints"]]
    files = [LLM.finish(c[-1], trained["data"]).files for c in (again, trained["checkpoints"])]
    assert dict(files[0]) == dict(files[1])


def _as_if_reused(requests: Sequence[Request]) -> list[Answered]:
    return [replace(one, reused=True, seconds=0.5) for one in marker(requests) if isinstance(one, Reply)]


def test_a_checkpoint_from_its_file_goes_on_as_if_never_saved(
    trained: dict[str, Any], tmp_path: Path
) -> None:
    first, second = trained["checkpoints"][:2]
    (tmp_path / "first").write_bytes(first.to_bytes())
    resumed = step(LLM, Checkpoint.from_file(tmp_path / "first"), trained["data"])
    assert resumed.to_bytes() == second.to_bytes()


def test_new_ids_for_the_same_material_change_no_question(trained: dict[str, Any]) -> None:
    data = trained["data"]
    renamed = data.answers.assign(answer_id=[f"new-{n}" for n in range(len(data.answers))])
    asked = Counted()
    training(LLM, config(), replace(data, answers=renamed), asked)
    assert asked.requests == trained["asked"].requests


def test_examples_come_from_train_and_never_tell_the_answers_own_score(trained: dict[str, Any]) -> None:
    rows = trained["data"].answers
    train = set(rows.loc[rows["split"] == "train", "text"])
    grading = [one for one in trained["asked"].requests if one.schema_name == "ticks"]
    for request in grading:
        asked = told(request)
        shown = {example["text"] if "text" in example else example["answer"] for example in asked["examples"]}
        assert shown <= train
        assert asked["answer"] not in shown
    assert all(len(told(request)["examples"]) == 3 for request in grading)


def test_reflection_sees_train_answers_that_no_candidate_is_tried_on(trained: dict[str, Any]) -> None:
    lesson = Lesson.of(trained["data"], 12, 200, 0)
    tried = {*lesson.pool.texts, *lesson.validation.texts}
    wishes = [one for one in trained["asked"].requests if one.schema_name == "instruction"]
    shown = [
        entry["answer"]
        for one in wishes
        for part in ("disagreements", "agreements")
        for entry in told(one)[part]
    ]
    assert shown and not tried & set(shown)


def test_nobody_is_shown_to_the_model_by_name(trained: dict[str, Any]) -> None:
    for request in trained["asked"].requests:
        sent = " ".join(message.content for message in request.messages)
        assert not re.search(r"\bs\d+\b", sent)
        assert "-1-" not in sent


def test_wishes_come_in_chunks(trained: dict[str, Any]) -> None:
    assert max(trained["asked"].wishes) <= CHUNK


def test_a_budget_ends_the_training_with_the_best_so_far(trained: dict[str, Any]) -> None:
    whole = len(trained["asked"].requests)
    for budget in (40, 70, 120, whole - 5):
        asked = Counted(budget=budget)
        learnt = training(LLM, config(), trained["data"], asked)
        assert learnt[-1].done and learnt[-1].state["ended"] == "budget"
        assert len(asked.requests) == budget
        # One refusal is enough: what comes after it is not even asked.
        assert sum(asked.wishes) <= budget + CHUNK
        model = LLM.finish(learnt[-1], trained["data"])
        assert model.card["ended"] == "budget"


def test_a_budget_for_nothing_says_what_to_raise(trained: dict[str, Any]) -> None:
    with pytest.raises(
        StrategyError, match=r"TRAINYARD_LLM_BUDGET_USD.*money is spent|money is spent.*raise TRAINYARD"
    ):
        training(LLM, config(), trained["data"], Counted(budget=2))


def unanswered(kind: str, share: float) -> Any:
    """The marker, but every so many requests fail."""

    def ask(requests: Sequence[Request]) -> list[Answered]:
        found = marker(requests)
        every = round(1 / share)
        return [ReplyError("so", kind) if n % every == 0 else one for n, one in enumerate(found)]

    return ask


def test_answers_without_a_reply_are_left_out_and_counted(trained: dict[str, Any]) -> None:
    learnt = training(LLM, config(), trained["data"], unanswered("refused", 0.25))
    assert learnt[-1].metrics["answered"] == pytest.approx(0.75, abs=0.05)
    assert learnt[-1].metrics["qwk"] > 0.9
    assert np.isnan(learnt[-1].tensors["validation.shares"]).sum() > 0
    assert LLM.finish(learnt[-1], trained["data"]).card["n_validation"] == 24


def test_a_server_that_is_gone_stops_the_iteration_to_be_tried_again(trained: dict[str, Any]) -> None:
    start = LLM.start(config(), trained["data"])
    with pytest.raises(OutsideError, match="requests had no answer: so"):
        step(LLM, start, trained["data"], unanswered("unavailable", 0.34))
    assert step(LLM, start, trained["data"], unanswered("unavailable", 0.1)).iteration == 1


def test_a_model_that_gives_nothing_usable_is_said_so(trained: dict[str, Any]) -> None:
    with pytest.raises(StrategyError, match="0 of 24 validation answers got a usable reply"):
        training(LLM, config(), trained["data"], unanswered("unreadable", 1.0))


def test_unknown_prices_are_not_told_as_nothing(trained: dict[str, Any]) -> None:
    def priceless(requests: Sequence[Request]) -> list[Answered]:
        return [replace(one, cost_usd=None) for one in marker(requests) if isinstance(one, Reply)]

    last = training(LLM, config(iterations=2), trained["data"], priceless)[-1]
    assert "cost_usd" not in last.metrics
    assert last.state["cost_usd"] is None


def test_repeats_are_asked_apart_and_their_consistency_told(trained: dict[str, Any]) -> None:
    def wavering(requests: Sequence[Request]) -> list[Answered]:
        found = marker(requests)
        for place, request in enumerate(requests):
            reply = found[place]
            if request.repeat == 1 and request.schema_name == "ticks" and isinstance(reply, Reply):
                none = [{**tick, "earned": 0} for tick in reply.data["points"]]
                found[place] = replace(reply, data={**reply.data, "points": none})
        return found

    steady = training(LLM, config(iterations=1, repeats=2), trained["data"])[0]
    unsteady = training(LLM, config(iterations=1, repeats=2), trained["data"], wavering)[0]
    assert steady.metrics["consistency"] == 1.0
    assert unsteady.metrics["consistency"] < 0.5
    assert unsteady.metrics["rmse"] > steady.metrics["rmse"]


def test_an_instruction_that_is_only_luck_is_not_accepted(tmp_path: Path) -> None:
    """A model whose proposals change nothing but a few random ticks never replaces the start."""

    def noisy(requests: Sequence[Request]) -> list[Answered]:
        found = marker(requests)
        for place, request in enumerate(requests):
            reply = found[place]
            if request.schema_name != "ticks" or not isinstance(reply, Reply):
                continue
            draw = random.Random(f"{request.messages[0].content}/{told(request)['answer']}")
            if draw.random() < 0.15:
                none = [{**tick, "earned": 0} for tick in reply.data["points"]]
                found[place] = replace(reply, data={**reply.data, "points": none})
        return found

    def idle(requests: Sequence[Request]) -> list[Answered]:
        return [
            replace(
                one, data={"reasoning": "", "instruction": f"{told(r)['instruction']}\nTake {n} breaths."}
            )
            if r.schema_name == "instruction" and isinstance(one, Reply)
            else one
            for n, (r, one) in enumerate(zip(requests, noisy(requests), strict=True))
        ]

    accepted = 0
    for seed in range(4):
        data = classroom_of_the_unsure(tmp_path, "plants", "rust", n=30 + seed)
        last = training(LLM, config(seed=seed, iterations=3), data, idle)[-1]
        accepted += last.state["program"]["instruction"] != START
    assert accepted <= 1


def test_too_few_answers_are_objected_to_and_few_are_enough(tmp_path: Path) -> None:
    data = classroom_of_the_unsure(tmp_path, n=9)
    assert LLM.objection(config(), data) is None
    learnt = training(LLM, config(), data)
    assert learnt[-1].metrics["qwk"] > 0.5
    assert LLM.finish(learnt[-1], data).files
    few = classroom_of_the_unsure(tmp_path, n=5)
    assert LLM.objection(config(), few) == (
        "only 3 scored answers in the validation split, at least 5 needed: add graded answers"
    )


def rows(*gold: float) -> Rows:
    names = tuple(str(n) for n in range(len(gold)))
    return Rows(names, names, names, np.array(names), np.array(gold, float), np.full(len(gold), 0.25))


def member(name: str, n_tokens: float, *shares: float) -> Member:
    return Member(name, "", "reflection", 1, n_tokens, np.array(shares, float))


def test_the_front_holds_what_nobody_beats_in_agreement_and_cost() -> None:
    gold = rows(1, 1, 0, 0)
    good, cheap, worse = (
        member("good", 90, 1, 1, 0, 0),
        member("cheap", 50, 1, 0, 0, 0),
        member("worse", 95, 1, 0, 1, 0),
    )
    assert list(on_front([good, cheap, worse], gold)) == [True, True, False]
    assert front([good, cheap, worse], gold, [good]) == (good, cheap, worse)


def test_ties_on_single_answers_are_shared() -> None:
    gold = rows(1, 1, 0)
    assert list(best_somewhere([member("a", 1, 1, 0, 0), member("b", 1, 1, 1, 1)], gold)) == [1.5, 1.5]


def test_an_advantage_counts_only_answers_that_both_were_graded_on() -> None:
    gold = rows(1, 1, 1, 0)
    nan = float("nan")
    gain = advantage(gold, np.array([1.0, 1.0, nan, 0.0]), np.array([0.0, 1.0, 0.0, nan]))
    assert (gain.fall, gain.n) == (0.5, 2)
    assert gain.sureness == pytest.approx(1.0)


def test_an_answer_nobody_scored_is_not_trained_on(trained: dict[str, Any]) -> None:
    data = trained["data"]
    answers = data.answers.copy()
    answers.loc[:5, "gold"] = np.nan
    lesson = Lesson.of(replace(data, answers=answers), 12, 200, 0)
    assert lesson.n_train == int(((answers["split"] == "train") & answers["gold"].notna()).sum())
    assert isinstance(answers, pd.DataFrame)
