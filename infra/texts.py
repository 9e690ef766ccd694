"""Extracted texts and tables as bytes in the store: one object for a whole chunk of documents."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.documents.extraction import Extraction, Table
from infra.store import Store


@dataclass(frozen=True)
class TextRefs:
    """Where an extraction's text and tables are; `tables_ref` is "" where there are no tables."""

    text_ref: str
    tables_ref: str = ""


class HasTexts(Protocol):
    """A document of the catalog, as far as its bytes are concerned."""

    @property
    def text_ref(self) -> str: ...
    @property
    def tables_ref(self) -> str: ...


def put_extractions(store: Store, extractions: Sequence[Extraction]) -> list[TextRefs]:
    """Keeps the texts and tables of a chunk as one pack; their references in the same order."""
    contents: list[bytes] = []
    for extraction in extractions:
        contents.append(extraction.text.encode("utf-8", "replace"))
        if extraction.tables:
            contents.append(_table_bytes(extraction.tables))
    refs = iter(store.put_pack(contents))
    return [TextRefs(next(refs), next(refs) if extraction.tables else "") for extraction in extractions]


def get_text(store: Store, document: HasTexts) -> str:
    """The document's text as it was extracted."""
    return store.get_bytes(document.text_ref).decode()


def get_tables(store: Store, document: HasTexts) -> tuple[Table, ...]:
    """The document's tables; empty where it has none."""
    if not document.tables_ref:
        return ()
    entries = json.loads(store.get_bytes(document.tables_ref))
    return tuple(Table(tuple(tuple(row) for row in entry["rows"]), entry["page"]) for entry in entries)


def _table_bytes(tables: Sequence[Table]) -> bytes:
    described = [{"rows": table.rows, "page": table.page} for table in tables]
    return json.dumps(described, separators=(",", ":")).encode()
