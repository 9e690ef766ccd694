"""Any file to text: identify by content, read by format, clean, judge.

To add a format: write `domain/documents/<format>.py` with a `read(content, name, limits) -> Draft`,
and name it in `media_types.py` and in `_reader` below.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from domain.documents.extraction import Draft, Extraction, Limits, Table
from domain.documents.language import language_of
from domain.documents.media_types import MediaType, identify
from domain.documents.quality import quality_of
from domain.documents.symbol_fonts import mapped
from domain.errors import InputError, TrainyardError

Reader = Callable[[bytes, str, Limits], Draft]

_STRUCTURED = (MediaType.CSV, MediaType.JSON, MediaType.JSONL, MediaType.YAML)
# What PostgreSQL (NUL), UTF-8 (surrogates) or a terminal (controls) cannot take, and what nobody sees
# (soft hyphen, zero-width space, byte order mark). Page breaks stay.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u200b\u2060\ufeff\ufffe\uffff\ud800-\udfff]"
)


def extract(path: Path, limits: Limits = Limits()) -> Extraction:  # noqa: B008  # frozen
    """The text of a file, whatever its format.

    A plain function of file and limits with a JSON-able result, so that it can run in a walled child.
    Raises InputError (which names the file and the remedy) and nothing else for whatever a file holds.
    """
    started = time.perf_counter()
    name = str(path)
    content = _content(path, limits)
    identified = identify(content, name)
    raw = _read(identified.media_type, content, name, limits)
    draft = _cleaned(raw)
    _check_text(draft.text, identified.media_type, name, limits)
    notes = draft.notes if identified.note is None else (identified.note, *draft.notes)
    return Extraction(
        text=draft.text,
        method=draft.method,
        media_type=str(identified.media_type),
        quality=quality_of(raw.text),
        language=language_of(draft.text),
        tables=draft.tables,
        n_pages=draft.n_pages,
        notes=notes,
        seconds=time.perf_counter() - started,
    )


def _content(path: Path, limits: Limits) -> bytes:
    try:
        with path.open("rb") as file:
            # One more than allowed, so that a file that grows, or a pipe, cannot fill the memory.
            content = file.read(limits.max_bytes + 1)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file: check the path") from error
    except IsADirectoryError as error:
        raise InputError(f"{path}: this is a folder, not a document: name the files in it") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be opened ({error.strerror}): check its permissions") from error
    if not content:
        raise InputError(f"{path}: the file is empty (0 bytes): check that it was saved or copied whole")
    if len(content) > limits.max_bytes:
        raise InputError(
            f"{path}: larger than the {limits.max_bytes / 1e6:g} MB allowed: "
            "split it, compress its pictures, or raise the limit"
        )
    return content


def _read(media_type: MediaType, content: bytes, name: str, limits: Limits) -> Draft:
    try:
        return _reader(media_type)(content, name, limits)
    except TrainyardError:
        raise
    # Parsers of foreign formats raise anything, RecursionError and MemoryError included.
    except Exception as error:
        raise InputError(
            f"{name}: cannot be read as {media_type.label} ({type(error).__name__}: {str(error)[:200]}): "
            "open it in the program that made it and save it anew"
        ) from error


def _reader(media_type: MediaType) -> Reader:
    """The format's reader; its libraries are imported when the first such file is met."""
    from domain.documents import (
        docx,
        html,
        markdown,
        pdf,
        pictures,
        plain_text,
        rtf,
        structured,
        xlsx,
        xml_text,
    )

    readers: dict[MediaType, Reader] = {
        MediaType.PDF: pdf.read,
        MediaType.DOCX: docx.read,
        MediaType.RTF: rtf.read,
        MediaType.HTML: html.read,
        MediaType.TEXT: plain_text.read,
        MediaType.MARKDOWN: markdown.read,
        MediaType.CSV: structured.read_csv,
        MediaType.JSON: structured.read_json,
        MediaType.JSONL: structured.read_json_lines,
        MediaType.YAML: structured.read_yaml,
        MediaType.XLSX: xlsx.read,
        MediaType.XML: xml_text.read,
        MediaType.QTI_PACKAGE: xml_text.read_package,
        MediaType.PNG: pictures.read,
        MediaType.JPEG: pictures.read,
        MediaType.TIFF: pictures.read,
    }
    return readers[media_type]


def _cleaned(draft: Draft) -> Draft:
    return replace(
        draft,
        text=clean(draft.text),
        tables=tuple(
            Table(tuple(tuple(clean(cell) for cell in row) for row in table.rows), table.page)
            for table in draft.tables
        ),
    )


def clean(text: str) -> str:
    """Unix line ends, real symbols, and nothing that no store or terminal can take."""
    return _UNPRINTABLE.sub("", mapped(text.replace("\r\n", "\n").replace("\r", "\n")))


def _check_text(text: str, media_type: MediaType, name: str, limits: Limits) -> None:
    if not text or text.isspace():
        raise InputError(
            f"{name}: this {media_type.label} holds no text: check that the right file was given"
        )
    if len(text) > limits.max_chars and media_type not in _STRUCTURED:
        raise InputError(
            f"{name}: more than the {limits.max_chars:,} characters allowed: split it, or raise the limit"
        )
