"""What Trainyard knows: files, documents, items, answers, datasets, jobs and their results.

Functions take a `Catalog`, give frozen records or frames, and may all be repeated: a second call with
the same content changes nothing.
"""

from infra.catalog.connection import Catalog
from infra.catalog.material import (
    Document,
    FileOutcome,
    FoundFile,
    Outcome,
    ReadFile,
    RefusedFile,
    documents,
    files,
    known_extractions,
    known_files,
    signatures,
)
from infra.catalog.parses import (
    ParsedGuide,
    ParsedSubmission,
    ParsedTable,
    ParseOutcome,
    TableAnswer,
    Unparsed,
    pending_parses,
    save_guides,
    save_submissions,
    save_table,
    save_unparsed,
)
from infra.catalog.recording import record_files
from infra.catalog.upgrading import Upgraded, upgrade

__all__ = [
    "Catalog",
    "Document",
    "FileOutcome",
    "FoundFile",
    "Outcome",
    "ParseOutcome",
    "ParsedGuide",
    "ParsedSubmission",
    "ParsedTable",
    "ReadFile",
    "RefusedFile",
    "TableAnswer",
    "Unparsed",
    "Upgraded",
    "documents",
    "files",
    "known_extractions",
    "known_files",
    "pending_parses",
    "record_files",
    "save_guides",
    "save_submissions",
    "save_table",
    "save_unparsed",
    "signatures",
    "upgrade",
]
