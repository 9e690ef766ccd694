"""A language model for tests that marks by rules: a function of requests, so strategies are tested alone.

It ticks a point whose words all stand in the answer, whatever comes before. The examiner of `classroom`
gives nothing for answers that are unsure of themselves; the marker does so too once its instruction says
`RULE`, which its reflection proposes when the disagreements show it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from domain.errors import ReplyError
from domain.language_models import Answered, Reply, Request
from strategies.base import Ask, Checkpoint, GradingData, Surroundings
from tests.strategies.classroom import answers, items

RULE = "An answer that is unsure of itself earns nothing."
UNSURE = ("maybe", "probably", "I think")
MODEL = ("test", "marker")


def told(request: Request) -> dict[str, Any]:
    """What stands between the fences of the last message."""
    lines = request.messages[-1].content.split("\n")
    assert lines[0].removeprefix("<<<") == lines[-1].removesuffix(">>>")
    return json.loads(lines[1])


def reply(data: Any, **more: Any) -> Reply:
    return Reply(
        **{
            "text": json.dumps(data),
            "data": data,
            "provider": MODEL[0],
            "model": MODEL[1],
            "response_model": MODEL[1],
            "n_prompt_tokens": 100,
            "n_completion_tokens": 20,
            "cost_usd": 0.001,
            **more,
        }
    )


def ticks(request: Request) -> dict[str, Any]:
    """The marker's ticks for a grading request."""
    asked = told(request)
    answer = str(asked["answer"])
    nothing = RULE in request.messages[0].content and answer.startswith(UNSURE)
    points = [
        {"id": p["id"], "earned": 1.0, "quote": p["text"]}
        if p["text"] in answer and not nothing
        else {"id": p["id"], "earned": 0.0, "quote": ""}
        for p in asked["item"]["points"]
    ]
    return {"points": points, "confidence": 0.9, "comment": "Read point by point."}


def better_instruction(request: Request) -> dict[str, str]:
    """Adds the rule where the disagreements show it, or else says something idle."""
    shown = told(request)
    unsure = [one for one in shown["disagreements"] if one["answer"].startswith(UNSURE)]
    found = RULE if unsure and request.repeat % 2 == 0 else "Take your time."
    return {"reasoning": f"{len(unsure)} were unsure", "instruction": f"{shown['instruction']}\n{found}"}


def marker(requests: Sequence[Request]) -> list[Answered]:
    """An AskModel."""
    return [
        reply(better_instruction(one) if one.schema_name == "instruction" else ticks(one)) for one in requests
    ]


def classroom_of_the_unsure(scratch: Path, *names: str, n: int = 40) -> GradingData:
    """The class set, whose examiner gives nothing for unsure answers."""
    names = names or ("plants", "rust", "tides")
    graded = answers(*names, n=n)
    graded["gold"] = graded["gold"].where(~graded["text"].str.startswith(UNSURE), 0.0)
    place = Surroundings(scratch, language_models=(":".join(MODEL),))
    return GradingData(items(*names), graded, "-".join(names), place)


Asker = Callable[[Sequence[Request]], Sequence[Answered]]


def step(strategy: Any, checkpoint: Checkpoint, data: GradingData, ask: Asker = marker) -> Checkpoint:
    """One iteration."""
    iteration = strategy.iterate(checkpoint, data)
    try:
        wish = next(iteration)
        while True:
            assert isinstance(wish, Ask)
            wish = iteration.send(tuple(ask(wish.requests)))
    except StopIteration as end:
        return end.value


def training(strategy: Any, config: Any, data: GradingData, ask: Asker = marker) -> list[Checkpoint]:
    """The checkpoints of a whole training."""
    found = [strategy.start(config, data)]
    while not found[-1].done:
        found.append(step(strategy, found[-1], data, ask))
    return found[1:]


class Counted:
    """Asks the marker, keeping the requests; with a budget of so many of them."""

    def __init__(self, ask: Asker = marker, budget: int | None = None) -> None:
        self.requests: list[Request] = []
        self.wishes: list[int] = []
        self._ask, self._budget = ask, budget

    def __call__(self, requests: Sequence[Request]) -> list[Answered]:
        self.wishes.append(len(requests))
        left = len(requests) if self._budget is None else max(self._budget - len(self.requests), 0)
        self.requests += requests[:left]
        refused = [ReplyError("not asked: the money is spent", "budget") for _ in requests[left:]]
        return [*self._ask(requests[:left]), *refused]
