"""New submissions graded by a registered model."""

from __future__ import annotations

import json
import logging
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
from prefect import task
from prefect.runtime import flow_run

from domain.contracts import sift
from domain.errors import InputError
from domain.grading.contracts import Predictions
from domain.kinds import Kind
from infra import catalog as records
from tasks.effects import asking
from tasks.grading_evaluation import load_registered, parted
from tasks.model_names import model_uri
from tasks.outcome import GradeOutcome, Ingested
from tasks.policy import RETRIED
from tasks.tables import written_as
from tasks.workplace import workplace

log = logging.getLogger(__name__)

COLUMNS = (
    "file",
    "student",
    "guide",
    "number",
    "mark",
    "max_score",
    "refer",
    "confidence",
    "score",
    "rationale",
)


@task(task_run_name="grade with {model}", **RETRIED)
def grade_documents(ingested: Ingested, model: str) -> GradeOutcome:
    """Grades of every answer in these submissions; those that could not be read are told apart.

    `model` is "NAME@alias", "NAME/version" or "" for the newest job's.
    """
    place = workplace()
    uri = model_uri(place, model, Kind.GRADING)
    wanted = set(ingested["document_ids"])
    papers = {
        p.document_id: p
        for p in records.submissions(place.catalog, place.settings.owner)
        if p.document_id in wanted
    }
    guide_ids = sorted({p.guide_id for p in papers.values()})
    answers = records.answers_frame(place.catalog, place.settings.owner, guide_ids)
    answers = answers[answers["document_id"].isin(wanted)].reset_index(drop=True)
    unparsed = [{"name": r["name"], "problems": [r["reason"]]} for r in ingested["rejected"]]
    unparsed += [
        {"name": row.name, "problems": list(row.problems)}
        for row in records.unparsed(place.catalog, place.settings.owner)
        if row.document_id in wanted
    ]
    if answers.empty:
        reasons = "; ".join(f"{u['name']}: {' '.join(u['problems'])}" for u in unparsed[:3])
        raise InputError(
            f"none of the {ingested['n_files']} submissions could be read as answers to a guide: {reasons}"
        )
    items = records.items_frame(place.catalog, place.settings.owner, guide_ids)
    ask = asking(f"grade {flow_run.id or ''}".strip())
    with tempfile.TemporaryDirectory() as folder:
        grades = load_registered(place, uri, Path(folder), ask).grade(items, answers)
    graded, ungraded = parted(grades)
    graded = referred(graded, answers)
    passed = sift(Predictions, graded, key="answer_id", max_reject_share=0.0).passed
    # Rows without a mark are shown among the others: an answer that is left out would not be missed.
    shown = pd.concat([passed, grades[grades["score"].isna()]], ignore_index=True)
    names = {document_id: paper.name for document_id, paper in papers.items()}
    log.info("graded %d answers of %d submissions with %s", len(passed), len(papers), uri)
    if ask and ask.usage.n_requests:
        log.info("language model: %s", ask.usage.told())
    return GradeOutcome(
        model=uri, grades=_rows(shown, answers, items, names), ungraded=ungraded, unparsed=unparsed
    )


def referred(grades: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Grades of answers that may be to other items, all for a human, with the doubt before the rationale."""
    doubts = grades["answer_id"].map(answers.set_index("answer_id")["doubt"])
    doubtful = doubts != ""
    told = doubts + ". " + grades["rationale"]
    return grades.assign(
        refer=grades["refer"] | doubtful, rationale=grades["rationale"].where(~doubtful, told)
    )


def _rows(
    grades: pd.DataFrame, answers: pd.DataFrame, items: pd.DataFrame, names: dict[str, str]
) -> list[dict[str, Any]]:
    joined = grades.merge(answers[["answer_id", "student", "document_id"]], on="answer_id").merge(
        items[["item_id", "guide", "number"]], on="item_id"
    )
    joined["file"] = joined["document_id"].map(names)
    joined = joined.sort_values(["file", "student", "number"], kind="stable")
    for column in ("mark", "score", "confidence"):
        joined[column] = joined[column].round(4)
    return json.loads(joined[list(COLUMNS)].to_json(orient="records"))  # type: ignore[no-any-return]


def grades_as(outcome: GradeOutcome, form: str) -> str:
    """The grades as "csv" or "json" text."""
    return written_as(form, outcome, outcome["grades"], COLUMNS)
