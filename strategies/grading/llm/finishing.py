"""The model at the end of a training, calibrated on what its checkpoint measured: asks nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from domain.grading.marks import round_to_grid
from domain.referral import REFER_ALL, Threshold, agrees, choose_threshold
from strategies.base import Checkpoint, GradingData, TrainedModel
from strategies.grading.calibration import Calibration, Stretch
from strategies.grading.finishing import LEAST_ITEMS
from strategies.grading.llm.confidence import Confidence, left_out
from strategies.grading.llm.learning import Learnt
from strategies.grading.llm.lesson import Lesson, Rows
from strategies.grading.llm.model import LlmModel
from strategies.grading.llm.search import mean_misses, on_front

Floats = np.ndarray


def finished_model(
    checkpoint: Checkpoint, lesson: Lesson, data: GradingData, hyperparameters: Mapping[str, Any]
) -> TrainedModel:
    """The files of the program in force, and a card that tells how it came about."""
    learnt = Learnt.of(checkpoint)
    known = [item for item_id, item in lesson.items.items() if item_id in lesson.bank.examples]
    model = LlmModel(
        program=learnt.program,
        items=tuple(known),
        bank=lesson.bank,
        tolerance=data.agreement_tolerance,
        models=learnt.measured.models,
        hyperparameters=hyperparameters,
    )
    model = _calibrated(model, learnt, lesson, data)
    return TrainedModel(model.to_files(), dict(checkpoint.config), _card(checkpoint, learnt, model, lesson))


def _calibrated(model: LlmModel, learnt: Learnt, lesson: Lesson, data: GradingData) -> LlmModel:
    """With cut points, confidence and thresholds learnt on the validation answers that got a reply."""
    rows, shares = lesson.validation, learnt.measured.shares
    kept = np.flatnonzero(np.isfinite(shares))
    rows, shares, signs = rows.take(kept), shares[kept], learnt.measured.signs[kept]
    stretch = Stretch.learn(shares, rows.gold, rows.step, groups=rows.students)
    agreed = _agreed(stretch, shares, rows, data.agreement_tolerance)
    is_known = np.array([item_id in lesson.bank.examples for item_id in rows.item_ids], bool)
    confidence = Confidence.learn(signs, agreed)
    threshold = choose_threshold(
        left_out(signs, agreed, rows.students)[is_known],
        agreed[is_known],
        data.promised_agreement,
        groups=rows.students[is_known],
    )
    unseen, unseen_threshold = _unseen(stretch, confidence, learnt, lesson, data)
    return replace(
        model,
        stretch=stretch,
        confidence=confidence,
        unseen=unseen,
        threshold=_described(threshold),
        unseen_threshold=_described(unseen_threshold),
    )


def _unseen(
    stretch: Stretch, confidence: Confidence, learnt: Learnt, lesson: Lesson, data: GradingData
) -> tuple[Calibration, Threshold]:
    """From validation answers that were graded without worked examples."""
    shares = learnt.measured.unseen_shares
    kept = np.flatnonzero(np.isfinite(shares))
    rows = lesson.unseen.take(kept)
    agreed = _agreed(stretch, shares[kept], rows, data.agreement_tolerance)
    stated = confidence(learnt.measured.unseen_signs[kept])
    calibration = Calibration.learn(stated, agreed) if len(kept) else Calibration()
    threshold = choose_threshold(calibration(stated), agreed, data.promised_agreement, groups=rows.students)
    n_items = len(lesson.bank.examples)
    if n_items < LEAST_ITEMS:
        why = f"only {n_items} items, at least {LEAST_ITEMS} needed to promise anything on new ones"
        threshold = replace(threshold, threshold=REFER_ALL, share=0.0, n=0, reason=why)
    return calibration, threshold


def _agreed(stretch: Stretch, shares: Floats, rows: Rows, tolerance: float) -> np.ndarray:
    return agrees(round_to_grid(stretch(shares), rows.step, 1.0), rows.gold, 1.0, tolerance)


def _described(threshold: Threshold) -> dict[str, Any]:
    """As JSON, which has no NaN."""
    return {name: None if value != value else value for name, value in asdict(threshold).items()}


def _card(checkpoint: Checkpoint, learnt: Learnt, model: LlmModel, lesson: Lesson) -> dict[str, Any]:
    front = on_front(learnt.members, lesson.pool)
    misses = mean_misses(learnt.members, lesson.pool)
    return {
        "strategy": "llm",
        "iteration": checkpoint.iteration,
        "metrics": dict(checkpoint.metrics),
        "n_items": len(model.items),
        "n_train": lesson.n_train,
        "n_validation": len(lesson.validation),
        "instruction_before": learnt.history[0]["text"],
        "instruction": learnt.program.instruction,
        "history": [dict(record) for record in learnt.history],
        "front": [
            {
                "text": member.instruction,
                "origin": member.origin,
                "iteration": member.iteration,
                "mean_squared_miss": round(float(miss), 6) if np.isfinite(miss) else None,
                "n_tokens_per_answer": member.n_tokens or None,
            }
            for member, miss, is_on in zip(learnt.members, misses, front, strict=True)
            if is_on
        ],
        "n_tokens": learnt.n_tokens,
        "cost_usd": learnt.cost_usd,
        "ended": learnt.ended or "done",
        "models": list(model.models),
        "stretch": vars(model.stretch),
        "confidence": model.confidence.described(),
        "threshold": dict(model.threshold),
        "unseen_threshold": dict(model.unseen_threshold),
        "personal_data": (
            f"examples.json holds the texts of {sum(map(len, model.bank.examples.values()))} graded training "
            "answers, without names: they are shown to the language model as worked examples. Whoever may "
            "not see these answers may not have this model."
        ),
    }
