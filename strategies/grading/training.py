"""One iteration of a grader's training; `native` and `transfer` share it.

An iteration is a block of steps of the committee, which grades items from features alone, and some
steps of the beliefs, by which an item's own graded answers correct it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import Field

from domain.errors import StrategyError
from domain.grading.marks import round_to_grid
from domain.grading.metrics import pearson, qwk, rmse
from strategies.base import Checkpoint, GradingData, Hyperparameters, Surroundings
from strategies.grading.committee import LEVELS, Lesson, new_committee, part_of, train_block
from strategies.grading.features import Floats
from strategies.grading.itemwise import first_parameters, learn_beliefs
from strategies.grading.learnt import Learnt
from strategies.grading.material import Material, scored
from strategies.grading.networks import Pace

LEAST_TRAIN, LEAST_VALIDATION = 20, 5


class GraderHyperparameters(Hyperparameters):
    """What a user may choose about a grader's training."""

    iterations: int = Field(16, ge=1, le=1000, description="most iterations to train")
    steps: int = Field(60, ge=1, le=10_000, description="batches that the networks learn in an iteration")
    rounds: int = Field(10, ge=1, le=1000, description="tables that a member adds in an iteration")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="step size of AdamW")
    weight_decay: float = Field(0.3, ge=0, le=10, description="pull of the networks' weights to zero")
    dropout: float = Field(0.5, ge=0, lt=0.95, description="share of hidden units left out in training")
    hidden: int = Field(64, ge=1, le=1024, description="hidden units of a network")
    members: int = Field(10, ge=2, le=50, description="networks of the committee, one a fold of the items")
    batch: int = Field(128, ge=8, le=4096, description="answers in a batch")
    patience: int = Field(4, ge=1, le=100, description="iterations without a better one before it stops")


def too_little(data: GradingData) -> str | None:
    """What is missing for any grader to learn, in words; None if nothing is."""
    train, held = scored(data, "train"), scored(data, "validation")
    if len(train) < LEAST_TRAIN:
        return (
            f"only {len(train)} scored answers to train on, at least {LEAST_TRAIN} needed: add graded answers"
        )
    if len(held) < LEAST_VALIDATION:
        return (
            f"only {len(held)} scored answers in the validation split, at least {LEAST_VALIDATION} needed: "
            "add graded answers, or raise the validation share"
        )
    if train["gold"].div(train["max_score"]).nunique() < 2:
        return "all answers to train on have the same score: add answers that examiners scored differently"
    return None


def train_iteration(
    checkpoint: Checkpoint, config: GraderHyperparameters, material: Material, surroundings: Surroundings
) -> Checkpoint:
    """The next checkpoint. Raises StrategyError when the training diverges."""
    number = checkpoint.iteration + 1
    pace = Pace(
        config.learning_rate,
        config.weight_decay,
        config.dropout,
        config.batch,
        config.steps,
        surroundings.device,
        surroundings.heed_stop,
    )
    state, parameters = _state(checkpoint, config, material)
    state = train_block(state, _lesson(material), pace, config.rounds, config.seed * 100_003 + number)
    word = Learnt(material, state, parameters).word
    judged = [(material.records[i], word[at]) for i, at in material.rows_of.items()]
    parameters = learn_beliefs(judged, parameters, float(material.train.shares.mean()), _steps_at(number))
    metrics = _metrics(Learnt(material, state, parameters))
    value = metrics["r_both"]
    better = checkpoint.best is None or value > checkpoint.best
    since_best = 0 if better else int(checkpoint.state.get("since_best", 0)) + 1
    kept = {name: array for name, array in checkpoint.tensors.items() if name == "embeddings"}
    return Checkpoint(
        iteration=number,
        config=checkpoint.config,
        metrics=metrics,
        best=value if better else checkpoint.best,
        done=number >= config.iterations or since_best >= config.patience,
        state={"since_best": since_best},
        tensors={**kept, **{f"committee.{n}": a for n, a in state.items()}, "beliefs": parameters},
    )


def _steps_at(iteration: int) -> int:
    """The beliefs start from a guess, then only follow the committee."""
    return 40 if iteration == 1 else 8


def _state(
    checkpoint: Checkpoint, config: GraderHyperparameters, material: Material
) -> tuple[dict[str, np.ndarray], Floats]:
    if "beliefs" in checkpoint.tensors:
        return part_of(checkpoint.tensors, "committee"), checkpoint.tensors["beliefs"]
    fresh = new_committee(_lesson(material), config.hidden, config.seed)
    return fresh, first_parameters(len(material.train_vectors.kernels))


def _lesson(material: Material) -> Lesson:
    return Lesson(material.train_vectors.features, material.train.shares, material.fold)


def _metrics(learnt: Learnt) -> dict[str, float]:
    """How good the grader is on validation, and its committee alone on items hidden from it."""
    train, held = learnt.material.train, learnt.material.validation
    hidden, expected = learnt.hidden, learnt.validation_shares()
    marks = round_to_grid(expected, held.steps, 1.0)
    hidden_marks = round_to_grid(learnt.word, train.steps, 1.0)
    chance = np.clip(np.where(train.shares[:, None] > LEVELS, hidden, 1 - hidden), 1e-6, 1)
    r = _finite(pearson(held.shares, expected))
    r_hidden = _finite(pearson(train.shares, learnt.word))
    return {
        "loss": float(-np.log(chance).mean()),
        "qwk": _finite(qwk(held.shares, marks)),
        "rmse": _finite(rmse(held.shares, expected)),
        "r": r,
        "agreement": float(np.mean(np.abs(marks - held.shares) < held.steps / 2)),
        "qwk_unseen_items": _finite(qwk(train.shares, hidden_marks)),
        "r_unseen_items": r_hidden,
        # A grader meets known and new items, so the best iteration is best at both together; and
        # correlation, unlike QWK, does not jump with single answers that cross a cut point.
        "r_both": (r + r_hidden) / 2,
    }


def _finite(value: float) -> float:
    return float(value) if np.isfinite(value) else 0.0


def gentler(checkpoint: Checkpoint, failure: Exception) -> Checkpoint | None:
    """The checkpoint with half the step (or half the batch when memory ran out); None if hopeless."""
    config = dict(checkpoint.config)
    if isinstance(failure, MemoryError) or "out of memory" in str(failure):
        config["batch"] = max(8, int(config["batch"]) // 2)
    elif isinstance(failure, StrategyError | ArithmeticError | RuntimeError):
        config["learning_rate"] = float(config["learning_rate"]) / 2
    if config == dict(checkpoint.config) or config["learning_rate"] < 1e-6:
        return None
    return replace(checkpoint, config=config)
