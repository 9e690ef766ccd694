"""The winner's training: as long as any other strategy's, once from each of several seeds."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from domain.errors import StrategyError
from domain.vision.programs import Program, Traced
from strategies.base import Checkpoint, Effect, Outcome, Trace, VisionData
from strategies.vision.distributed import next_checkpoint
from strategies.vision.hyperparameters import LoopHyperparameters
from strategies.vision.llm.facts import limits_of
from strategies.vision.llm.hyperparameters import LlmHyperparameters
from strategies.vision.llm.search import contender_of
from strategies.vision.llm.state import Searched, graph_tensor, part, rebuilt
from strategies.vision.llm.trial import Contender, beginning
from strategies.vision.training import Design, channels_and_size

_LEAST_SECONDS = 1e-3


def train_winner(
    checkpoint: Checkpoint, config: LlmHyperparameters, data: VisionData
) -> Generator[Effect, Outcome, Checkpoint]:
    """The next epoch (or slice of the budget) of the winner; the last seed's last one is `done`."""
    winner = dict(checkpoint.state["winner"] or {"results": [], "spent_seconds": 0.0, "inner": None})
    if winner["inner"] is None:
        inner, contender = yield from _begun(checkpoint, winner, config, data)
    else:
        contender = rebuilt(checkpoint.tensors, "graph", Searched.of(checkpoint.state).winner)
        inner = inner_of(checkpoint)
    loop = LoopHyperparameters(**inner.config)
    # Processes that share the iteration find the network beside the weights.
    inner = replace(inner, tensors={**inner.tensors, "graph": graph_tensor(contender.graph)})
    after = next_checkpoint(inner, loop, data, contender.design(), "llm")
    tensors = {
        **after.tensors,
        "graph": graph_tensor(contender.graph),
        **part(checkpoint.tensors, "final"),
        **{n: t for n, t in checkpoint.tensors.items() if n == "final_graph"},
    }
    winner["inner"] = _told(after)
    if after.done:
        winner, tensors = _finished(winner, after, loop, tensors)
    number, value = checkpoint.iteration + 1, after.metrics["accuracy"]
    complete = len(winner["results"]) >= config.seeds
    return Checkpoint(
        iteration=number,
        config=checkpoint.config,
        metrics=dict(after.metrics),
        best=value if checkpoint.best is None else max(value, checkpoint.best),
        done=complete or number >= config.iterations,
        state={**checkpoint.state, "winner": winner},
        tensors=tensors,
    )


def _begun(
    checkpoint: Checkpoint, winner: Mapping[str, Any], config: LlmHyperparameters, data: VisionData
) -> Generator[Effect, Outcome, tuple[Checkpoint, Contender]]:
    """Before the first epoch from the next seed: the winner traced once more, for other first weights."""
    searched = Searched.of(checkpoint.state)
    done = len(winner["results"])
    seed = config.seed + done
    channels, size = channels_and_size(data)
    program = Program(searched.winner.code, len(data.classes), channels, size, seed)
    (outcome,) = yield Trace((program,), limits_of(data, config))
    if not isinstance(outcome, Traced):
        raise StrategyError(
            f"the winner, number {searched.best} of the journal, could not be traced from seed {seed}: "
            f"{outcome.reason}"
        )
    contender = contender_of(searched.winner, outcome)
    seconds = 0.0
    if config.budget_seconds:
        left = config.budget_seconds - searched.spent_seconds - winner["spent_seconds"]
        seconds = max(_LEAST_SECONDS, left / (config.seeds - done))
    loop = contender.config(config, config.tune, budget_seconds=seconds, iterations=1000, seed=seed)
    return Checkpoint(0, loop.model_dump(), state=beginning(contender, checkpoint.state)), contender


def _finished(
    winner: Mapping[str, Any], after: Checkpoint, loop: LoopHyperparameters, tensors: dict[str, np.ndarray]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """One seed's training is over: its result is noted, its weights kept where it is the best so far."""
    told = ("accuracy", "macro_f1", "log_loss")
    result = {"seed": loop.seed, "epochs": after.state["position"]["epoch"]}
    result |= {name: after.metrics[name] for name in told}
    before = winner["results"]
    better = not before or _merit(result) > max(_merit(one) for one in before)
    if better:
        final = {**part(tensors, "average", "final"), "final_graph": tensors["graph"]}
    else:
        final = {n: t for n, t in tensors.items() if n == "final_graph" or n.startswith("final.")}
    spent = winner["spent_seconds"] + after.state.get("spent_seconds", 0.0)
    return {"results": [*before, result], "spent_seconds": spent, "inner": None}, final


def _merit(result: Mapping[str, Any]) -> tuple[float, float]:
    return result["accuracy"], -result["log_loss"]


def inner_of(checkpoint: Checkpoint) -> Checkpoint:
    """The winner's own training, as any other strategy's checkpoint."""
    own = ("weights", "average", "optimiser")
    tensors = {n: t for name in own for n, t in part(checkpoint.tensors, name).items()}
    return Checkpoint(**checkpoint.state["winner"]["inner"], tensors=tensors)


def with_inner(checkpoint: Checkpoint, inner: Checkpoint) -> Checkpoint:
    winner = {**checkpoint.state["winner"], "inner": _told(inner)}
    return replace(checkpoint, state={**checkpoint.state, "winner": winner})


def _told(inner: Checkpoint) -> dict[str, Any]:
    told = ("iteration", "config", "metrics", "best", "done", "state")
    return {name: getattr(inner, name) for name in told}


def final_of(checkpoint: Checkpoint) -> tuple[Design, LoopHyperparameters, Checkpoint]:
    """What becomes the model: the best seed's weights, or the best there are when training stopped early."""
    searched, winner = Searched.of(checkpoint.state), checkpoint.state["winner"]
    complete = bool(winner and winner["results"])
    contender = rebuilt(checkpoint.tensors, "final_graph" if complete else "graph", searched.winner)
    config = LlmHyperparameters(**checkpoint.config)
    loop = contender.config(config, config.tune)
    tensors = part(checkpoint.tensors, "final" if complete else "average", "average")
    return contender.design(), loop, replace(checkpoint, tensors=tensors)
