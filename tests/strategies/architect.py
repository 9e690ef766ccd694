"""A search for networks without a server: the simulator's designer asked directly, the real sandbox."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from domain.errors import ReplyError
from domain.language_models import Answered, Reply, Request
from domain.vision.programs import NetworkLimits, Program, Refused, Traced
from infra.llm_simulator.answering import Luck
from infra.llm_simulator.architect import HONEST, MIXED
from infra.llm_simulator.responders import responder
from infra.sandbox import trace
from strategies.base import Ask, Checkpoint, VisionData
from tests.strategies.gallery import gallery

Asker = Callable[[Sequence[Request]], Sequence[Answered]]


def architect(
    designs: Mapping[str, float] = MIXED, seed: int = 0, budget: int | None = None
) -> Callable[[Sequence[Request]], list[Answered]]:
    """An AskModel that designs, in these shares of kinds; with a budget of so many requests."""
    left = [budget]

    def ask(requests: Sequence[Request]) -> list[Answered]:
        found: list[Answered] = []
        for request in requests:
            if left[0] is not None and left[0] <= 0:
                found.append(ReplyError("not asked: the money is spent", "budget"))
                continue
            left[0] = None if left[0] is None else left[0] - 1
            found.append(_reply(request, designs, seed))
        return found

    return ask


def _reply(request: Request, designs: Mapping[str, float], seed: int) -> Reply:
    messages = [vars(message) for message in request.messages]
    luck = Luck(f"{seed}/{request.seed}/{messages}")
    luck.designs = designs
    found = responder(request.schema_name)
    assert found is not None
    data = found(messages, dict(request.schema or {}), luck)
    return reply(data)


def reply(data: Any) -> Reply:
    return Reply(
        json.dumps(data), data, "test", "architect", "architect",
        n_prompt_tokens=100, n_completion_tokens=20, cost_usd=0.001,
    )  # fmt: skip


class Tracer:
    """The sandbox, remembering what it was given: the same program is traced once."""

    def __init__(self, seconds: float = 30.0) -> None:
        self._seconds = seconds
        self.known: dict[Program, Traced | Refused] = {}
        self.n_asked = 0

    def __call__(self, programs: Sequence[Program], limits: NetworkLimits) -> tuple[Traced | Refused, ...]:
        self.n_asked += len(programs)
        new = [one for one in dict.fromkeys(programs) if one not in self.known]
        self.known |= zip(new, trace(new, limits, seconds=self._seconds), strict=True)
        return tuple(self.known[one] for one in programs)


TRACER = Tracer()


HONEST_ARCHITECT = architect(HONEST)


def step(
    strategy: Any,
    checkpoint: Checkpoint,
    data: VisionData,
    ask: Asker = HONEST_ARCHITECT,
    tracer: Tracer = TRACER,
) -> Checkpoint:
    """One iteration, its wishes granted."""
    iteration = strategy.iterate(checkpoint, data)
    try:
        wish = next(iteration)
        while True:
            granted = (
                tuple(ask(wish.requests)) if isinstance(wish, Ask) else tracer(wish.programs, wish.limits)
            )
            wish = iteration.send(granted)
    except StopIteration as end:
        return end.value


def train(
    strategy: Any,
    config: Any,
    data: VisionData,
    after: Callable[[Checkpoint], Checkpoint] = lambda c: c,
) -> Checkpoint:
    """The best checkpoint of a whole training; `after` sees and may replace each checkpoint."""
    checkpoint = best = strategy.start(config, data)
    while not checkpoint.done:
        checkpoint = after(step(strategy, checkpoint, data))
        best = checkpoint if checkpoint.metrics[strategy.objective] == checkpoint.best else best
    return best


def searched(strategy: Any, config: Any, data: VisionData, ask: Asker) -> list[Checkpoint]:
    """All checkpoints of a whole training, the first round's first."""
    found = [strategy.start(config, data)]
    while not found[-1].done:
        found.append(step(strategy, found[-1], data, ask))
    return found[1:]


def digits(place: Path, **more: Any) -> VisionData:
    """Handwritten digits in a place where a language model can be asked."""
    data = gallery(place, **more)
    return replace(data, surroundings=replace(data.surroundings, language_models=("test:architect",)))
