"""The strategy `llm` through the real client, against the simulator: nothing is paid for twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domain.grading.metrics import qwk
from domain.language_models import Answered, Request
from infra.catalog import Catalog, costs_of, purge, spent, upgrade
from infra.llm import Budget, LanguageModels
from infra.llm_simulator.bank import make_bank
from infra.llm_simulator.behaviour import mixed
from strategies.base import GradingData, Surroundings
from strategies.grading.llm import Llm
from strategies.grading.llm.asking import CHUNK
from strategies.grading.loading import load_any_grader
from tests.llm_client import language_models
from tests.llm_server import running_simulator
from tests.strategies.classroom import unpacked
from tests.strategies.marker import training

LLM = Llm()


def config(**more: Any) -> Any:
    return LLM.Hyperparameters(**{"iterations": 3, "minibatch": 16, "candidates": 3, **more})


def examination(scratch: Path, seed: int = 1) -> tuple[GradingData, Any]:
    """A simulated class: what training sees, and the test answers."""
    bank = make_bank(n_items=4, n_students=40, seed=seed)
    number = bank.answers["student"].str[1:].astype(int) % 10
    split = np.select([number < 2, number < 5], ["validation", "test"], "train")
    answers = bank.answers.assign(split=split)
    place = Surroundings(scratch, ("compatible:simulated-1",))
    seen = answers[answers["split"] != "test"].reset_index(drop=True)
    return GradingData(bank.items, seen, f"bank {seed}", place), answers[answers["split"] == "test"]


class Payer:
    """An AskModel that pays for one job."""

    def __init__(self, models: LanguageModels, budget: Budget | None = None) -> None:
        self._models, self._budget = models, budget

    def __call__(self, requests: Any) -> list[Answered]:
        asked: list[Request] = list(requests)
        return self._models.complete(asked, payer="job", budget=self._budget)


@pytest.fixture
def catalog(tmp_path: Path) -> Any:
    url = f"sqlite:///{tmp_path / 'catalog.db'}"
    upgrade(url)
    with Catalog.open(url) as opened:
        yield opened


def test_training_raises_agreement_and_its_repetition_asks_nothing(catalog: Catalog, tmp_path: Path) -> None:
    data, test = examination(tmp_path)
    with running_simulator() as server, language_models(server.base_url, catalog) as models:
        learnt = training(LLM, config(), data, Payer(models))
        asked = server.counts()["received"]
        again = training(LLM, config(), data, Payer(models))
        assert server.counts()["received"] == asked
        assert [c.to_bytes() for c in again] == [c.to_bytes() for c in learnt]
        agreement = []
        for place in (0, -1):
            files = LLM.finish(learnt[place], data).files
            folder = unpacked(dict(files), tmp_path / f"model {place}")
            grades = load_any_grader(folder, ask=Payer(models)).grade(data.items, test)
            agreement.append(qwk(test["gold"] / test["max_score"], grades["mark"] / grades["max_score"]))
        assert server.counts()["answered_twice"] == 0
    assert agreement[1] > agreement[0] + 0.05


def test_every_answerable_answer_is_graded_and_the_others_say_why(catalog: Catalog, tmp_path: Path) -> None:
    data, test = examination(tmp_path)
    quick = {"llm_timeout_seconds": 2.0, "llm_deadline_seconds": 60.0}
    with running_simulator() as server, language_models(server.base_url, catalog, **quick) as models:
        learnt = training(LLM, config(iterations=1), data, Payer(models))
        folder = unpacked(dict(LLM.finish(learnt[0], data).files), tmp_path / "model")
        server.set(faults=mixed(0.2), poison=0.05)
        grades = load_any_grader(folder, ask=Payer(models)).grade(data.items, test)
    lacking = grades[grades["mark"].isna()]
    assert 0 < len(lacking) < 0.2 * len(test)
    assert lacking["rationale"].str.startswith("not graded: ").all()
    assert lacking["rationale"].str.len().gt(len("not graded: ") + 10).all()
    assert lacking["refer"].all() and lacking["score"].isna().all()
    assert len(grades) == len(test)


def test_a_budget_of_tokens_is_kept_and_leaves_a_model(catalog: Catalog, tmp_path: Path) -> None:
    data, _ = examination(tmp_path)
    budget = 60_000
    with running_simulator() as server, language_models(server.base_url, catalog) as models:
        learnt = training(LLM, config(iterations=8), data, Payer(models, Budget(tokens=budget)))
    paid = spent(catalog, "job")
    assert learnt[-1].state["ended"] == "budget"
    a_chunk = CHUNK * (paid.n_prompt_tokens + paid.n_completion_tokens) / paid.n_replies
    assert budget - a_chunk < paid.n_prompt_tokens + paid.n_completion_tokens <= budget
    assert set(LLM.finish(learnt[-1], data).files) == {"program.json", "examples.json"}


def test_what_was_said_about_an_answer_is_purged_by_its_id(catalog: Catalog, tmp_path: Path) -> None:
    data, _ = examination(tmp_path)
    with running_simulator() as server, language_models(server.base_url, catalog) as models:
        training(LLM, config(iterations=1), data, Payer(models))
    own = data.answers[data.answers["split"] == "train"]["answer_id"].iloc[0]
    # As the answer itself or as another's worked example.
    assert purge(catalog, [own], dry_run=True) >= 1
    graded = [cost.spent.n_replies for cost in costs_of(catalog, "job") if cost.purpose == "grade"]
    assert purge(catalog, list(data.answers["answer_id"])) == sum(graded) > 0
