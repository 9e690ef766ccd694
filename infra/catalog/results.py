"""Evaluations and reports of jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from infra.catalog import tables
from infra.catalog.connection import Catalog
from infra.catalog.types import named, now
from infra.catalog.writing import Query, add_missing, add_or_change


@dataclass(frozen=True)
class Evaluation:
    """`metrics` is a JSON value; `artifacts` are keys of the store by name."""

    id: str
    job_id: str
    dataset_id: str
    key: str
    metrics: Any
    artifacts: Mapping[str, str]
    created_at: datetime


@dataclass(frozen=True)
class ReportRow:
    """`folder` is where the files were put for people; `files` are keys of the store by name."""

    id: str
    job_id: str
    key: str
    folder: str
    files: Mapping[str, str]
    created_at: datetime


def save_evaluation(
    catalog: Catalog, *, job_id: str, dataset_id: str, key: str, metrics: Any, artifacts: Mapping[str, str]
) -> Evaluation:
    """Keeps an evaluation; where one of the same `key` (version of the code) is there, that one stands."""
    e = tables.Evaluation
    row = {
        "id": named("evaluation", job_id, dataset_id, key), "job_id": job_id, "dataset_id": dataset_id,
        "key": key, "metrics": metrics, "artifacts": dict(artifacts), "created_at": now(),
    }  # fmt: skip
    with catalog.writing() as connection:
        add_missing(connection, e, [row])
        return Evaluation(**connection.execute(_evaluations().where(e.id == row["id"])).one()._mapping)


def find_evaluation(
    catalog: Catalog, job_id: str, *, dataset_id: str | None = None, key: str | None = None
) -> Evaluation | None:
    """The job's newest evaluation on that dataset and of that key, where given; None if there is none."""
    e = tables.Evaluation
    query = _evaluations().where(e.job_id == job_id).order_by(e.created_at.desc()).limit(1)
    if dataset_id is not None:
        query = query.where(e.dataset_id == dataset_id)
    if key is not None:
        query = query.where(e.key == key)
    with catalog.reading() as connection:
        row = connection.execute(query).one_or_none()
        return None if row is None else Evaluation(**row._mapping)


def save_report(
    catalog: Catalog, *, job_id: str, key: str, folder: str, files: Mapping[str, str]
) -> ReportRow:
    """Keeps a report; one of the same key gets the new folder and files."""
    r = tables.Report
    row = {
        "id": named("report", job_id, key), "job_id": job_id, "key": key, "folder": folder,
        "files": dict(files), "created_at": now(),
    }  # fmt: skip
    with catalog.writing() as connection:
        add_or_change(connection, r, [row], change=("folder", "files"))
        return ReportRow(**connection.execute(_reports().where(r.id == row["id"])).one()._mapping)


def find_report(catalog: Catalog, job_id: str, key: str | None = None) -> ReportRow | None:
    """The job's newest report, of that key where given; None if there is none."""
    r = tables.Report
    query = _reports().where(r.job_id == job_id).order_by(r.created_at.desc()).limit(1)
    if key is not None:
        query = query.where(r.key == key)
    with catalog.reading() as connection:
        row = connection.execute(query).one_or_none()
        return None if row is None else ReportRow(**row._mapping)


def _evaluations() -> Query:
    columns = tables.Evaluation.__table__.columns
    return select(*(columns[name] for name in Evaluation.__dataclass_fields__))


def _reports() -> Query:
    columns = tables.Report.__table__.columns
    return select(*(columns[name] for name in ReportRow.__dataclass_fields__))
