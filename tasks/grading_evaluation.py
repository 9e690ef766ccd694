"""Grading the held-out answers with the model as it was registered, and measuring the outcome."""

from __future__ import annotations

import io
import logging
import math
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from domain.contracts import sift
from domain.errors import OutsideError
from domain.grading.contracts import Predictions
from domain.grading.evaluation import Evaluation, evaluate
from domain.kinds import Split
from domain.language_models import AskModel
from infra import catalog as records
from infra.model_registry import ModelRegistry
from tasks.effects import Usage, ask_nobody, asking, embed_once
from tasks.outcome import HeldOut, Predicted
from tasks.workplace import Workplace

if TYPE_CHECKING:
    from strategies.grading.loading import AnyGrader

log = logging.getLogger(__name__)

GRADING_CODE = ("domain.grading", "domain.contracts", "strategies.grading", "tasks.grading_evaluation")


def grade_held_out(place: Workplace, held: HeldOut) -> Predicted:
    """Predictions for the validation and test answers, through the runtime that users get."""
    frames = records.dataset_frames(place.catalog, held["dataset_id"])
    held_out = frames.answers[frames.answers["split"] != Split.TRAIN]
    ask = asking(held["job_id"], occasion="held-out answers")
    with tempfile.TemporaryDirectory() as folder:
        grader = load_registered(place, held["uri"], Path(folder), ask)
        started = time.monotonic()
        predictions = grader.grade(frames.items, held_out)
        seconds = time.monotonic() - started
    graded, ungraded = parted(predictions)
    if graded.empty:
        raise OutsideError(f"none of {len(ungraded)} held-out answers was graded: {reasons_of(ungraded)}")
    sifted = sift(Predictions, graded, key="answer_id", max_reject_share=place.settings.max_reject_share)
    records.quarantine(place.catalog, place.settings.owner, "predictions", sifted.rejections)
    log.info("graded %d held-out answers", len(sifted.passed))
    if ungraded:
        log.warning("%d held-out answers could not be graded: %s", len(ungraded), reasons_of(ungraded))
    usage = ask.usage if ask else Usage()
    # A reply's own time: whether it came from the table does not change what a model takes.
    per_answer = usage.seconds / usage.n_replies if usage.n_replies else seconds / len(predictions)
    return Predicted(
        predictions=place.store.put_bytes(frame_to_bytes(sifted.passed)),
        threshold=float(grader.threshold),
        n=len(sifted.passed),
        seconds_each=per_answer,
        ungraded=ungraded,
        usage=asdict(usage) if usage.n_requests else {},
    )


def parted(predictions: pd.DataFrame) -> tuple[pd.DataFrame, list[dict[str, str]]]:
    """The rows that have a score, and {"answer_id", "reason"} of those that have none."""
    lacking = predictions["score"].isna()
    without = predictions[lacking]
    reasons = without["rationale"].str.removeprefix("not graded: ")
    ungraded = [
        {"answer_id": str(answer_id), "reason": str(reason)}
        for answer_id, reason in zip(without["answer_id"], reasons, strict=True)
    ]
    return predictions[~lacking].reset_index(drop=True), ungraded


def reasons_of(ungraded: list[dict[str, str]], most: int = 3) -> str:
    """The commonest reasons with their counts."""
    counts = Counter(one["reason"] for one in ungraded).most_common()
    told = "; ".join(f"{reason} ({n})" for reason, n in counts[:most])
    return f"{told}; {len(counts) - most} other reasons" if len(counts) > most else told


def load_registered(place: Workplace, uri: str, folder: Path, ask: AskModel | None) -> AnyGrader:
    """The grader of a registered version, copied below `folder`; `ask` serves one that needs a model."""
    # Late: it costs a second, and a run that finds everything graded needs none of it.
    from strategies.grading.loading import load_any_grader

    files = ModelRegistry(place.tracking).download_model(uri, folder)
    scratch = place.settings.home / "scratch"
    return load_any_grader(
        files, embed=lambda texts, model: embed_once(list(texts), model, scratch), ask=ask or ask_nobody
    )


def measure_grades(
    place: Workplace, dataset_id: str, predicted: Predicted, promised: float, tolerance: float
) -> str:
    """The store's key of the evaluation of the predictions."""
    frames = records.dataset_frames(place.catalog, dataset_id)
    evaluation = evaluate(
        frame_from_bytes(place.store.get_bytes(predicted["predictions"])),
        _with_totals(place, frames.answers),
        threshold=predicted["threshold"],
        promised=promised,
        tolerance=tolerance,
        items=frames.items,
    )
    return place.store.put_bytes(evaluation.to_json().encode())


def _with_totals(place: Workplace, answers: pd.DataFrame) -> pd.DataFrame:
    """`answers` with the column expected_total, for papers of which only the total is known."""
    totals = {
        (paper.guide_id, paper.student): paper.expected_total
        for paper in records.submissions(place.catalog, place.settings.owner)
        if paper.expected_total is not None
    }
    pairs = zip(answers["guide_id"], answers["student"], strict=True)
    return answers.assign(expected_total=[totals.get(pair, math.nan) for pair in pairs])


def costs_of_grading(graded: Predicted) -> dict[str, float]:
    """What grading an answer takes: seconds always, tokens and money where a model was asked."""
    figures = {
        "seconds_per_answer": graded["seconds_each"],
        "n_ungraded": float(len(graded["ungraded"])),
    }
    usage = graded["usage"]
    if usage and usage["n_replies"]:
        figures["tokens_per_answer"] = usage["n_tokens"] / usage["n_replies"]
        if usage["cost_usd"] is not None:
            figures["cost_usd_per_1000_answers"] = 1000 * usage["cost_usd"] / usage["n_replies"]
    return figures


def figures_of(evaluation: Evaluation) -> dict[str, float]:
    """Every finite figure by protocol and name: "unseen_answers.qwk"."""
    return {
        f"{row.protocol}.{row.metric}": float(row.value)
        for row in evaluation.metrics.itertuples()
        if math.isfinite(row.value)
    }


def headline_of(evaluation: Evaluation) -> dict[str, Any]:
    """What a person asks first, of the protocol nearest to daily use."""
    protocol = evaluation.protocols[0]
    qwk, agreement = (evaluation.figure(protocol, name) for name in ("qwk", "agreement"))
    human = evaluation.figure(protocol, "human.qwk")
    automatic = evaluation.figure(protocol, "automatic.share")
    kept = evaluation.figure(protocol, "automatic.agreement")
    return {
        "protocol": protocol,
        "n": qwk.n,
        "qwk": _rounded(qwk.value, qwk.low, qwk.high),
        "agreement": _rounded(agreement.value, agreement.low, agreement.high),
        "human_qwk": _rounded(human.value, human.low, human.high),
        "automatic_share": _rounded(automatic.value),
        "automatic_agreement": _rounded(kept.value, kept.low, kept.high),
        "promised": evaluation.promised,
        "tolerance": evaluation.tolerance,
    }


def _rounded(*values: float) -> list[float] | None:
    return [round(v, 6) for v in values] if all(map(math.isfinite, values)) else None


def load_evaluation(place: Workplace, key: str) -> Evaluation:
    return Evaluation.from_json(place.store.get_bytes(key).decode())


def frame_to_bytes(frame: pd.DataFrame) -> bytes:
    """A frame as JSON; equal frames give equal bytes."""
    return frame.to_json(orient="split", index=False, double_precision=15).encode()  # type: ignore[no-any-return]


def frame_from_bytes(content: bytes) -> pd.DataFrame:
    return pd.read_json(io.BytesIO(content), orient="split", dtype=False, convert_dates=False)
