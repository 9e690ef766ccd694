"""The strategy `llm`: grading by a language model. This version only says why it cannot serve yet."""

from __future__ import annotations

from collections.abc import Generator

from domain.errors import StrategyError
from domain.kinds import Kind
from strategies import base
from strategies.base import Checkpoint, Effect, GradingData, Outcome, TrainedModel

NO_KEY = (
    "no API key: export TRAINYARD_OPENAI_API_KEY, TRAINYARD_DEEPSEEK_API_KEY or TRAINYARD_GROQ_API_KEY, "
    "or use --strategy transfer or native"
)
NOT_YET = (
    "training with a language model is not in this version, although a key is set: "
    "use --strategy transfer or native"
)


class Llm:
    """Stands in the order of `auto`, so that a run says why a language model was passed over."""

    name = "llm"
    kind = Kind.GRADING
    objective = "qwk"
    Hyperparameters = base.Hyperparameters

    def objection(self, config: base.Hyperparameters, data: GradingData) -> str | None:
        return self._why(data)

    def start(self, config: base.Hyperparameters, data: GradingData) -> Checkpoint:
        raise StrategyError(f"strategy llm: {self._why(data)}")

    def iterate(self, checkpoint: Checkpoint, data: GradingData) -> Generator[Effect, Outcome, Checkpoint]:
        yield from ()
        raise StrategyError(f"strategy llm: {self._why(data)}")

    def remedy(self, checkpoint: Checkpoint, failure: Exception) -> Checkpoint | None:
        return None

    def finish(self, checkpoint: Checkpoint, data: GradingData) -> TrainedModel:
        raise StrategyError(f"strategy llm: {self._why(data)}")

    def _why(self, data: GradingData) -> str:
        return NOT_YET if data.surroundings.language_models else NO_KEY
