"""From time to time: champions measured on new answers, datasets made anew of what there is now."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any, TypedDict

import pandas as pd
from prefect import task
from prefect.artifacts import create_markdown_artifact

from domain.grading.evaluation import evaluate
from domain.kinds import Kind, Split
from infra import catalog as records
from infra.catalog import Dataset, Job, JobState
from infra.model_registry import ModelRegistry
from tasks.effects import asking
from tasks.grading_evaluation import headline_of, load_registered, parted
from tasks.policy import RETRIED
from tasks.promise import promise_of
from tasks.workplace import Workplace, workplace

log = logging.getLogger(__name__)

LEAST_NEW_ANSWERS = 20
"""Fewer say next to nothing about a model."""


class Renewable(TypedDict):
    """What a dataset is made of, to make it again, and the strategy of the newest model trained on it."""

    name: str
    kind: str
    taken: list[str]
    protocol: str
    seed: int
    fingerprint: str
    strategy: str


class NewAnswers(TypedDict):
    """A champion on graded answers that came after its training; `skipped` says why it was not measured."""

    model: str
    n_new: int
    headline: dict[str, Any]
    skipped: str


@task(task_run_name="find datasets that models are trained on", **RETRIED)
def renewable() -> list[Renewable]:
    """The newest version of each dataset of graded answers that has a finished model.

    Pictures come as whole archives, and an archive that has changed is another one.
    """
    place = workplace()
    return [
        Renewable(
            name=dataset.name,
            kind=dataset.kind.value,
            taken=sorted(set(records.dataset_frames(place.catalog, dataset.id).items["guide_id"])),
            protocol=dataset.protocol,
            seed=dataset.seed,
            fingerprint=dataset.fingerprint,
            strategy=job.strategy,
        )
        for dataset, job in _trained_on(place).values()
        if dataset.kind is Kind.GRADING
    ]


@task(task_run_name="measure champions on new answers", **RETRIED)
def measure_champions() -> list[NewAnswers]:
    """Each champion on the graded answers that are in no split of the dataset it was trained on."""
    place = workplace()
    found = [
        _on_new_answers(place, dataset)
        for dataset, _ in _trained_on(place).values()
        if dataset.kind is Kind.GRADING
    ]
    rows = [f"| {one['model']} | {one['n_new']} | {_told(one)} |" for one in found]
    table = "\n".join(["| champion | new answers | agreement |", "| --- | --- | --- |", *rows])
    create_markdown_artifact(table, key="champions-on-new-answers")
    return found


def _trained_on(place: Workplace) -> dict[str, tuple[Dataset, Job]]:
    """name → newest dataset with a finished job, and the newest of those."""
    jobs = records.jobs(place.catalog, place.settings.owner, states=[JobState.FINISHED], limit=10_000)
    newest = {job.dataset_id: job for job in reversed(jobs)}
    datasets = records.datasets(place.catalog, place.settings.owner)
    ordered = sorted(datasets, key=lambda dataset: dataset.created_at)
    return {dataset.name: (dataset, newest[dataset.id]) for dataset in ordered if dataset.id in newest}


def _on_new_answers(place: Workplace, dataset: Dataset) -> NewAnswers:
    name = place.model_name(dataset.kind, dataset.name)
    champion = ModelRegistry(place.tracking).champion(name)
    if champion is None:
        return NewAnswers(model=name, n_new=0, headline={}, skipped="there is no champion")
    trained_on = records.dataset(place.catalog, place.settings.owner, champion.tags["dataset_fingerprint"])
    frames = records.dataset_frames(place.catalog, trained_on.id)
    new = _new_answers(place, frames.items, frames.answers)
    told = f"{name} version {champion.version}"
    if len(new) < LEAST_NEW_ANSWERS:
        few = f"at least {LEAST_NEW_ANSWERS} new graded answers are needed"
        return NewAnswers(model=told, n_new=len(new), headline={}, skipped=few)
    with tempfile.TemporaryDirectory() as folder:
        asked = asking(champion.tags.get("job_id", ""), occasion="new answers")
        grader = load_registered(place, champion.uri, Path(folder), asked)
        graded, _ = parted(grader.grade(frames.items, new))
    promised, tolerance = promise_of(place, trained_on)
    seen = frames.answers[frames.answers["split"] != Split.TEST]
    evaluation = evaluate(
        graded,
        pd.concat([seen, new.assign(split=Split.TEST.value, protocol="unseen_answers")], ignore_index=True),
        threshold=float(grader.threshold),
        promised=promised,
        tolerance=tolerance,
        items=frames.items,
    )
    headline = headline_of(evaluation)
    figures = {name: headline[name][0] for name in ("qwk", "agreement") if headline[name]}
    place.tracking.log_metrics(champion.run_id, {f"new_answers.{k}": v for k, v in figures.items()})
    log.info("%s: %d new answers, %s", told, len(new), figures)
    return NewAnswers(model=told, n_new=len(new), headline=headline, skipped="")


def _new_answers(place: Workplace, items: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Graded answers to these items which are not among the `known`."""
    guide_ids = sorted(set(items["guide_id"]))
    answers = records.answers_frame(place.catalog, place.settings.owner, guide_ids)
    usable = (
        answers["gold"].notna()
        & (answers["doubt"] == "")
        & (answers["text"].str.strip() != "")
        & answers["item_id"].isin(items["item_id"])
        & ~answers["answer_id"].isin(known["answer_id"])
    )
    return answers[usable].reset_index(drop=True)


def _told(one: NewAnswers) -> str:
    if one["skipped"]:
        return one["skipped"]
    return f"QWK {one['headline']['qwk'][0]:.3f}, {one['headline']['agreement'][0]:.1%} agree"
