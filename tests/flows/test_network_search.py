"""The strategy llm for pictures through the command line, against a designer that speaks the protocol."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.data.pictures import encoded, zipped
from tests.flows.conftest import CommandLine
from tests.llm_server import running_simulator

QUICK = (
    *("--set", "rounds=2", "--set", "candidates=3", "--set", "trial_images=120", "--set", "trial_epochs=1"),
    *("--set", "epochs=2", "--set", "seeds=1", "--set", "repairs=1", "--set", "flip=false"),
)


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of 12 by 12 points with a bar that lies, stands or leans."""
    chance, contents = np.random.default_rng(0), {}
    for name in ("lies", "stands", "leans"):
        for number in range(80):
            points = chance.integers(0, 60, (12, 12), dtype=np.uint8)
            at, along = int(chance.integers(2, 10)), np.arange(12)
            across = {"lies": at, "stands": along, "leans": (along + at) % 12}[name]
            points[across, at if name == "stands" else along] = chance.integers(180, 255)
            contents[f"{name}/{number:02}.png"] = encoded(Image.fromarray(points))
    return zipped(tmp_path_factory.mktemp("bars") / "bars.zip", contents)


@pytest.fixture(scope="module")
def designer() -> Iterator[Any]:
    with running_simulator(mode="architect") as server:
        yield server


def test_a_killed_search_goes_on_and_a_second_run_asks_and_trains_nothing(
    tmp_path: Path, prefect_api: str, bars: Path, designer: Any
) -> None:
    environment = {
        "TRAINYARD_PREFECT_API_URL": prefect_api,
        "TRAINYARD_LLM_BASE_URL": designer.base_url,
        "TRAINYARD_LLM_MODELS": "compatible:simulated-1",
    }
    trainyard = CommandLine(tmp_path / "home", environment)
    command = ["pipeline", "--images", bars, "--dataset", "bars", "--strategy", "llm", *QUICK]
    before = trainyard.kill_at("iteration 1:", *command)
    asked = designer.counts()["received"]
    outcome = trainyard.json(*command)
    train = outcome["train"]
    assert train["choice"]["strategy"] == "llm"
    assert train["n_reused"] >= len(re.findall(r"iteration \d+:", before)) - 1
    received = designer.counts()["received"]
    # The first round's replies were kept before the kill: only the second round and repairs ask anew.
    assert received < 2 * asked
    again = trainyard.json(*command)
    assert again["train"]["n_trained"] == 0
    assert again["train"]["model"] == train["model"]
    assert designer.counts()["received"] == received
    _told_in_the_report(Path(outcome["report"]["folder"]))


def _told_in_the_report(folder: Path) -> None:
    """Every network that was tried, with its fate, what the search took, and a curve."""
    told = json.loads((folder / "report.json").read_text())
    search = told["search"]
    assert search["rounds"] == 2 and search["n_tokens"] > 0
    assert any(one["failure"] for one in search["candidates"]), "this designer's are broken at times"
    (winner,) = (one for one in search["candidates"] if one["number"] == search["winner"])
    assert winner["n_parameters"] == told["card"]["n_parameters"], "what became the model is the winner"
    html = (folder / "report.html").read_text()
    assert "our own residual network" in html and "What was tried" in html
