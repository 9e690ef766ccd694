"""Training of the strategy `llm`: rounds of the search, then the winner's training.

All is a function of (checkpoint, data, replies, traces); only a budget of seconds makes it one of the time
as well. Every checkpoint after the first round can be finished to a model.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

from domain.errors import StrategyError
from domain.kinds import Kind, Split
from strategies.base import Checkpoint, Effect, Outcome, Surroundings, TrainedModel, VisionData
from strategies.vision.denormals import denormals_flushed
from strategies.vision.llm.facts import facts_of, limits_of, own_width, trial_data
from strategies.vision.llm.halving import Ground
from strategies.vision.llm.hyperparameters import LlmHyperparameters
from strategies.vision.llm.search import Round, Search
from strategies.vision.llm.state import Searched, graph_in, graph_tensor, metrics_of, part, zeros_for
from strategies.vision.llm.trial import design_of
from strategies.vision.llm.winner import final_of, inner_of, train_winner, with_inner
from strategies.vision.networks import build_network
from strategies.vision.training import Design, channels_and_size, first_checkpoint, gentler, too_little

NO_KEY = (
    "no API key: export TRAINYARD_OPENAI_API_KEY, TRAINYARD_DEEPSEEK_API_KEY, TRAINYARD_GROQ_API_KEY or "
    "TRAINYARD_LLM_BASE_URL, or use --strategy transfer or native"
)


class Llm:
    """See the package's docstring."""

    name = "llm"
    kind = Kind.VISION
    objective = "accuracy"
    Hyperparameters = LlmHyperparameters

    def needs(self, config: LlmHyperparameters, surroundings: Surroundings) -> str | None:
        return None if surroundings.language_models else NO_KEY

    def objection(self, config: LlmHyperparameters, data: VisionData) -> str | None:
        return self.needs(config, data.surroundings) or too_little(data)

    def start(self, config: LlmHyperparameters, data: VisionData) -> Checkpoint:
        channels, size = channels_and_size(data)
        name = f"residual:{own_width(data, config)}"
        # What is measured once (pixels, precision) is measured with our own network.
        own = Design(name, lambda: build_network(name, len(data.classes), channels, size, config.seed))
        first = first_checkpoint(config, data, own)
        measured = {key: first.state[key] for key in ("mean", "deviation", "precision")}
        state = {**measured, "search": Searched.of({}).described(), "winner": None}
        return replace(first, state=state, tensors={})

    def iterate(self, checkpoint: Checkpoint, data: VisionData) -> Generator[Effect, Outcome, Checkpoint]:
        config = self.Hyperparameters(**checkpoint.config)
        searched = Searched.of(checkpoint.state)
        if searched.ended:
            return (yield from train_winner(checkpoint, config, data))
        return (yield from _search_iteration(checkpoint, config, data, searched))

    def remedy(self, checkpoint: Checkpoint, failure: Exception) -> Checkpoint | None:
        if not checkpoint.state["winner"] or checkpoint.state["winner"]["inner"] is None:
            return None
        inner = gentler(inner_of(checkpoint), failure)
        return None if inner is None else with_inner(checkpoint, inner)

    def finish(self, checkpoint: Checkpoint, data: VisionData) -> TrainedModel:
        from strategies.vision.finishing import finished_model

        searched = Searched.of(checkpoint.state)
        if searched.best < 0:
            raise StrategyError("strategy llm has tried no network yet: train at least one iteration")
        design, loop, final = final_of(checkpoint)
        model = finished_model(self.name, final, loop, data, design)
        winner, results = searched.winner, (checkpoint.state["winner"] or {}).get("results", [])
        card = {
            **model.card,
            "macs_per_image": winner.figures["flops_per_image"] // 2,
            "idea": winner.idea,
            "origin": winner.origin,
            "hyperparameters": dict(winner.recipe),
            "seeds": list(results),
            "search": {
                "rounds": searched.rounds,
                "winner": searched.best,
                "ended": searched.ended,
                "n_candidates": len(searched.journal),
                "n_failed": sum(bool(entry.failure) for entry in searched.journal),
                "n_calls": searched.n_calls,
                "n_tokens": searched.n_tokens,
                "cost_usd": searched.cost_usd,
            },
        }
        journal = json.dumps([entry.described() for entry in searched.journal], indent=1, sort_keys=True)
        files = {**model.files, "journal.json": journal.encode(), "network.txt": winner.code.encode()}
        return TrainedModel(files, {**checkpoint.config, **winner.recipe}, card)

    def design(self, checkpoint: Checkpoint, config: LlmHyperparameters, data: VisionData) -> Design:
        """What trains at this checkpoint of a winner; processes that share an iteration ask for it."""
        graph = graph_in(checkpoint.tensors, "graph")
        return design_of(graph, zeros_for(graph))


def _search_iteration(
    checkpoint: Checkpoint, config: LlmHyperparameters, data: VisionData, searched: Searched
) -> Generator[Effect, Outcome, Checkpoint]:
    clock: Callable[[], float] = time.process_time if config.budget_clock == "cpu" else time.monotonic
    began = clock()

    def spent() -> float:
        return searched.spent_seconds + clock() - began

    room = config.budget_seconds * config.search_share
    limits = limits_of(data, config)
    ground = Ground(
        data=trial_data(data, config.trial_images, config.seed),
        config=config,
        tune=config.tune,
        epochs=config.trial_epochs,
        state=checkpoint.state,
        over=lambda: bool(room) and spent() >= room,
    )
    search = Search(config, data, limits, facts_of(data, config, limits), own_width(data, config), ground)
    asking = searched.asking(config)
    with denormals_flushed():
        found = yield from search.round(asking, searched.journal, searched.rounds + 1)
    after = _after(searched, found, ground)
    after = replace(
        after,
        n_calls=asking.n_calls,
        n_tokens=asking.n_tokens,
        cost_usd=asking.cost_usd,
        # Only where it decides: elsewhere equal trainings shall be equal to the byte.
        spent_seconds=spent() if room else 0.0,
    )
    after = replace(after, ended=_end(after, config, asking.spent, ground.over()))
    return _checkpoint(checkpoint, config, found, searched, after)


def _after(searched: Searched, found: Round, ground: Ground) -> Searched:
    """The journal with the round in it, and which candidate is the best now."""
    journal = (*searched.journal, *found.entries)
    best, since_best = searched.best, searched.since_best + 1
    if found.contender is not None:
        ours, theirs = journal[found.contender.number], journal[best] if best >= 0 else None
        if theirs is None or ours.merit > theirs.merit:
            best = ours.number
        if theirs is None or (ours.accuracy or 0.0) > (theirs.accuracy or 0.0) + _noise(
            theirs.accuracy, ground
        ):
            since_best = 0
    return replace(searched, journal=journal, best=best, since_best=since_best, rounds=searched.rounds + 1)


def _noise(accuracy: float | None, ground: Ground) -> float:
    """One standard error of an accuracy on the trials' validation images: less may be by chance."""
    n = int((ground.data.rows["split"] == Split.VALIDATION.value).sum())
    share = min(max(accuracy or 0.0, 1 / n), 1 - 1 / n)
    return float((share * (1 - share) / n) ** 0.5)


def _end(after: Searched, config: LlmHyperparameters, spent: str, time_over: bool) -> str:
    """Why the search ends here; "" where it goes on."""
    reached = (after.winner.accuracy or 0.0) if after.best >= 0 else 0.0
    reasons = {
        "target": 0 < config.target <= reached,
        "budget": bool(spent) or time_over,
        "noise": after.since_best >= config.patience,
        "rounds": after.rounds >= config.rounds,
    }
    return next((name for name, holds in reasons.items() if holds), "")


def _checkpoint(
    before: Checkpoint, config: LlmHyperparameters, found: Round, searched: Searched, after: Searched
) -> Checkpoint:
    number = before.iteration + 1
    metrics = metrics_of(found.checkpoint, before.metrics)
    value = metrics["accuracy"]
    metrics |= _figures(found, after, searched)
    tensors: dict[str, Any] = dict(before.tensors)
    if after.best != searched.best and found.contender is not None and found.checkpoint is not None:
        tensors = {"graph": graph_tensor(found.contender.graph), **part(found.checkpoint.tensors, "average")}
    return Checkpoint(
        iteration=number,
        config=before.config,
        metrics=metrics,
        best=value if before.best is None else max(value, before.best),
        done=number >= config.iterations,
        state={**before.state, "search": after.described()},
        tensors=tensors,
    )


def _figures(found: Round, after: Searched, before: Searched) -> dict[str, float]:
    n_failed = sum(bool(entry.failure) for entry in found.entries)
    told = {
        "n_candidates": float(len(found.entries)),
        "n_failed": float(n_failed),
        "n_tokens": float(after.n_tokens - before.n_tokens),
    }
    if after.cost_usd is not None and before.cost_usd is not None:
        told["cost_usd"] = round(after.cost_usd - before.cost_usd, 9)
    return told
