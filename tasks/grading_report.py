"""What the report of a grading job says, gathered from catalog, store and MLflow."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from domain.contracts import Rejection
from domain.errors import InputError
from domain.grading.contracts import Iterations
from domain.grading.facts import facts_of
from domain.grading.findings import find
from domain.grading.report import write_report
from domain.grading.report_input import DataSection, DocumentCount, ReportInput
from domain.grading.written_view import plain_sentence, written_view
from domain.kinds import Role
from domain.reports.job import Choice, Duplicate, Problem, Timing
from domain.reports.markdown import plain
from domain.reports.wording import money
from infra import catalog as records
from infra.catalog import Dataset, Job, Outcome
from tasks.grading_evaluation import load_evaluation
from tasks.judges import Draft
from tasks.model_use import model_use_of
from tasks.near_copies import near_duplicates
from tasks.reporting import job_facts
from tasks.workplace import Workplace
from tasks.writing import with_text

MOST_ROWS = 200
"""Quarantined rows shown in a report; all are in the catalog."""
REPORT_CODE = ("domain.grading", "tasks.grading_report", "tasks.model_use", "tasks.writing")


def draft_of(place: Workplace, job: Job) -> Draft:
    """The report of a grading job. Raises InputError for a job that was not evaluated."""
    report = with_text(place, job, gather(place, job))
    findings = [f"{f.title}. {f.text}" for f in find(report)]
    return Draft(
        content=report.to_json(),
        findings=findings,
        write=lambda folder: {path.name: path for path in vars(write_report(report, folder)).values()},
        summary=lambda html: _summary(report, findings, html),
        figures=_costs(report),
    )


def _costs(report: ReportInput) -> dict[str, float]:
    """What language models cost the whole job, where MLflow's runs are compared; unknown is not told."""
    models = report.language_models
    if models is None:
        return {}
    figures = {"job.n_tokens": float(models.n_tokens), "job.n_calls": float(models.n_calls)}
    if models.cost_usd is not None:
        figures["job.cost_usd"] = models.cost_usd
    return figures


def gather(place: Workplace, job: Job) -> ReportInput:
    """Everything that the report says."""
    dataset = records.dataset(place.catalog, place.settings.owner, job.dataset_id)
    found = records.find_evaluation(place.catalog, job.id)
    if found is None:
        raise InputError(f"job {job.id[:8]} is not evaluated yet: run trainyard evaluate {job.id[:8]}")
    iterations = records.iterations(place.catalog, job.id)
    rows = [{"iteration": i.iteration, "seconds": i.seconds, **i.metrics} for i in iterations]
    told = pd.DataFrame(rows, columns=None if rows else ["iteration", "seconds"])
    if "n_tokens" in told and "cost_usd" not in told:
        # Language models were asked at a price that nobody knows: said as such, since it was not nothing.
        told["cost_usd"] = math.nan
    return ReportInput(
        title=f"Grading report: {dataset.name}",
        job=job_facts(place, job),
        strategy=job.strategy,
        data=_data(place, dataset),
        iterations=Iterations.validate(told, lazy=True),
        evaluation=load_evaluation(place, found.artifacts["evaluation"]),
        choices=tuple(
            [Choice(name, objection) for name, objection in job.choice.items()] + [Choice(job.strategy)]
        ),
        hyperparameters=dict(job.config),
        timings=(Timing("training iterations", sum(i.seconds for i in iterations)),),
        language_models=model_use_of(place, job, found),
    )


def _data(place: Workplace, dataset: Dataset) -> DataSection:
    catalog, owner = place.catalog, place.settings.owner
    files = records.files(catalog, owner)
    quarantined = records.quarantined(catalog, owner)
    trained_on = set(records.dataset_frames(catalog, dataset.id).items["guide_id"])
    doubtful = [g for g in records.guides(catalog, owner) if g.problems]
    return DataSection(
        n_items=dataset.n_items,
        n_answers=dataset.n_answers,
        n_students=dataset.facts["n_students"],
        splits=dataset.facts["splits"],
        fingerprint=dataset.fingerprint,
        n_blank=dataset.facts.get("n_blank", 0),
        n_unscored=dataset.facts["n_unscored"],
        n_quarantined=len(quarantined),
        documents=_documents(place),
        duplicates=tuple(Duplicate(f["name"], f["equals"]) for f in _with_outcome(files, Outcome.DUPLICATE)),
        near_duplicates=near_duplicates(place),
        quarantine=tuple(
            Rejection(r["contract"], r["row"], r["column"], r["check"], r["value"])
            for r in quarantined.head(MOST_ROWS).to_dict("records")
        ),
        unreadable=tuple(Problem(f["name"], f["reason"]) for f in _with_outcome(files, Outcome.REJECTED)),
        unbalanced=tuple(Problem(g.title, "; ".join(g.problems)) for g in doubtful if g.id not in trained_on),
        doubtful=tuple(Problem(g.title, "; ".join(g.problems)) for g in doubtful if g.id in trained_on),
    )


def _with_outcome(files: pd.DataFrame, outcome: Outcome) -> list[dict[str, Any]]:
    return files[files["outcome"] == outcome.value].to_dict("records")  # type: ignore[no-any-return]


def _documents(place: Workplace) -> tuple[DocumentCount, ...]:
    counts: Counter[tuple[str, str, str]] = Counter()
    for role in Role:
        for document in records.documents(place.catalog, place.settings.owner, role):
            counts[role.value, document.media_type, document.method] += 1
    return tuple(DocumentCount(*kind, n) for kind, n in sorted(counts.items()))


def _summary(report: ReportInput, findings: list[str], html: Path) -> str:
    """One Markdown page for the flow run: key figures, findings, and where the pictures are."""
    evaluation = report.evaluation
    lines = [
        f"# {report.title}",
        "",
        "| held-out answers | QWK | agreement | graded automatically |",
        "|---|---|---|---|",
    ]
    for protocol in evaluation.protocols:
        figures = [evaluation.figure(protocol, m) for m in ("qwk", "agreement", "automatic.share")]
        cells = [
            f"{f.value:.3f} ({f.low:.3f} to {f.high:.3f})" if math.isfinite(f.low) else f"{f.value:.3f}"
            for f in figures
        ]
        lines.append(f"| {protocol.replace('_', ' ')} (n = {figures[0].n}) | " + " | ".join(cells) + " |")
    lines += ["", *[f"- {text}" for text in findings], ""]
    lines += _told_by_models(report)
    lines += [f"Full report: `{html}`", ""]
    if report.job.mlflow_run_url:
        lines.append(f"[MLflow run]({report.job.mlflow_run_url})")
    return "\n".join(lines)


def _told_by_models(report: ReportInput) -> list[str]:
    """What language models cost, and what one wrote."""
    lines = []
    view = written_view(report.written, facts_of(report))
    if view is not None:
        lines += [plain(" ".join(map(plain_sentence, view.summary))), "", f"*{plain(view.said)}*", ""]
    if (models := report.language_models) is not None:
        cost = plain(money(models.cost_usd))
        lines += [f"Language models: {models.n_calls:,} calls, {models.n_tokens:,} tokens, {cost}.", ""]
    return lines
