"""Recording files: each text becomes one document, however many files and flows bring it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select, update

from domain.errors import InputError
from domain.kinds import Role
from infra.catalog import tables
from infra.catalog.connection import Catalog
from infra.catalog.material import FileOutcome, FoundFile, Outcome, ReadFile, RefusedFile, sightings
from infra.catalog.types import named, now, scrub
from infra.catalog.writing import Row, add_missing, add_or_change, rows_where


def record_files(
    catalog: Catalog,
    owner: str,
    role: Role,
    extractor_version: str,
    files: Sequence[FoundFile],
    read: Sequence[ReadFile] = (),
    refused: Sequence[RefusedFile] = (),
) -> list[FileOutcome]:
    """Keeps what became of `files`, in their order, in one transaction; each text becomes one document.

    `read` and `refused` are new results of extraction; a file in neither must have one in the catalog
    (`known_extractions`), else InputError. Where two flows bring the same text, the database decides
    which file is the document and both are told the same.
    """
    with catalog.writing() as connection:
        add_missing(
            connection,
            tables.Extraction,
            [_read_row(extractor_version, r) for r in read]
            + [_refused_row(extractor_version, r) for r in refused],
        )
        sha256s = [file.sha256 for file in files]
        extractions = _extractions(connection, extractor_version, sha256s)
        missing = [file.name for file in files if file.sha256 not in extractions]
        if missing:
            raise InputError(
                f"{missing[0]} has not been extracted by version {extractor_version} of the extractors: "
                "extract it, then record it"
            )
        documents = _add_documents(connection, owner, role, files, extractions)
        known = sightings(connection, owner, role, extractor_version, sha256s)
        outcomes = [
            _outcome(file, extractions[file.sha256], documents, (scrub(file.name), file.sha256) in known)
            for file in files
        ]
        rows = [_file_row(owner, role, file, outcome) for file, outcome in zip(files, outcomes, strict=True)]
        add_or_change(connection, tables.File, rows, change=("outcome", "reason", "document_id"))
        return outcomes


@dataclass(frozen=True)
class _Known:
    id: str
    text_sha256: str | None
    error: str


@dataclass(frozen=True)
class _Winner:
    """The file that is a document."""

    document_id: str
    name: str
    file_sha256: str


def _extractions(connection: Connection, extractor_version: str, sha256s: Sequence[str]) -> dict[str, _Known]:
    e = tables.Extraction
    query = select(e.file_sha256, e.id, e.text_sha256, e.error).where(
        e.extractor_version == extractor_version
    )
    return {row[0]: _Known(*row[1:]) for row in rows_where(connection, query, e.file_sha256, sha256s)}


def _add_documents(
    connection: Connection,
    owner: str,
    role: Role,
    files: Sequence[FoundFile],
    extractions: dict[str, _Known],
) -> dict[str, _Winner]:
    """The document of each text, by the text's hash, after adding those that are missing."""
    rows: dict[str, Row] = {}
    for file in files:
        text_sha256 = extractions[file.sha256].text_sha256
        if text_sha256 is not None and text_sha256 not in rows:
            rows[text_sha256] = {
                "id": named("document", owner, role, text_sha256),
                "owner": owner,
                "role": role,
                "text_sha256": text_sha256,
                "name": file.name,
                "extraction_id": extractions[file.sha256].id,
                "created_at": now(),
            }
    add_missing(connection, tables.Document, list(rows.values()))
    d, e = tables.Document, tables.Extraction
    query = select(d.text_sha256, d.id, d.name, e.file_sha256, d.extraction_id).join(
        e, e.id == d.extraction_id
    )
    ids = [row["id"] for row in rows.values()]
    found = list(rows_where(connection, query, d.id, ids))
    # The same file read by newer extractors: their tables and quality count from now on.
    newer = [
        {"document": row.id, "newer": extractions[row.file_sha256].id}
        for row in found
        if row.file_sha256 in extractions and extractions[row.file_sha256].id != row.extraction_id
    ]
    if newer:
        change = update(d).where(d.id == bindparam("document")).values(extraction_id=bindparam("newer"))
        connection.execute(change, sorted(newer, key=lambda row: row["document"]))
    return {row.text_sha256: _Winner(row.id, row.name, row.file_sha256) for row in found}


def _outcome(file: FoundFile, extraction: _Known, documents: dict[str, _Winner], known: bool) -> FileOutcome:
    if extraction.text_sha256 is None:
        return FileOutcome(file.name, file.sha256, Outcome.REJECTED, None, "", extraction.error, known)
    winner = documents[extraction.text_sha256]
    if (winner.name, winner.file_sha256) == (scrub(file.name), file.sha256):
        return FileOutcome(file.name, file.sha256, Outcome.DOCUMENT, winner.document_id, "", "", known)
    reason = "same file" if winner.file_sha256 == file.sha256 else "same text"
    return FileOutcome(
        file.name, file.sha256, Outcome.DUPLICATE, winner.document_id, winner.name, reason, known
    )


def _file_row(owner: str, role: Role, file: FoundFile, outcome: FileOutcome) -> Row:
    return {
        "id": named("file", owner, role, file.sha256, file.name),
        "owner": owner,
        "role": role,
        "name": file.name,
        "sha256": file.sha256,
        "size_bytes": file.size_bytes,
        "outcome": outcome.outcome,
        "reason": outcome.reason,
        "document_id": outcome.document_id,
        "created_at": now(),
    }


def _read_row(extractor_version: str, read: ReadFile) -> Row:
    return {
        "id": named("extraction", read.file_sha256, extractor_version),
        "extractor_version": extractor_version,
        "error": "",
        "created_at": now(),
        **{name: getattr(read, name) for name in ReadFile.__dataclass_fields__},
    }


def _refused_row(extractor_version: str, refused: RefusedFile) -> Row:
    blank = ReadFile(refused.file_sha256, "", "", "", "", "", 0.0, 0.0, "und", 0)
    reason = refused.reason or "refused"
    return {**_read_row(extractor_version, blank), "text_sha256": None, "error": reason}
