"""The catalog's tables: what is known of the material, the datasets and the jobs.

    files ──► documents ──► parses ──► items, submissions ──► answers
                 │                                              │
    extractions ─┘                          datasets ──► dataset_answers
                                                │
                     quarantine               jobs ──► iterations, evaluations, reports

Every id is a UUID made from the row's natural key (`types.named`), so that writing a row twice, or
in two catalogs, gives the same id. Bytes are in the store; columns named `*_ref` and `*_key` name them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from infra.catalog.types import Instant, Structure, Words, now

_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=_CONVENTION)
    type_annotation_map = {str: Words(), datetime: Instant(), bytes: LargeBinary(), Any: Structure()}  # noqa: RUF012


def _id() -> Mapped[str]:
    return mapped_column(Uuid(as_uuid=False), primary_key=True)


def _to(
    column: str, *, index: bool = False, nullable: bool = False, primary_key: bool = False
) -> Mapped[Any]:
    return mapped_column(
        Uuid(as_uuid=False), ForeignKey(column), index=index, nullable=nullable, primary_key=primary_key
    )


def _one_of(column: str, *values: str) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(map(repr, values))})", name=column)


class Extraction(Base):
    """A file's content, read or refused by one version of the extractors; never tried again."""

    __tablename__ = "extractions"
    __table_args__ = (
        UniqueConstraint("file_sha256", "extractor_version"),
        CheckConstraint("(error = '') = (text_sha256 IS NOT NULL)", name="read_or_refused"),
    )
    id: Mapped[str] = _id()
    file_sha256: Mapped[str]
    extractor_version: Mapped[str]
    error: Mapped[str] = mapped_column(default="")
    """Why the file was refused; empty when it was read."""
    text_sha256: Mapped[str | None]
    text_ref: Mapped[str] = mapped_column(default="")
    tables_ref: Mapped[str] = mapped_column(default="")
    media_type: Mapped[str] = mapped_column(default="")
    method: Mapped[str] = mapped_column(default="")
    seconds: Mapped[float] = mapped_column(default=0.0)
    quality: Mapped[float] = mapped_column(default=0.0)
    language: Mapped[str] = mapped_column(default="und")
    n_chars: Mapped[int] = mapped_column(default=0)
    n_pages: Mapped[int | None]
    notes: Mapped[Any] = mapped_column(default=list)
    signature: Mapped[bytes] = mapped_column(default=b"")
    """MinHash of the text; empty when none was computed."""
    created_at: Mapped[datetime] = mapped_column(default=now)


class Document(Base):
    """A text in a role, whatever files it came in; the first file wins and gives its name."""

    __tablename__ = "documents"
    __table_args__ = (
        UniqueConstraint("owner", "role", "text_sha256"),
        _one_of("role", "guide", "submission", "answers"),
    )
    id: Mapped[str] = _id()
    owner: Mapped[str]
    role: Mapped[str]
    text_sha256: Mapped[str]
    name: Mapped[str]
    extraction_id: Mapped[str] = _to("extractions.id", index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


class File(Base):
    """A sighting: content seen under a name in a role, and what became of it."""

    __tablename__ = "files"
    __table_args__ = (
        UniqueConstraint("owner", "role", "sha256", "name"),
        _one_of("outcome", "document", "duplicate", "rejected"),
        CheckConstraint("(outcome = 'rejected') = (document_id IS NULL)", name="document_or_rejected"),
    )
    id: Mapped[str] = _id()
    owner: Mapped[str]
    role: Mapped[str]
    name: Mapped[str]
    sha256: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    outcome: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    document_id: Mapped[str | None] = _to("documents.id", index=True, nullable=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Parse(Base):
    """What one version of the parsers made of a document. Only the newest is not `superseded`."""

    __tablename__ = "parses"
    __table_args__ = (
        UniqueConstraint("document_id", "parser_version"),
        _one_of("outcome", "ok", "problem", "failed", "waiting"),
    )
    id: Mapped[str] = _id()
    document_id: Mapped[str] = _to("documents.id")
    parser_version: Mapped[str]
    outcome: Mapped[str]
    problems: Mapped[Any] = mapped_column(default=list)
    is_guide: Mapped[bool] = mapped_column(default=False)
    """Whether it has items: a guide, or a tidy table of answers."""
    title: Mapped[str] = mapped_column(default="")
    stated_total: Mapped[float | None]
    instructions: Mapped[str] = mapped_column(default="", server_default="")
    superseded: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Item(Base):
    """One question of a guide. Its id names its content, so a row is never changed: a newer parse
    that finds the same item takes it over (`parse_id`), and datasets keep what they were made of."""

    __tablename__ = "items"
    __table_args__ = (CheckConstraint("max_score > 0", name="max_score"),)
    id: Mapped[str] = _id()
    parse_id: Mapped[str] = _to("parses.id", index=True)
    document_id: Mapped[str] = _to("documents.id", index=True)
    position: Mapped[int]
    number: Mapped[str]
    question: Mapped[str]
    model_answer: Mapped[str]
    max_score: Mapped[float]
    criteria: Mapped[Any] = mapped_column(default=list)
    alternatives: Mapped[Any] = mapped_column(default=list)
    not_accepted: Mapped[Any] = mapped_column(default=list, server_default="[]")
    guidance: Mapped[str] = mapped_column(default="", server_default="")
    place: Mapped[str] = mapped_column(default="")
    page: Mapped[int | None]
    confidence: Mapped[float] = mapped_column(default=1.0, server_default="1")


class Submission(Base):
    """One student's paper in a document, and the guide it answers."""

    __tablename__ = "submissions"
    __table_args__ = (UniqueConstraint("document_id", "student"),)
    id: Mapped[str] = _id()
    parse_id: Mapped[str] = _to("parses.id", index=True)
    document_id: Mapped[str] = _to("documents.id")
    guide_id: Mapped[str] = _to("documents.id", index=True)
    student: Mapped[str]
    expected_total: Mapped[float | None]
    problems: Mapped[Any] = mapped_column(default=list)


class Answer(Base):
    """A student's text for an item. Its id names its content, as an item's does."""

    __tablename__ = "answers"
    __table_args__ = (
        UniqueConstraint("submission_id", "item_id", "parse_id"),
        CheckConstraint("alignment >= 0 AND alignment <= 1", name="alignment"),
    )
    id: Mapped[str] = _id()
    parse_id: Mapped[str] = _to("parses.id", index=True)
    submission_id: Mapped[str] = _to("submissions.id")
    item_id: Mapped[str] = _to("items.id", index=True)
    position: Mapped[int]
    text: Mapped[str]
    text_sha256: Mapped[str]
    gold: Mapped[float | None]
    second_gold: Mapped[float | None]
    place: Mapped[str] = mapped_column(default="")
    given_split: Mapped[str] = mapped_column(default="", server_default="")
    """The split that the table itself states, empty where it does not."""
    given_protocol: Mapped[str] = mapped_column(default="", server_default="")
    alignment: Mapped[float] = mapped_column(default=1.0, server_default="1")
    """How sure it is that the text answers this item: 1 where the paper itself says so."""
    doubt: Mapped[str] = mapped_column(default="", server_default="")
    """Why it is not to be trained on; empty where it is sure enough."""


class Quarantined(Base):
    """A row that failed a contract, once for each check it failed."""

    __tablename__ = "quarantine"
    __table_args__ = (UniqueConstraint("owner", "contract", "source", "row", "column", "check"),)
    id: Mapped[str] = _id()
    owner: Mapped[str]
    contract: Mapped[str]
    source: Mapped[str]
    row: Mapped[str]
    column: Mapped[str]
    check: Mapped[str]
    value: Mapped[str] = mapped_column(default="")
    document_id: Mapped[str | None] = _to("documents.id", index=True, nullable=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Dataset(Base):
    """Answers or pictures and their splits, named by the fingerprint of both.

    `n_items` counts what is asked (items of guides, classes of pictures), `n_answers` what is learnt from
    (answers, pictures). Answers are in `dataset_answers`; pictures in the store's table `rows_key`, their
    points in `image_tensors`.
    """

    __tablename__ = "datasets"
    __table_args__ = (UniqueConstraint("fingerprint"), Index(None, "owner", "name"))
    id: Mapped[str] = _id()
    owner: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    fingerprint: Mapped[str]
    protocol: Mapped[str]
    seed: Mapped[int]
    n_items: Mapped[int]
    n_answers: Mapped[int]
    facts: Mapped[Any] = mapped_column(default=dict)
    tensor_id: Mapped[str | None] = _to("image_tensors.id", index=True, nullable=True)
    rows_key: Mapped[str] = mapped_column(default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(default=now)


class DatasetAnswer(Base):
    __tablename__ = "dataset_answers"
    __table_args__ = (_one_of("split", "train", "validation", "test"),)
    dataset_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), ForeignKey("datasets.id"), primary_key=True)
    answer_id: Mapped[str] = mapped_column(
        Uuid(as_uuid=False), ForeignKey("answers.id"), primary_key=True, index=True
    )
    split: Mapped[str]
    protocol: Mapped[str] = mapped_column(default="")


class Job(Base):
    """A request to train: the row that links a Prefect flow run to an MLflow run."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("owner", "key"),
        Index(None, "owner", "created_at"),
        _one_of("state", "pending", "running", "finished", "failed", "cancelled"),
    )
    id: Mapped[str] = _id()
    owner: Mapped[str]
    key: Mapped[str]
    kind: Mapped[str]
    dataset_id: Mapped[str] = _to("datasets.id", index=True)
    requested_strategy: Mapped[str]
    strategy: Mapped[str] = mapped_column(default="")
    choice: Mapped[Any] = mapped_column(default=dict)
    """Why the other strategies were passed over: name → reason."""
    config: Mapped[Any] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(default="pending")
    flow_run_id: Mapped[str] = mapped_column(default="")
    mlflow_run_id: Mapped[str] = mapped_column(default="")
    model_name: Mapped[str] = mapped_column(default="")
    model_version: Mapped[str] = mapped_column(default="")
    checkpoint_key: Mapped[str] = mapped_column(default="")
    error: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class Iteration(Base):
    __tablename__ = "iterations"
    __table_args__ = (CheckConstraint("iteration >= 1", name="iteration"),)
    job_id: Mapped[str] = mapped_column(Uuid(as_uuid=False), ForeignKey("jobs.id"), primary_key=True)
    iteration: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    checkpoint_key: Mapped[str]
    metrics: Mapped[Any] = mapped_column(default=dict)
    seconds: Mapped[float]
    remedied: Mapped[bool] = mapped_column(default=False)
    """Whether a failure was answered with the strategy's remedy before it succeeded."""
    created_at: Mapped[datetime] = mapped_column(default=now)


class Evaluation(Base):
    """A job's model measured on a dataset by one version (`key`) of the measuring code."""

    __tablename__ = "evaluations"
    __table_args__ = (UniqueConstraint("job_id", "dataset_id", "key"),)
    id: Mapped[str] = _id()
    job_id: Mapped[str] = _to("jobs.id")
    dataset_id: Mapped[str] = _to("datasets.id", index=True)
    key: Mapped[str]
    metrics: Mapped[Any]
    artifacts: Mapped[Any] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)


class Report(Base):
    __tablename__ = "reports"
    __table_args__ = (UniqueConstraint("job_id", "key"),)
    id: Mapped[str] = _id()
    job_id: Mapped[str] = _to("jobs.id")
    key: Mapped[str]
    folder: Mapped[str]
    files: Mapped[Any] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)
