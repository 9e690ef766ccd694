"""The model at the end of a training: its files, calibrated by the runtime that users get."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from domain.identity import normalise_text
from domain.referral import REFER_ALL, Threshold, agrees, choose_threshold
from strategies.base import Checkpoint, GradingData, TrainedModel
from strategies.grading.calibration import Calibration, Scale, Stretch
from strategies.grading.committee import part_of
from strategies.grading.committee_onnx import to_onnx
from strategies.grading.features import Floats
from strategies.grading.grader import Grader, load_grader
from strategies.grading.learnt import Learnt
from strategies.grading.material import Material, Rows, scored
from strategies.grading.model_files import NETWORK, GraderModel
from strategies.grading.reading import Embedder

LEAST_ITEMS = 10
"""Fewer items than this say too little of how well new ones are graded."""


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
    learnt = Learnt(material, state, checkpoint.tensors["beliefs"])
    known = list(material.rows_of)
    model = GraderModel(
        strategy=name,
        items=material.items,
        beliefs=learnt.beliefs,
        reader=material.reader,
        vectors=material.train_vectors,
        shares=material.train.shares,
        committee=learnt.word,
        item=np.array([known.index(i) for i in material.train.item_ids], np.int32),
        tolerance=data.agreement_tolerance,
    )
    network = to_onnx(state, material.reader.centre, material.reader.scale)
    model = _stretched(model, learnt)
    with tempfile.TemporaryDirectory(dir=_made(data.surroundings.scratch)) as folder:
        grader = _loaded({**model.to_files(), NETWORK: network}, Path(folder), embed)
        model, n_validation = _calibrated(grader, learnt, data)
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


def _stretched(model: GraderModel, learnt: Learnt) -> GraderModel:
    """With cut points learnt on out-of-fold shares of the training answers, where they help there."""
    train = learnt.material.train
    own = np.clip(learnt.own_judgements().mean, 0, 1)
    known = Stretch.learn(own, train.shares, train.steps, groups=np.arange(len(own)))
    unseen = Stretch.learn(learnt.word, train.shares, train.steps, groups=train.item_ids)
    return replace(model, known_scale=Scale(known), unseen_scale=Scale(unseen))


def _calibrated(grader: Grader, learnt: Learnt, data: GradingData) -> tuple[GraderModel, int]:
    """The model with calibrated confidences and its thresholds, and how many answers these rest on."""
    model, train = grader.model, learnt.material.train
    held = scored(data, "validation")
    # The grader states its confidence as it is, since its calibration is still the identity.
    grades = grader.grade(data.items, held)
    agreed = agrees(grades["mark"], held["gold"], grades["max_score"], data.agreement_tolerance)
    is_known = grades["item_id"].isin(list(learnt.material.rows_of)).to_numpy()
    stated = grades["confidence"].to_numpy()
    hidden = grader.unseen_verdicts(learnt.hidden, train.steps)
    hidden_agreed = agrees(hidden.mark, train.shares, 1.0, data.agreement_tolerance)
    students = held["student"].astype(str).to_numpy()
    own = learnt.own_judgements()
    left_out = grader.known_verdicts(own.mean, own.variance, train.steps)
    left_out_agreed = agrees(left_out.mark, train.shares, 1.0, data.agreement_tolerance)
    alone = _has_no_copy(train)
    known, threshold = _promise(
        np.concatenate([left_out.stated[alone], stated[is_known]]),
        np.concatenate([left_out_agreed[alone], agreed[is_known]]),
        data.promised_agreement,
        np.concatenate([train.students[alone], students[is_known]]),
    )
    on_validation = choose_threshold(
        known(stated[is_known]), agreed[is_known], data.promised_agreement, groups=students[is_known]
    )
    threshold = _stricter(threshold, on_validation)
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


def _stricter(pooled: Threshold, on_validation: Threshold) -> Threshold:
    """The higher threshold, unless validation alone is too small for any.

    Left-out training answers are many but a little too easy, since the network has seen them.
    """
    if on_validation.threshold > 1 or pooled.threshold > 1:
        return pooled
    return max(pooled, on_validation, key=lambda one: one.threshold)


def _has_no_copy(rows: Rows) -> np.ndarray:
    """Which answers are the only ones of their words to their item: with a copy, leaving out is no test."""
    said = [
        (item, normalise_text(text).casefold()) for item, text in zip(rows.item_ids, rows.texts, strict=True)
    ]
    times = Counter(said)
    return np.array([times[one] == 1 for one in said], bool)


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
