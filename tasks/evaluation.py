"""Grading the held-out answers with the model as it was registered, and measuring the outcome."""

from __future__ import annotations

import io
import json
import logging
import math
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import pandas as pd
from prefect import task

from domain.contracts import sift
from domain.errors import OutsideError
from domain.grading.contracts import Predictions
from domain.grading.evaluation import Evaluation, evaluate
from domain.identity import fingerprint
from domain.kinds import Split
from domain.language_models import AskModel
from infra import catalog as records
from infra.model_registry import ModelRegistry
from tasks.effects import Usage, ask_nobody, asking, embed_once
from tasks.outcome import Attacked, EvaluateOutcome
from tasks.policy import KEPT, RETRIED, keyed_by
from tasks.workplace import Workplace, workplace

if TYPE_CHECKING:
    from strategies.grading.loading import AnyGrader

log = logging.getLogger(__name__)

GRADING_CODE = ("domain.grading", "domain.contracts", "strategies.grading", "tasks.evaluation")


class Graded(TypedDict):
    """`predictions` is a key of the store; `threshold` is the confidence below which humans look.

    `ungraded` holds {"answer_id", "reason"} of answers that a language model gave no usable reply to;
    `usage` is what the replies took (see `tasks.effects.Usage`), empty for a grader that asks nobody.
    """

    predictions: str
    threshold: float
    n_answers: int
    seconds_per_answer: float
    ungraded: list[dict[str, str]]
    usage: dict[str, Any]


class Measured(TypedDict):
    evaluation: str
    """A key of the store."""


@task(
    task_run_name="grade held-out answers",
    cache_key_fn=keyed_by("content", "dataset_fingerprint", code=GRADING_CODE),
    **KEPT,
)
def grade_held_out(
    uri: str,
    content: str,  # noqa: ARG001 - part of the cache key
    dataset_id: str,
    dataset_fingerprint: str,  # noqa: ARG001 - part of the cache key
    job_id: str,
) -> Graded:
    """Predictions for the validation and test answers, through the runtime that users get."""
    place = workplace()
    frames = records.dataset_frames(place.catalog, dataset_id)
    held_out = frames.answers[frames.answers["split"] != Split.TRAIN]
    ask = asking(job_id, occasion="held-out answers")
    with tempfile.TemporaryDirectory() as folder:
        grader = load_registered(place, uri, Path(folder), ask)
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
    return Graded(
        predictions=place.store.put_bytes(frame_to_bytes(sifted.passed)),
        threshold=float(grader.threshold),
        n_answers=len(sifted.passed),
        seconds_per_answer=per_answer,
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


@task(
    task_run_name="measure",
    cache_key_fn=keyed_by("graded", "dataset_fingerprint", "promise", code=GRADING_CODE),
    **KEPT,
)
def measure(graded: Graded, dataset_id: str, dataset_fingerprint: str, promise: list[float]) -> Measured:  # noqa: ARG001
    """The evaluation of the predictions, kept in the store."""
    place = workplace()
    frames = records.dataset_frames(place.catalog, dataset_id)
    predictions = frame_from_bytes(place.store.get_bytes(graded["predictions"]))
    evaluation = evaluate(
        predictions,
        _with_totals(place, frames.answers),
        threshold=graded["threshold"],
        promised=promise[0],
        tolerance=promise[1],
        items=frames.items,
    )
    return Measured(evaluation=place.store.put_bytes(evaluation.to_json().encode()))


def _with_totals(place: Workplace, answers: pd.DataFrame) -> pd.DataFrame:
    """`answers` with the column expected_total, for papers of which only the total is known."""
    totals = {
        (paper.guide_id, paper.student): paper.expected_total
        for paper in records.submissions(place.catalog, place.settings.owner)
        if paper.expected_total is not None
    }
    pairs = zip(answers["guide_id"], answers["student"], strict=True)
    return answers.assign(expected_total=[totals.get(pair, math.nan) for pair in pairs])


@task(task_run_name="record evaluation", **RETRIED)
def record_evaluation(
    job_id: str, dataset_id: str, graded: Graded, measured: Measured, attacked: Attacked
) -> EvaluateOutcome:
    """Catalog and MLflow learn the figures.

    Those on another dataset than the job's own are a table of its run, and replace none of its metrics.
    """
    place = workplace()
    job = records.find_job(place.catalog, place.settings.owner, job_id)
    evaluation = load_evaluation(place, measured["evaluation"])
    costs = {**costs_of_grading(graded), **attacked["metrics"]}
    figures = {**figures_of(evaluation), **costs}
    artifacts = {"evaluation": measured["evaluation"], "predictions": graded["predictions"]}
    if graded["ungraded"]:
        artifacts["ungraded"] = place.store.put_bytes(json.dumps(graded["ungraded"]).encode())
    records.save_evaluation(
        place.catalog,
        job_id=job.id,
        dataset_id=dataset_id,
        key=fingerprint([graded, measured, attacked]),
        metrics=figures,
        artifacts=artifacts,
    )
    if job.mlflow_run_id:
        own = dataset_id == job.dataset_id
        folder = "evaluation" if own else f"evaluation/{dataset_id[:8]}"
        if own:
            # The few that runs are compared by; all of them, with intervals, are in the table.
            place.tracking.log_metrics(job.mlflow_run_id, {**evaluation.key_figures(), **costs})
        place.tracking.log_table(job.mlflow_run_id, evaluation.metrics, f"{folder}/metrics.json")
        place.tracking.log_table(job.mlflow_run_id, evaluation.items, f"{folder}/items.json")
    headline = headline_of(evaluation)
    qwk, agreement = (evaluation.figure(headline["protocol"], name) for name in ("qwk", "agreement"))
    log.info("held-out answers: qwk %.3f, agreement %.3f (n = %d)", qwk.value, agreement.value, qwk.n)
    return EvaluateOutcome(
        job_id=job.id,
        evaluation=measured["evaluation"],
        predictions=graded["predictions"],
        headline=headline,
        champion=False,
        promotion="",
        ungraded=graded["ungraded"],
        costs=costs_of_grading(graded),
        attacks=attacked["sentence"],
    )


def costs_of_grading(graded: Graded) -> dict[str, float]:
    """What grading an answer takes: seconds always, tokens and money where a model was asked."""
    figures = {
        "seconds_per_answer": graded["seconds_per_answer"],
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
