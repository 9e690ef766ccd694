"""One iteration of a grader's training, and the model at its end; `native` and `transfer` share it.

An iteration is a block of steps of the committee, which grades items from features alone, and some
steps of the beliefs, by which an item's own graded answers correct it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from domain.errors import StrategyError
from domain.grading.marks import round_to_grid
from domain.grading.metrics import pearson, qwk, rmse
from domain.grading.referral import REFER_ALL, Threshold, agrees, choose_threshold
from strategies.base import Checkpoint, GradingData, Hyperparameters, TrainedModel
from strategies.grading.calibration import Calibration, Scale, Stretch
from strategies.grading.committee import (
    LEVELS,
    Lesson,
    exceedances,
    new_committee,
    of_member,
    part_of,
    train_block,
)
from strategies.grading.committee_onnx import to_onnx
from strategies.grading.features import Floats
from strategies.grading.grader import Grader, load_grader
from strategies.grading.itemwise import Beliefs, ItemJudge, Judgement, first_parameters, learn_beliefs
from strategies.grading.material import Material, scored
from strategies.grading.model_files import NETWORK, GraderModel
from strategies.grading.networks import Pace
from strategies.grading.reading import Embedder

LEAST_TRAIN, LEAST_VALIDATION, LEAST_ITEMS = 20, 5, 10


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
    checkpoint: Checkpoint, config: GraderHyperparameters, material: Material, device: str
) -> Checkpoint:
    """The next checkpoint. Raises StrategyError when the training diverges."""
    number = checkpoint.iteration + 1
    pace = Pace(config.learning_rate, config.weight_decay, config.dropout, config.batch, config.steps, device)
    state, parameters = _state(checkpoint, config, material)
    state = train_block(state, _lesson(material), pace, config.rounds, config.seed * 100_003 + number)
    word = _word(state, material)
    judged = [(material.records[i], word[at]) for i, at in material.rows_of.items()]
    parameters = learn_beliefs(judged, parameters, float(material.train.shares.mean()), _steps_at(number))
    metrics = _metrics(state, parameters, material)
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


def _word(state: Mapping[str, np.ndarray], material: Material) -> Floats:
    """The committee's expected share of each training answer, by the member that was blind to it."""
    return np.asarray(_exceedances(state, material).mean(axis=1))


def _exceedances(state: Mapping[str, np.ndarray], material: Material) -> Floats:
    return of_member(exceedances(state, material.train_vectors.features), material.fold).astype(float)


def _beliefs(parameters: Floats, material: Material) -> Beliefs:
    return Beliefs.of(parameters, float(material.train.shares.mean()))


def _metrics(state: Mapping[str, np.ndarray], parameters: Floats, material: Material) -> dict[str, float]:
    """How good the grader is on validation, and its committee alone on items hidden from it."""
    train, held = material.train, material.validation
    seen = _exceedances(state, material)
    expected = np.clip(_validation_shares(state, parameters, material), 0, 1)
    marks = round_to_grid(expected, held.steps, 1.0)
    unseen_marks = round_to_grid(seen.mean(axis=1), train.steps, 1.0)
    targets = train.shares[:, None] > LEVELS
    chance = np.clip(np.where(targets, seen, 1 - seen), 1e-6, 1)
    correlations = pearson(held.shares, expected), pearson(train.shares, seen.mean(axis=1))
    return {
        "loss": float(-np.log(chance).mean()),
        "qwk": _finite(qwk(held.shares, marks)),
        "rmse": _finite(rmse(held.shares, expected)),
        "agreement": float(np.mean(np.abs(marks - held.shares) < held.steps / 2)),
        "qwk_unseen_items": _finite(qwk(train.shares, unseen_marks)),
        # A grader meets known and new items, so the best iteration is best at both together; and
        # correlation, unlike QWK, does not jump with single answers that cross a cut point.
        "r_both": (_finite(correlations[0]) + _finite(correlations[1])) / 2,
    }


def _finite(value: float) -> float:
    return float(value) if np.isfinite(value) else 0.0


def _validation_shares(state: Mapping[str, np.ndarray], parameters: Floats, material: Material) -> Floats:
    held = material.validation
    fold = np.array([material.item_fold.get(i, -1) for i in held.item_ids], int)
    word = (
        of_member(exceedances(state, material.validation_vectors.features), fold).astype(float).mean(axis=1)
    )
    train_word = _word(state, material)
    beliefs = _beliefs(parameters, material)
    shares: Floats = word.copy()
    for item_id, record in material.records.items():
        at = np.flatnonzero(held.item_ids == item_id)
        if len(at):
            judge = ItemJudge(record, train_word[material.rows_of[item_id]], beliefs)
            shares[at] = judge.judge(material.likenesses[item_id], word[at]).mean
    return shares


def finished_model(
    name: str,
    checkpoint: Checkpoint,
    material: Material,
    data: GradingData,
    encoder: Mapping[str, Any] | None,
    encoder_files: Mapping[str, bytes],
    embed: Embedder | None,
) -> TrainedModel:
    """The model's files, calibrated on what the same files grade of the validation split."""
    state = part_of(checkpoint.tensors, "committee")
    known = list(material.rows_of)
    word = _word(state, material)
    model = GraderModel(
        strategy=name,
        items=material.items,
        beliefs=_beliefs(checkpoint.tensors["beliefs"], material),
        reader=material.reader,
        vectors=material.train_vectors,
        shares=material.train.shares,
        committee=word,
        item=np.array([known.index(i) for i in material.train.item_ids], np.int32),
        tolerance=data.agreement_tolerance,
    )
    network = to_onnx(state, material.reader.centre, material.reader.scale)
    model = _stretched(model, state, material)
    with tempfile.TemporaryDirectory(dir=_made(data.surroundings.scratch)) as folder:
        grader = _loaded({**model.to_files(), NETWORK: network}, Path(folder), embed)
        model, n_validation = _calibrated(grader, state, material, data)
    model = replace(model, encoder=encoder)
    files = {**model.to_files(), NETWORK: network, **encoder_files}
    return TrainedModel(
        files, dict(checkpoint.config), _card(name, checkpoint, model, material, n_validation)
    )


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _loaded(files: Mapping[str, bytes], folder: Path, embed: Embedder | None) -> Grader:
    """The grader of these files; embeddings are those of training, already computed."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return replace(load_grader(folder), embed=embed)


def _own_judgements(model: GraderModel, material: Material, word: Floats) -> Judgement:
    """Leave-one-out judgements of all training answers."""
    mean, variance = np.zeros(len(word)), np.zeros(len(word))
    for item_id, rows in material.rows_of.items():
        own = ItemJudge(material.records[item_id], word[rows], model.beliefs).judge_own()
        mean[rows], variance[rows] = own.mean, own.variance
    return Judgement(mean, variance)


def _stretched(model: GraderModel, state: Mapping[str, np.ndarray], material: Material) -> GraderModel:
    """With cut points learnt on out-of-fold shares of the training answers, where they help there."""
    train, word = material.train, _word(state, material)
    own = np.clip(_own_judgements(model, material, word).mean, 0, 1)
    each = np.arange(len(own))
    known = Stretch.learn(own, train.shares, train.steps, each)
    unseen = Stretch.learn(word, train.shares, train.steps, train.item_ids)
    return replace(model, known_scale=Scale(known), unseen_scale=Scale(unseen))


def _calibrated(
    grader: Grader, state: Mapping[str, np.ndarray], material: Material, data: GradingData
) -> tuple[GraderModel, int]:
    """The model with calibrated confidences and its thresholds, and how many answers these rest on."""
    model, train = grader.model, material.train
    held = scored(data, "validation")
    # The grader states its confidence as it is, since its calibration is still the identity.
    grades = grader.grade(data.items, held)
    agreed = agrees(grades["mark"], held["gold"], grades["max_score"], data.agreement_tolerance)
    is_known = grades["item_id"].isin(list(material.rows_of)).to_numpy()
    stated = grades["confidence"].to_numpy()
    hidden = grader.unseen_verdicts(_exceedances(state, material), train.steps)
    hidden_agreed = agrees(hidden.mark, train.shares, 1.0, data.agreement_tolerance)
    students = held["student"].astype(str).to_numpy()
    known, threshold = _promise(
        stated[is_known], agreed[is_known], data.promised_agreement, students[is_known]
    )
    unseen, unseen_threshold = _promise(
        np.concatenate([hidden.stated, stated[~is_known]]),
        np.concatenate([hidden_agreed, agreed[~is_known]]),
        data.promised_agreement,
        np.concatenate([train.students, students[~is_known]]),
    )
    if len(model.items) < LEAST_ITEMS:
        why = f"only {len(model.items)} items, at least {LEAST_ITEMS} needed to promise anything on new ones"
        unseen_threshold = replace(unseen_threshold, threshold=REFER_ALL, share=0.0, n=0, reason=why)
    calibrated = replace(
        model,
        known_scale=replace(model.known_scale, calibration=known),
        unseen_scale=replace(model.unseen_scale, calibration=unseen),
        threshold=_described(threshold),
        unseen_threshold=_described(unseen_threshold),
    )
    return calibrated, len(held)


def _promise(
    stated: Floats, agreed: np.ndarray, promised: float, students: np.ndarray
) -> tuple[Calibration, Threshold]:
    """The calibration of stated confidences, and the confidence from which on the promise holds."""
    calibration = Calibration.learn(stated, agreed)
    return calibration, choose_threshold(calibration(stated), agreed, promised, groups=students)


def _described(threshold: Threshold) -> dict[str, Any]:
    """As JSON, which has no NaN."""
    return {name: None if value != value else value for name, value in asdict(threshold).items()}


def _card(
    name: str, checkpoint: Checkpoint, model: GraderModel, material: Material, n_validation: int
) -> dict[str, Any]:
    weights = dict(zip(model.vectors.kernels, (float(w) for w in model.beliefs.weights), strict=True))
    return {
        "strategy": name,
        "iteration": checkpoint.iteration,
        "metrics": dict(checkpoint.metrics),
        "n_items": len(model.items),
        "n_train": len(material.train.texts),
        "n_validation": n_validation,
        "trust_in_committee": model.beliefs.trust,
        "likeness_weights": weights,
        "noise": model.beliefs.noise,
        "scales": {"known": model.known_scale.described(), "unseen": model.unseen_scale.described()},
        "threshold": dict(model.threshold),
        "unseen_threshold": dict(model.unseen_threshold),
        "encoder": model.encoder,
    }


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
