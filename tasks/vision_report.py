"""What the report of a classifier says, gathered from catalog, store and MLflow."""

from __future__ import annotations

import base64
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from domain.errors import InputError
from domain.reports.job import Choice, Problem, Timing
from domain.reports.markdown import plain
from domain.vision.evaluation import Evaluation
from domain.vision.findings import find
from domain.vision.report import write_report
from domain.vision.report_input import Candidate, PictureData, ReportInput, Search, Shown
from infra import catalog as records
from infra.catalog import Dataset, Job
from infra.model_registry import ModelRegistry
from tasks.intervals import interval_words
from tasks.judges import Draft
from tasks.picture_sets import pictures_of, source_of
from tasks.reporting import job_facts
from tasks.vision_evaluation import load_evaluation
from tasks.workplace import Workplace

REPORT_CODE = ("domain.vision.report", "tasks.vision_report")
MOST_ROWS = 200
"""Refused pictures shown in a report; all are in the catalog."""
_SIDE = 128
"""Longest side of a mistake's picture on the page, in points."""


def draft_of(place: Workplace, job: Job) -> Draft:
    """The report of a classifier. Raises InputError for a job that was not evaluated."""
    report = gather(place, job)
    findings = [f"{f.title}. {f.text}" for f in find(report)]
    return Draft(
        content=report.to_json(),
        findings=findings,
        write=lambda folder: write_report(report, folder),
        summary=lambda html: _summary(report, findings, html),
        figures=_costs(report),
    )


def gather(place: Workplace, job: Job) -> ReportInput:
    """Everything that the report says."""
    dataset = records.dataset(place.catalog, place.settings.owner, job.dataset_id)
    found = records.find_evaluation(place.catalog, job.id)
    if found is None:
        raise InputError(f"job {job.id[:8]} is not evaluated yet: run trainyard evaluate {job.id[:8]}")
    evaluation = load_evaluation(place, found.artifacts["evaluation"])
    iterations = records.iterations(place.catalog, job.id)
    rows = [{"iteration": i.iteration, "seconds": i.seconds, **i.metrics} for i in iterations]
    card = ModelRegistry(place.tracking).card(f"models:/{job.model_name}/{job.model_version}")
    return ReportInput(
        title=f"Classifier report: {dataset.name}",
        job=job_facts(place, job),
        strategy=job.strategy,
        data=_data(place, dataset),
        iterations=pd.DataFrame(rows, columns=None if rows else ["iteration", "seconds"]),
        evaluation=evaluation,
        worst=_worst(place, dataset, evaluation),
        card=card,
        search=_search(place, job, card),
        choices=tuple(
            [Choice(name, objection) for name, objection in job.choice.items()] + [Choice(job.strategy)]
        ),
        hyperparameters=dict(job.config),
        timings=(Timing("training iterations", sum(i.seconds for i in iterations)),),
    )


def _data(place: Workplace, dataset: Dataset) -> PictureData:
    facts = dataset.facts
    kept = records.quarantined(place.catalog, place.settings.owner, [source_of(dataset.name)])
    return PictureData(
        n_classes=dataset.n_items,
        n_pictures=dataset.n_answers,
        size=facts["size"],
        channels=facts["channels"],
        splits=facts["splits"],
        by_class=facts["by_class"],
        set_aside=facts["set_aside"],
        near_copies=facts["near_copies"],
        notes=facts["notes"],
        n_refused=len(kept),
        refused=tuple(
            Problem(row["row"], row["value"] or row["check"])
            for row in kept.head(MOST_ROWS).to_dict("records")
        ),
        fingerprint=dataset.fingerprint,
    )


def _worst(place: Workplace, dataset: Dataset, evaluation: Evaluation) -> tuple[Shown, ...]:
    """The worst mistakes with their pictures, as the model saw them."""
    images = np.load(pictures_of(place, dataset)[0], mmap_mode="r")
    return tuple(
        Shown(
            path=row.path,
            class_name=row.class_name,
            predicted=row.predicted,
            confidence=float(row.confidence),
            own=float(row.own),
            refer=bool(row.refer),
            image=_data_uri(images[row.row]),
        )
        for row in evaluation.worst().itertuples()
    )


def _data_uri(points: npt.NDArray[np.uint8]) -> str:
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(points[..., 0] if points.shape[-1] == 1 else points))
    picture.thumbnail((_SIDE, _SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _search(place: Workplace, job: Job, card: dict[str, Any]) -> Search | None:
    """How the network was found (a model's files keep the journal); None where it was not looked for."""
    told = card.get("search")
    if not isinstance(told, dict):
        return None
    with tempfile.TemporaryDirectory() as folder:
        uri = f"models:/{job.model_name}/{job.model_version}"
        files = ModelRegistry(place.tracking).download_model(uri, Path(folder))
        journal = json.loads((files / "journal.json").read_text("utf-8"))
        code = (files / "network.txt").read_text("utf-8")
    return Search(
        rounds=int(told["rounds"]),
        ended=str(told["ended"] or ""),
        n_calls=int(told["n_calls"]),
        n_tokens=int(told["n_tokens"]),
        cost_usd=told["cost_usd"],
        candidates=tuple(map(_candidate, journal)),
        code=code,
        winner=told.get("winner"),
    )


def _candidate(entry: dict[str, Any]) -> Candidate:
    last = entry["trials"][-1] if entry["trials"] else {}
    return Candidate(
        number=int(entry["number"]),
        iteration=int(entry["iteration"]),
        origin=str(entry["origin"]),
        idea=str(entry["idea"]),
        parent=entry["parent"],
        n_parameters=entry["figures"].get("n_parameters"),
        epochs=last.get("epochs"),
        accuracy=last.get("accuracy"),
        failure=str(entry["failure"]),
    )


def _costs(report: ReportInput) -> dict[str, float]:
    """What language models cost the whole job, where MLflow's runs are compared; unknown is not told."""
    if report.search is None:
        return {}
    figures = {"job.n_tokens": float(report.search.n_tokens), "job.n_calls": float(report.search.n_calls)}
    if report.search.cost_usd is not None:
        figures["job.cost_usd"] = report.search.cost_usd
    return figures


def _summary(report: ReportInput, findings: list[str], html: Path) -> str:
    """One Markdown page for the flow run: key figures, findings, and where the pictures are."""
    evaluation = report.evaluation
    names = ("accuracy", "macro_f1", "ece", "automatic.share")
    cells = [_told(evaluation, name) for name in names]
    lines = [
        f"# {plain(report.title)}",
        "",
        "| unseen pictures | accuracy | macro-F1 | calibration error | labelled automatically |",
        "|---|---|---|---|---|",
        f"| n = {evaluation.figure('accuracy').n} | " + " | ".join(cells) + " |",
        "",
        *[f"- {plain(text)}" for text in findings],
        "",
        f"Full report: `{html}`",
        "",
    ]
    if report.job.mlflow_run_url:
        lines.append(f"[MLflow run]({report.job.mlflow_run_url})")
    return "\n".join(lines)


def _told(evaluation: Evaluation, name: str) -> str:
    figure: Any = evaluation.figure(name)
    values = [v for v in (figure.value, figure.low, figure.high) if v == v]
    return interval_words(values or None)
