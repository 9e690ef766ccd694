"""The simulated designer of networks, as the real client meets it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from domain.errors import SettingError
from domain.language_models import Reply
from domain.vision.gate import checked
from infra.catalog import Catalog, upgrade
from infra.llm_simulator.architect import KINDS, Design, design, mended
from infra.llm_simulator.behaviour import behaviour_of
from infra.llm_simulator.responders import responder
from strategies.vision.llm.hyperparameters import LlmHyperparameters
from strategies.vision.llm.journal import Entry
from strategies.vision.llm.prompt import design_request, edited, patch_request, repair_request
from tests.llm_client import language_models
from tests.llm_server import running_simulator

CONFIG = LlmHyperparameters()
FACTS = {"images": {"num_classes": 10}, "limits": {"n_parameters": 10**6, "epochs": 8}}
RECIPE = {
    "optimiser": "sgd", "learning_rate": 0.1, "batch": 64, "weight_decay": 0.0, "dropout": 0.0,
    "label_smoothing": 0.0, "epochs": 8,
}  # fmt: skip


def tried(code: str = Design("plain", 8, 2).code(), **more: Any) -> Entry:
    return Entry(
        **{
            "number": 0,
            "iteration": 1,
            "origin": "design",
            "idea": "",
            "code": code,
            "recipe": RECIPE,
            **more,
        }
    )


@pytest.fixture
def catalog(tmp_path: Path) -> Any:
    url = f"sqlite:///{tmp_path / 'catalog.db'}"
    upgrade(url)
    with Catalog.open(url) as opened:
        yield opened


def test_the_client_gets_networks_patches_and_repairs_in_their_schemas(catalog: Catalog) -> None:
    requests = [
        design_request(CONFIG, FACTS, [], 0, 1),
        patch_request(CONFIG, FACTS, [], tried(), 2),
        repair_request(CONFIG, FACTS, tried(stage="gate", failure="line 1"), 3),
    ]
    with running_simulator(mode="architect") as server, language_models(server.base_url, catalog) as models:
        replies = models.complete(requests, payer="job")
        again = models.complete(requests, payer="job")
    assert all(isinstance(reply, Reply) for reply in replies)
    parts = [set(reply.data) - {"idea", "hyperparameters"} for reply in replies]
    assert parts == [{"code"}, {"edits"}, {"code"}]
    assert [reply.data for reply in again] == [reply.data for reply in replies]
    assert edited(tried().code, replies[1].data["edits"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_design_can_be_asked_for_alone(kind: str, catalog: Catalog) -> None:
    with (
        running_simulator(mode="architect", designs={kind: 1.0}) as server,
        language_models(server.base_url, catalog) as models,
    ):
        replies = models.complete([design_request(CONFIG, FACTS, [], 0, n) for n in range(8)], payer="job")
    codes = [reply.data["code"] for reply in replies]
    assert len(set(codes)) > 1
    refused = [code for code in codes if not passes_the_gate(code)]
    if kind in ("good", "bad", "slow"):
        assert not refused
    if kind == "hostile":
        assert refused == codes


def passes_the_gate(code: str) -> bool:
    try:
        checked(code)
    except Exception:
        return False
    return True


def test_a_broken_design_can_be_mended_and_a_good_one_needs_it_not() -> None:
    for seed in range(30):
        _, broken = design("broken", random.Random(seed))
        better = mended(broken)
        assert better is not None
        assert passes_the_gate(better) and mended(better) is None


def test_what_helped_before_is_done_again_and_what_harmed_is_not() -> None:
    respond = responder("network_patch")
    assert respond is not None

    def trial(accuracy: float) -> list[dict[str, float]]:
        return [{"epochs": 1.0, "accuracy": accuracy, "log_loss": 1.0}]

    def asked(after: float) -> list[str]:
        journal = [
            {"number": 0, "idea": "", "trials": trial(0.5)},
            {"number": 1, "changed_from": 0, "idea": "WIDTH up from 8 to 12", "trials": trial(after)},
        ]
        request = patch_request(CONFIG, FACTS, journal, tried(), 2)
        messages = [vars(message) for message in request.messages]
        replies = [respond(messages, None, random.Random(n)) for n in range(60)]
        return [reply["idea"] for reply in replies if reply is not None]

    def n_wider(after: float) -> int:
        return sum(idea.startswith("WIDTH up") for idea in asked(after))

    assert n_wider(0.8) > n_wider(0.5) > n_wider(0.2)


def test_a_kind_of_design_that_there_is_not_is_refused() -> None:
    with pytest.raises(SettingError, match="no kind of design"):
        behaviour_of({"designs": json.loads('{"baroque": 1}')})
