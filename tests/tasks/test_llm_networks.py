"""A search for networks by the driver: the real client, sandbox and loop, against the simulator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.catalog import Catalog, upgrade
from infra.llm_simulator.architect import MARKER
from strategies.base import Checkpoint
from strategies.vision.llm import Llm
from tasks.training import advance
from tests.llm_client import language_models
from tests.llm_server import running_simulator
from tests.strategies.architect import digits
from tests.tasks.test_llm_training import Payer

LLM = Llm()
DESIGNS = {"good": 0.4, "broken": 0.3, "hostile": 0.3}


@pytest.fixture
def catalog(tmp_path: Path) -> Any:
    url = f"sqlite:///{tmp_path / 'catalog.db'}"
    upgrade(url)
    with Catalog.open(url) as opened:
        yield opened


def test_a_search_that_is_repeated_asks_and_traces_nothing(catalog: Catalog, tmp_path: Path) -> None:
    data = digits(tmp_path / "data")
    config = LLM.Hyperparameters(
        rounds=2, candidates=3, trial_images=200, trial_epochs=1, epochs=1, seeds=1, flip=False,
        model="compatible:simulated-1",
    )  # fmt: skip

    def trained(ask: Payer) -> list[bytes]:
        found = [LLM.start(config, data)]
        while not found[-1].done:
            found.append(advance(LLM, found[-1], data, ask)[0])
        return [checkpoint.to_bytes() for checkpoint in found]

    def traces() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in (tmp_path / "data/scratch/traces").iterdir()}

    with (
        running_simulator(mode="architect", designs=DESIGNS, seed=3) as server,
        language_models(server.base_url, catalog) as models,
    ):
        first = trained(Payer(models))
        asked, traced = server.counts()["received"], traces()
        assert trained(Payer(models)) == first
        assert server.counts()["received"] == asked
        assert traces() == traced
    (tmp_path / "last").write_bytes(first[-1])
    search = Checkpoint.from_file(tmp_path / "last").state["search"]
    # A reply that could not be read at first was asked for twice.
    assert 0 < search["n_calls"] <= asked
    assert any(entry["stage"] == "gate" for entry in search["journal"])
    assert not Path(MARKER).exists()
