"""The driver of strategies: failures are remedied, and a hopeless training ends with words."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from domain.errors import OutsideError, StrategyError
from domain.kinds import Kind
from strategies.base import (
    Checkpoint,
    Embed,
    GradingData,
    Hyperparameters,
    Stop,
    Surroundings,
    TrainedModel,
)
from tasks.training import advance


class Walker:
    """A strategy that takes a step of size `step`, and stumbles where it is larger than `safe`."""

    name, kind, objective = "walker", Kind.GRADING, "distance"
    Hyperparameters = Hyperparameters

    def __init__(self, safe: float = 1.0, failure: Exception | None = None) -> None:
        self.safe, self.failure, self.tries = safe, failure or FloatingPointError("loss is NaN"), 0

    def objection(self, config: Hyperparameters, data: Any) -> str | None:
        return None

    def start(self, config: Hyperparameters, data: Any) -> Checkpoint:
        return Checkpoint(0, {"step": 8.0})

    def iterate(self, checkpoint: Checkpoint, data: Any) -> Generator[Embed, np.ndarray, Checkpoint]:
        self.tries += 1
        if checkpoint.config["step"] > self.safe:
            raise self.failure
        distance = checkpoint.metrics.get("distance", 0.0) + checkpoint.config["step"]
        return Checkpoint(checkpoint.iteration + 1, checkpoint.config, {"distance": distance}, distance)
        yield

    def remedy(self, checkpoint: Checkpoint, failure: Exception) -> Checkpoint | None:
        return Checkpoint(**{**vars(checkpoint), "config": {"step": checkpoint.config["step"] / 2}})

    def finish(self, checkpoint: Checkpoint, data: Any) -> TrainedModel:
        return TrainedModel({}, {}, {})


@pytest.fixture
def data(tmp_path: Path) -> GradingData:
    return GradingData(pd.DataFrame(), pd.DataFrame(), "f", Surroundings(tmp_path))


def test_a_failed_iteration_is_tried_from_the_strategys_remedy(data: GradingData) -> None:
    after, remedied = advance(Walker(safe=2.0), Checkpoint(0, {"step": 8.0}), data)
    assert (after.iteration, after.metrics["distance"], remedied) == (1, 2.0, True)


def test_an_iteration_that_works_is_not_remedied(data: GradingData) -> None:
    after, remedied = advance(Walker(safe=8.0), Checkpoint(0, {"step": 8.0}), data)
    assert (after.metrics["distance"], remedied) == (8.0, False)


def test_after_three_remedies_training_ends_with_the_best_it_had(data: GradingData) -> None:
    walker = Walker(safe=0.1)
    before = Checkpoint(5, {"step": 8.0}, {"distance": 3.0}, best=3.0)
    after, _ = advance(walker, before, data)
    assert (after.iteration, after.best, after.done) == (5, 3.0, True)
    assert walker.tries == 4


def test_a_training_that_never_worked_is_an_error_with_the_reason(data: GradingData) -> None:
    with pytest.raises(StrategyError, match="walker failed 4 times: loss is NaN"):
        advance(Walker(safe=0.1), Checkpoint(0, {"step": 8.0}), data)


def test_a_failure_from_outside_is_left_to_the_retries(data: GradingData) -> None:
    walker = Walker(safe=0.1, failure=OutsideError("embeddings server is down"))
    with pytest.raises(OutsideError):
        advance(walker, Checkpoint(0, {"step": 8.0}), data)
    assert walker.tries == 1


def test_being_asked_to_stop_is_no_failure_that_a_remedy_helps_against(data: GradingData) -> None:
    walker = Walker(failure=Stop())  # type: ignore[arg-type]
    with pytest.raises(Stop):
        advance(walker, Checkpoint(0, {"step": 8.0}), data)
    assert walker.tries == 1


def test_a_strategy_is_not_asked_for_more_wishes_once_it_is_to_stop(data: GradingData) -> None:
    class Wisher(Walker):
        def iterate(self, checkpoint: Checkpoint, data: Any) -> Generator[Embed, np.ndarray, Checkpoint]:
            data.surroundings.stop.touch()
            yield Embed(("text",), "nobody")
            raise AssertionError("the wish was granted")

    stop = data.surroundings.scratch / "stop"
    with pytest.raises(Stop):
        advance(
            Wisher(), Checkpoint(0, {}), replace(data, surroundings=replace(data.surroundings, stop=stop))
        )
