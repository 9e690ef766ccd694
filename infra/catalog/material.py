"""Files and documents: what was seen, what it says, and which of them are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import pandas as pd
from sqlalchemy import Connection, select

from domain.documents.extraction import Extraction
from domain.identity import hash_text
from domain.kinds import Role
from infra.catalog import tables
from infra.catalog.connection import Catalog
from infra.catalog.types import scrub
from infra.catalog.writing import Query, rows_where
from infra.texts import TextRefs


@dataclass(frozen=True)
class FoundFile:
    """A file as it was found; `name` is its path relative to the folder that was given."""

    name: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class ReadFile:
    """What extraction won from a file's content. `signature` is the text's MinHash, b"" if none."""

    file_sha256: str
    text_sha256: str
    text_ref: str
    tables_ref: str
    media_type: str
    method: str
    seconds: float
    quality: float
    language: str
    n_chars: int
    n_pages: int | None = None
    notes: tuple[str, ...] = ()
    signature: bytes = b""

    @staticmethod
    def of(
        file_sha256: str,
        extraction: Extraction,
        refs: TextRefs,
        signature: bytes = b"",
        text_sha256: str | None = None,
    ) -> ReadFile:
        """`text_sha256` is `hash_text` of the extraction's text, made here where it is not known yet."""
        return ReadFile(
            file_sha256=file_sha256,
            text_sha256=text_sha256 or hash_text(extraction.text),
            text_ref=refs.text_ref,
            tables_ref=refs.tables_ref,
            media_type=extraction.media_type,
            method=extraction.method,
            seconds=extraction.seconds,
            quality=extraction.quality,
            language=extraction.language,
            n_chars=len(extraction.text),
            n_pages=extraction.n_pages,
            notes=extraction.notes,
            signature=signature,
        )


@dataclass(frozen=True)
class RefusedFile:
    """A file's content that cannot be read, and why; remembered for this version of the extractors."""

    file_sha256: str
    reason: str


class Outcome(StrEnum):
    DOCUMENT = "document"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


@dataclass(frozen=True)
class FileOutcome:
    """What became of a file. `equals` names the document that a duplicate equals.

    `known` is True where this very sighting had been recorded before.
    """

    name: str
    sha256: str
    outcome: Outcome
    document_id: str | None
    equals: str
    reason: str
    known: bool


@dataclass(frozen=True)
class Document:
    """A text in a role. Its bytes are in the store under `text_ref` (and `tables_ref`, if any)."""

    id: str
    owner: str
    role: Role
    name: str
    file_sha256: str
    text_sha256: str
    text_ref: str
    tables_ref: str
    media_type: str
    method: str
    seconds: float
    language: str
    quality: float
    n_chars: int
    n_pages: int | None
    created_at: datetime
    notes: tuple[str, ...] = field(default=())


def known_extractions(catalog: Catalog, extractor_version: str, sha256s: Sequence[str]) -> frozenset[str]:
    """Those file hashes that were read, or refused, at this version: no need to extract them again."""
    query = select(tables.Extraction.file_sha256).where(
        tables.Extraction.extractor_version == extractor_version
    )
    with catalog.reading() as connection:
        return frozenset(
            row[0] for row in rows_where(connection, query, tables.Extraction.file_sha256, sha256s)
        )


def known_files(
    catalog: Catalog, owner: str, role: Role, extractor_version: str, files: Sequence[FoundFile]
) -> dict[tuple[str, str], FileOutcome]:
    """Outcomes by (name, sha256) of the files that were recorded before, at this extractor version.

    Nothing is left to do for them; files that are not in the result are new here.
    """
    wanted = {(scrub(file.name), file.sha256): (file.name, file.sha256) for file in files}
    with catalog.reading() as connection:
        found = sightings(connection, owner, role, extractor_version, [file.sha256 for file in files])
    return {wanted[key]: outcome for key, outcome in found.items() if key in wanted}


def sightings(
    connection: Connection, owner: str, role: Role, extractor_version: str, sha256s: Sequence[str]
) -> dict[tuple[str, str], FileOutcome]:
    """Recorded outcomes of those contents, by (name, sha256)."""
    file, extraction, document = tables.File, tables.Extraction, tables.Document
    query = (
        select(file.name, file.sha256, file.outcome, file.document_id, file.reason, document.name)
        .join(extraction, extraction.file_sha256 == file.sha256)
        .outerjoin(document, document.id == file.document_id)
        .where(file.owner == owner, file.role == role, extraction.extractor_version == extractor_version)
    )
    return {
        (name, sha256): FileOutcome(
            name,
            sha256,
            Outcome(outcome),
            document_id,
            equals if outcome == Outcome.DUPLICATE else "",
            reason,
            known=True,
        )
        for name, sha256, outcome, document_id, reason, equals in rows_where(
            connection, query, file.sha256, sha256s
        )
    }


def document_query() -> Query:
    """Columns of `Document` in its order, joined from documents and their extractions."""
    d, e = tables.Document, tables.Extraction
    return select(
        d.id, d.owner, d.role, d.name, e.file_sha256, d.text_sha256, e.text_ref, e.tables_ref, e.media_type,
        e.method, e.seconds, e.language, e.quality, e.n_chars, e.n_pages, d.created_at, e.notes,
    ).join(e, e.id == d.extraction_id)  # fmt: skip


def to_document(row: object) -> Document:
    """A row of `document_query` as a record."""
    values = dict(row._mapping)  # type: ignore[attr-defined]
    return Document(**{**values, "role": Role(values["role"]), "notes": tuple(values["notes"])})


def documents(catalog: Catalog, owner: str, role: Role, ids: Sequence[str] | None = None) -> list[Document]:
    """The owner's documents in a role, by name; of `ids` only, unless that is None."""
    d = tables.Document
    query = document_query().where(d.owner == owner, d.role == role)
    with catalog.reading() as connection:
        found = [to_document(row) for row in rows_where(connection, query, d.id, ids)]
    return sorted(found, key=lambda document: (document.name, document.id))


def files(catalog: Catalog, owner: str, role: Role | None = None) -> pd.DataFrame:
    """Every sighting: role, name, sha256, size_bytes, outcome, reason, document_id, equals."""
    f, d = tables.File, tables.Document
    query = (
        select(
            f.role, f.name, f.sha256, f.size_bytes, f.outcome, f.reason, f.document_id, d.name.label("equals")
        )
        .outerjoin(d, d.id == f.document_id)
        .where(f.owner == owner)
        .order_by(f.role, f.name)
    )
    if role is not None:
        query = query.where(f.role == role)
    with catalog.reading() as connection:
        result = connection.execute(query)
        frame = pd.DataFrame(result.fetchall(), columns=list(result.keys()))
    frame["equals"] = frame["equals"].where(frame["outcome"] == Outcome.DUPLICATE, "")
    return frame


def signatures(catalog: Catalog, owner: str, role: Role) -> dict[str, bytes]:
    """MinHash of each document that has one, by the document's id."""
    d, e = tables.Document, tables.Extraction
    query = select(d.id, e.signature).join(e, e.id == d.extraction_id)
    query = query.where(d.owner == owner, d.role == role, e.signature != b"")
    with catalog.reading() as connection:
        return dict(connection.execute(query.order_by(d.name, d.id)).tuples().all())
