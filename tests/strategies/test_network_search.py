"""The search for a network: what is tried, what is written down, and what ends it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from domain.errors import OutsideError, ReplyError, StrategyError
from domain.kinds import Split
from domain.language_models import Answered, Request
from domain.vision.graph_modules import TracedNetwork
from domain.vision.programs import NetworkLimits, Program, Refused, Traced
from infra.llm_simulator.architect import HONEST, MARKER, design
from strategies.base import Checkpoint
from strategies.vision.classifier import load_classifier
from strategies.vision.llm import Llm
from strategies.vision.llm.dropout import with_dropout
from strategies.vision.llm.facts import facts_of, limits_of, trial_data
from strategies.vision.llm.own_network import own_code
from strategies.vision.llm.prompt import edited
from strategies.vision.llm.sameness import identity
from strategies.vision.residual import Residual
from tests.strategies.architect import TRACER, Tracer, architect, digits, reply, searched, step
from tests.strategies.classroom import unpacked

LLM = Llm()
SAFE = {"good": 0.5, "bad": 0.1, "broken": 0.2, "hostile": 0.2}
"""As an architect's, but for what takes its whole time."""


def config(**more: Any) -> Any:
    quick = {"rounds": 1, "candidates": 2, "trial_images": 200, "trial_epochs": 1, "epochs": 2, "seeds": 1}
    return LLM.Hyperparameters(**{"flip": False, "precision": "fp32", **quick, **more})


def one_round(place: Path, ask: Any, **more: Any) -> Checkpoint:
    data = digits(place)
    return step(LLM, LLM.start(config(**more), data), data, ask)


def journal(checkpoint: Checkpoint) -> list[dict[str, Any]]:
    return checkpoint.state["search"]["journal"]


RECIPE = {
    "optimiser": "adamw", "learning_rate": 0.003, "batch": 32, "weight_decay": 0.0, "dropout": 0.0,
    "label_smoothing": 0.1, "epochs": 2,
}  # fmt: skip
LINEAR = """
from torch import nn

def build_model(num_classes, channels, size):
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * size * size, num_classes))
"""

COSTLY = "nn.Conv2d(64, 64, 3, padding=1), "
MODULE = """
from torch import nn

class Network(nn.Module):
    def __init__(self, num_classes, channels, size):
        super().__init__()
        self.head = nn.Linear(channels * size * size, num_classes)

    def forward(self, x):
        BODY

def build_model(num_classes, channels, size):
    return Network(num_classes, channels, size)
"""


def always(*codes: str, **recipe: Any) -> Any:
    """A designer that answers with these programs in turn."""
    turn = [0]

    def ask(requests: Sequence[Request]) -> list[Answered]:
        found: list[Answered] = []
        for _ in requests:
            code = codes[turn[0] % len(codes)]
            turn[0] += 1
            found.append(reply({"idea": "one", "code": code, "hyperparameters": {**RECIPE, **recipe}}))
        return found

    return ask


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_rounds_find_networks_that_are_better_on_validation(seed: int, tmp_path: Path) -> None:
    ask, data = architect(SAFE, seed), digits(tmp_path)
    rounds = [LLM.start(config(rounds=5, candidates=4, patience=9, seed=seed), data)]
    while not rounds[-1].state["search"]["ended"]:
        rounds.append(step(LLM, rounds[-1], data, ask))
    assert rounds[-1].best > rounds[1].best + 0.02
    assert not Path(MARKER).exists()


def test_the_journal_has_every_candidate_with_its_measure_or_its_failure(tmp_path: Path) -> None:
    checkpoint = one_round(tmp_path, architect({"broken": 0.5, "hostile": 0.5}), candidates=4, repairs=0)
    entries = journal(checkpoint)
    assert [entry["number"] for entry in entries] == list(range(5))
    assert entries[0]["origin"] == "own"
    assert entries[0]["trials"] and not entries[0]["failure"]
    for entry in entries[1:]:
        assert entry["stage"] in ("gate", "build", "trace", "graph", "shapes", "overfit")
        assert entry["failure"] and not entry["trials"]
    assert checkpoint.metrics["n_failed"] == 4
    assert checkpoint.metrics["accuracy"] == entries[0]["trials"][-1]["accuracy"]


def test_the_better_half_is_trained_longer_and_the_best_longest(tmp_path: Path) -> None:
    entries = journal(one_round(tmp_path, architect(HONEST), candidates=3))
    lengths = sorted(len(entry["trials"]) for entry in entries if entry["trials"])
    assert lengths[-1] == 3
    assert lengths[0] == 1
    best = max(entries, key=lambda entry: len(entry["trials"]))
    assert [trial["epochs"] for trial in best["trials"]] == [1, 2, 4]


def test_a_program_that_differs_in_names_and_comments_only_is_tried_once(tmp_path: Path) -> None:
    other = LINEAR.replace("num_classes", "n").replace("    return", "    # the same\n    return")
    entries = journal(one_round(tmp_path, always(LINEAR, other)))
    assert entries[1]["trials"]
    assert (entries[2]["stage"], entries[2]["failure"]) == ("duplicate", "it is the same as number 1")


def test_programs_with_one_graph_are_tried_once(tmp_path: Path) -> None:
    other = LINEAR.replace("channels * size * size", "size * size * channels")
    assert identity(other) != identity(LINEAR)
    entries = journal(one_round(tmp_path, always(LINEAR, other)))
    assert (entries[2]["stage"], entries[2]["failure"]) == (
        "duplicate",
        "its graph is the same as number 1's",
    )


def test_the_same_network_with_another_recipe_is_another_candidate(tmp_path: Path) -> None:
    data = digits(tmp_path)
    checkpoint = step(LLM, LLM.start(config(candidates=1, rounds=2), data), data, always(LINEAR))

    def patch(requests: Sequence[Request]) -> list[Answered]:
        return [
            reply({"idea": "faster", "edits": [], "hyperparameters": {**RECIPE, "learning_rate": 0.01}})
            for _ in requests
        ]

    checkpoint = step(LLM, checkpoint, data, patch)
    assert journal(checkpoint)[2]["stage"] != "duplicate"


def test_a_broken_network_is_sent_back_with_what_is_wrong_and_used_when_put_right(tmp_path: Path) -> None:
    told: list[Request] = []
    ask = always(LINEAR.replace("nn.Flatten()", "nn.Flaten()"), LINEAR)

    def noted(requests: Sequence[Request]) -> list[Answered]:
        told.extend(requests)
        return ask(requests)

    entry = journal(one_round(tmp_path, noted, candidates=1))[1]
    assert entry["n_repairs"] == 1
    assert entry["trials"]
    asked = json.loads(told[1].messages[1].content.split("\n")[1])
    assert asked["failed_at"] == "gate"
    assert "Flaten" in asked["failure"]


def test_a_network_is_repaired_at_most_as_often_as_allowed(tmp_path: Path) -> None:
    worse = [LINEAR.replace("nn.Flatten()", f"nn.Nothing{n}()") for n in range(6)]
    checkpoint = one_round(tmp_path, always(*worse), candidates=1, repairs=2)
    assert journal(checkpoint)[1]["n_repairs"] == 2
    assert journal(checkpoint)[1]["stage"] == "gate"
    assert checkpoint.state["search"]["n_calls"] == 3


def test_edits_have_to_fit_exactly_once() -> None:
    assert edited("a = 1\nb = 1\n", [{"find": "a = 1", "replace": "a = 2"}]) == "a = 2\nb = 1\n"
    for find, n in (("= 1", 2), ("c", 0), ("", 0)):
        with pytest.raises(ValueError, match=f"stands in the code {n} times"):
            edited("a = 1\nb = 1\n", [{"find": find, "replace": ""}])


def test_a_network_that_cannot_learn_one_batch_by_heart_is_not_trained(tmp_path: Path) -> None:
    code = MODULE.replace("BODY", "return self.head(x.flatten(1)) * 1e-4")
    entry = journal(one_round(tmp_path, always(code), candidates=1, repairs=0))[1]
    assert entry["stage"] == "overfit", entry
    assert "does not learn 32 images by heart" in entry["failure"]


def test_a_network_beyond_its_budgets_or_that_mixes_images_is_refused(tmp_path: Path) -> None:
    costly = LINEAR.replace(
        "nn.Flatten()", "nn.Conv2d(channels, 64, 3, padding=1), " + 9 * COSTLY + "nn.Flatten()"
    )
    costly = costly.replace("nn.Linear(channels", "nn.Linear(64")
    mixing = MODULE.replace("BODY", "return self.head(x.flatten(1) - x.flatten(1).mean(0))")
    entries = journal(one_round(tmp_path, always(costly, mixing), repairs=0))
    assert [entry["stage"] for entry in entries[1:]] == ["budget", "mixing"]


def test_a_search_without_a_single_usable_reply_trains_our_own_network(tmp_path: Path) -> None:
    def unreadable(requests: Sequence[Request]) -> list[Answered]:
        return [ReplyError("the reply is no JSON") for _ in requests]

    data = digits(tmp_path)
    checkpoints = searched(LLM, config(), data, unreadable)
    assert [entry["stage"] for entry in journal(checkpoints[-1])] == ["", "reply", "reply"]
    model = LLM.finish(checkpoints[-1], data)
    assert model.card["origin"] == "own"
    assert model.card["metrics"]["accuracy"] > 0.7


def test_a_model_that_nobody_answers_for_is_an_error_from_outside(tmp_path: Path) -> None:
    def gone(requests: Sequence[Request]) -> list[Answered]:
        return [ReplyError("no answer in time", "unavailable") for _ in requests]

    with pytest.raises(OutsideError, match="none of 2 requests had an answer"):
        one_round(tmp_path, gone)


@pytest.mark.parametrize(
    ("more", "budget", "calls"),
    [({"max_calls": 3}, None, 3), ({"max_usd": 0.0015}, None, 2), ({}, 3, 3)],
)
def test_budgets_of_calls_and_money_end_the_search_and_the_winner_is_trained(
    more: dict[str, Any], budget: int | None, calls: int, tmp_path: Path
) -> None:
    ask, data = architect(HONEST, budget=budget), digits(tmp_path)
    checkpoints = searched(LLM, config(rounds=9, patience=9, **more), data, ask)
    search = checkpoints[-1].state["search"]
    assert search["ended"] == "budget"
    assert search["rounds"] < 9
    assert sum(entry["stage"] != "budget" for entry in search["journal"][1:]) == calls
    assert len(checkpoints[-1].state["winner"]["results"]) == 1


def test_a_budget_of_seconds_ends_the_search_with_what_was_tried(tmp_path: Path) -> None:
    data = digits(tmp_path)
    checkpoints = searched(LLM, config(rounds=9, budget_seconds=0.02), data, architect(HONEST))
    entries = journal(checkpoints[-1])
    assert checkpoints[0].state["search"]["ended"] == "budget"
    assert entries[0]["trials"]
    assert [entry["stage"] for entry in entries[1:]] == ["budget", "budget"]
    assert checkpoints[-1].done


@pytest.mark.parametrize(("more", "ended"), [({"target": 0.2}, "target"), ({"patience": 1}, "noise")])
def test_a_search_ends_at_its_target_or_where_nothing_gets_better(
    more: dict[str, Any], ended: str, tmp_path: Path
) -> None:
    data, ask = digits(tmp_path), always(LINEAR, learning_rate=1e-5)
    checkpoint = LLM.start(config(rounds=9, candidates=1, **more), data)
    while not checkpoint.state["search"]["ended"]:
        checkpoint = step(LLM, checkpoint, data, ask if ended == "target" else architect({"bad": 1.0}))
    assert checkpoint.state["search"]["ended"] == ended
    assert checkpoint.state["search"]["rounds"] < 5


def test_the_winner_is_trained_from_two_seeds_and_the_better_one_is_the_model(tmp_path: Path) -> None:
    data = digits(tmp_path / "data")
    last = searched(LLM, config(seeds=2, epochs=3), data, architect(HONEST))[-1]
    results = last.state["winner"]["results"]
    assert [result["seed"] for result in results] == [0, 1]
    assert results[0]["log_loss"] != results[1]["log_loss"]
    model = LLM.finish(last, data)
    held = data.rows[data.rows["split"] == Split.VALIDATION.value]
    images = np.load(data.images_path)[held["row"]]
    told = load_classifier(unpacked(model.files, tmp_path / "model")).classify(images)
    right = float((told["label"].to_numpy() == held["label"].to_numpy()).mean())
    assert right == pytest.approx(max(result["accuracy"] for result in results), abs=0.011)
    assert model.card["seeds"] == results
    assert len(json.loads(model.files["journal.json"])) == model.card["search"]["n_candidates"]


def test_every_checkpoint_of_a_search_can_be_finished(tmp_path: Path) -> None:
    data = digits(tmp_path)
    with pytest.raises(StrategyError, match="has tried no network yet"):
        LLM.finish(LLM.start(config(), data), data)
    first = one_round(tmp_path, architect(HONEST))
    model = LLM.finish(first, data)
    assert model.card["metrics"]["accuracy"] == pytest.approx(first.metrics["accuracy"], abs=0.011)


def test_a_winner_that_diverges_is_tried_again_with_a_smaller_step(tmp_path: Path) -> None:
    data = digits(tmp_path)
    found = one_round(tmp_path, architect(HONEST))
    assert LLM.remedy(found, StrategyError("the loss is no number")) is None
    under_way = step(LLM, found, data)
    milder = LLM.remedy(under_way, StrategyError("the loss is no number"))
    before, after = (c.state["winner"]["inner"]["config"]["learning_rate"] for c in (under_way, milder))
    assert after == before / 2
    assert step(LLM, milder, data).done


def test_a_place_without_walls_ends_the_search_with_the_reason(tmp_path: Path) -> None:
    class Open(Tracer):
        def __call__(self, programs: Any, limits: Any) -> tuple[Refused, ...]:
            return tuple(Refused("generated code is not run on this system", "walls") for _ in programs)

    data = digits(tmp_path)
    with pytest.raises(StrategyError, match="not run on this system, or use --strategy transfer or native"):
        step(LLM, LLM.start(config(), data), data, architect(HONEST), Open())


def test_a_place_without_a_language_model_is_objected_to(tmp_path: Path) -> None:
    data = digits(tmp_path)
    assert LLM.objection(config(), data) is None
    lone = replace(data, surroundings=replace(data.surroundings, language_models=()))
    assert "TRAINYARD_OPENAI_API_KEY" in str(LLM.objection(config(), lone))


def test_our_own_network_as_a_program_is_our_own_network() -> None:
    (traced,) = TRACER([Program(own_code(16), 10, 1, 8)], NetworkLimits())
    assert isinstance(traced, Traced)
    ours = Residual(10, 1, 8, 16).eval()
    weights = {name: torch.from_numpy(values.copy()) for name, values in traced.weights.items()}
    ours.load_state_dict(weights, strict=False)
    images = torch.rand(5, 1, 8, 8)
    with torch.no_grad():
        assert torch.allclose(
            TracedNetwork(traced.graph, traced.weights).eval()(images), ours(images), atol=1e-5
        )


def test_a_proposed_dropout_is_put_into_the_training_graph() -> None:
    lazy = LINEAR.replace("nn.Flatten()", "nn.Flatten(), nn.Dropout(0.9)")
    for code in (LINEAR, lazy):
        (traced,) = TRACER([Program(code, 10, 1, 8)], NetworkLimits())
        assert isinstance(traced, Traced)
        images = torch.rand(64, 1, 8, 8)
        outs = []
        for share in (0.0, 0.5):
            network = TracedNetwork(with_dropout(traced.graph, share), traced.weights)
            outs.append((network.train()(images), network.train()(images), network.eval()(images)))
        assert torch.equal(outs[0][0], outs[0][1]) == (code == LINEAR)
        assert not torch.equal(outs[1][0], outs[1][1])
        assert torch.equal(outs[0][2], outs[1][2])


def test_trials_are_held_on_images_of_all_classes_alike(tmp_path: Path) -> None:
    data = digits(tmp_path)
    some = trial_data(data, 100, 3).rows
    counts = some[some["split"] == "train"]["label"].value_counts()
    assert 95 <= counts.sum() <= 105
    assert counts.min() >= 8
    assert (some["split"] == "validation").sum() == 200
    assert some.equals(trial_data(data, 100, 3).rows)


def test_the_designer_is_told_of_images_and_limits_but_of_no_image(tmp_path: Path) -> None:
    data = digits(tmp_path)
    facts = facts_of(data, config(), limits_of(data, config()))
    assert facts["images"]["classes"] == [str(digit) for digit in range(10)]
    assert (facts["images"]["n_train"], facts["images"]["size"]) == (800, 8)
    assert facts["limits"]["n_parameters"] == 1_000_000


def test_limits_never_shut_our_own_network_out(tmp_path: Path) -> None:
    data = digits(tmp_path)
    limits = limits_of(data, config(most_parameters=10, most_mflops=0.001))
    own = Residual(10, 1, 8, 16)
    assert limits.n_parameters == sum(p.numel() for p in own.parameters())


def test_designs_are_the_same_for_a_seed() -> None:
    import random

    for kind in ("good", "bad", "broken", "slow", "hostile"):
        assert design(kind, random.Random(5)) == design(kind, random.Random(5))
