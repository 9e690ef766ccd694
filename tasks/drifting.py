"""New answers held against those that a model was measured on."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TypedDict

import pandas as pd
from prefect import task
from prefect.artifacts import create_markdown_artifact

from domain.errors import InputError
from domain.grading.drift import drift, words_of
from domain.grading.drift_report import findings_of, markdown_of, write_drift
from domain.identity import fingerprint
from domain.kinds import Kind, Split
from infra import catalog as records
from infra.catalog import Job
from infra.model_registry import ModelRegistry
from tasks.effects import asking
from tasks.events import MODEL_DRIFTED, announce
from tasks.grading_evaluation import load_evaluation, load_registered, parted
from tasks.model_names import model_uri
from tasks.policy import RETRIED
from tasks.workplace import Workplace, workplace

log = logging.getLogger(__name__)

_NOTHING_NEW = (
    "There is no new answer to look at: papers that are graded (trainyard grade) are looked at next time."
)


class DriftOutcome(TypedDict):
    """`findings` are sentences; `n_now` counts the new answers that were looked at."""

    model: str
    drifted: bool
    n_now: int
    findings: list[str]
    folder: str
    html: str


@task(task_run_name="look for drift of {model}", **RETRIED)
def look_for_drift(model: str) -> DriftOutcome:
    """Writes the report under home/drift. New are the answers of papers that are not in the model's dataset.

    `model` is as in `trainyard grade`. Raises InputError where the model has no evaluation here.
    """
    place = workplace()
    version = ModelRegistry(place.tracking).find(model_uri(place, model, Kind.GRADING))
    job = _job(place, version.tags.get("job_id", ""), version.uri)
    found = records.find_evaluation(place.catalog, job.id, dataset_id=job.dataset_id)
    if found is None:
        raise InputError(f"job {job.id[:8]} is not evaluated: run trainyard evaluate {job.id[:8]}")
    evaluation = load_evaluation(place, found.artifacts["evaluation"])
    frames = records.dataset_frames(place.catalog, job.dataset_id)
    trained = frames.answers[frames.answers["split"] != Split.TEST]
    guides = pd.concat([frames.items["question"], frames.items["model_answer"]])
    new = _new_answers(place, frames)
    if new.empty:
        return DriftOutcome(
            model=version.uri, drifted=False, n_now=0, findings=[_NOTHING_NEW], folder="", html=""
        )
    outcome = drift(
        evaluation.graded,
        _graded(place, version.uri, job, new),
        known_words=words_of(pd.concat([trained["text"], guides])),
        known_items=frozenset(trained["item_id"]),
        tolerance=evaluation.tolerance,
    )
    name = f"{version.name} version {version.version}"
    folder = place.settings.home / "drift" / f"{version.name}-{version.version}"
    page = write_drift(outcome, name, folder)
    create_markdown_artifact(markdown_of(outcome, name), key=f"drift-{job.id[:8]}")
    if job.mlflow_run_id:
        place.tracking.log_artifacts(job.mlflow_run_id, folder, "drift")
    if outcome.drifted:
        payload = {"model": version.name, "version": version.version, "job": job.id, "page": str(page)}
        findings = findings_of(outcome)
        # Once for what was found: the same finding every night is no news.
        subject = f"{version.name}/{version.version} {fingerprint(findings)[:12]}"
        announce(MODEL_DRIFTED, subject, {**payload, "findings": findings})
    log.info("%s: %s on %d new answers", name, "drifted" if outcome.drifted else "no drift", outcome.n_now)
    return DriftOutcome(
        model=version.uri,
        drifted=outcome.drifted,
        n_now=outcome.n_now,
        findings=findings_of(outcome),
        folder=str(folder),
        html=str(page),
    )


def _job(place: Workplace, job_id: str, uri: str) -> Job:
    if not job_id:
        raise InputError(f"{uri} was not trained here: nothing is known of what it was measured on")
    return records.find_job(place.catalog, place.settings.owner, job_id)


def _new_answers(place: Workplace, frames: records.DatasetFrames) -> pd.DataFrame:
    """Answers to the dataset's guides in papers of which it has no answer; doubtful ones are left out."""
    guide_ids = sorted(set(frames.items["guide_id"]))
    answers = records.answers_frame(place.catalog, place.settings.owner, guide_ids)
    seen = set(answers.loc[answers["answer_id"].isin(frames.answers["answer_id"]), "document_id"])
    # What was set aside as a near copy of a training answer is in papers that are seen.
    return answers[~answers["document_id"].isin(seen) & (answers["doubt"] == "")].reset_index(drop=True)


def _graded(place: Workplace, uri: str, job: Job, answers: pd.DataFrame) -> pd.DataFrame:
    """The new answers with the model's grades, as the columns of `domain.grading.drift.drift`."""
    columns = ["text", "item_id", "student", "max_score", "gold"]
    guide_ids = sorted(set(answers["guide_id"]))
    items = records.items_frame(place.catalog, place.settings.owner, guide_ids)
    ask = asking(job.id, occasion="drift")
    with tempfile.TemporaryDirectory() as folder:
        grades = load_registered(place, uri, Path(folder), ask).grade(items, answers)
    graded, _ = parted(grades)
    kept = graded[["answer_id", "score", "mark", "confidence"]]
    return answers[["answer_id", *columns]].merge(kept, on="answer_id")
