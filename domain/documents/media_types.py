"""What a file is, decided by its bytes; its name only settles what bytes cannot.

Signatures come first (PDF, ZIP, RTF, images, ...), then whether it is text at all, then which kind
of text. A name that promises something else than the bytes keep is noted, never believed.
"""

from __future__ import annotations

import codecs
import io
import re
import zipfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath

from domain.errors import InputError


class MediaType(StrEnum):
    PDF = "application/pdf"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    RTF = "application/rtf"
    HTML = "text/html"
    TEXT = "text/plain"
    MARKDOWN = "text/markdown"
    CSV = "text/csv"
    JSON = "application/json"
    JSONL = "application/jsonl"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    XML = "application/xml"
    YAML = "application/yaml"
    PNG = "image/png"
    JPEG = "image/jpeg"
    TIFF = "image/tiff"
    QTI_PACKAGE = "application/vnd.ims.imsccv1p1"

    @property
    def label(self) -> str:
        """The name that people know it by."""
        return _LABELS[self]


_LABELS = {
    MediaType.PDF: "PDF",
    MediaType.DOCX: "DOCX",
    MediaType.RTF: "RTF",
    MediaType.HTML: "HTML",
    MediaType.TEXT: "plain text",
    MediaType.MARKDOWN: "Markdown",
    MediaType.CSV: "CSV",
    MediaType.JSON: "JSON",
    MediaType.JSONL: "JSON lines",
    MediaType.XLSX: "Excel workbook",
    MediaType.XML: "XML",
    MediaType.YAML: "YAML",
    MediaType.QTI_PACKAGE: "QTI package",
    MediaType.PNG: "PNG picture",
    MediaType.JPEG: "JPEG picture",
    MediaType.TIFF: "TIFF picture",
}
_BY_SUFFIX = {
    ".pdf": MediaType.PDF,
    ".docx": MediaType.DOCX,
    ".rtf": MediaType.RTF,
    ".html": MediaType.HTML,
    ".htm": MediaType.HTML,
    ".xhtml": MediaType.HTML,
    ".txt": MediaType.TEXT,
    ".text": MediaType.TEXT,
    ".md": MediaType.MARKDOWN,
    ".markdown": MediaType.MARKDOWN,
    ".csv": MediaType.CSV,
    ".tsv": MediaType.CSV,
    ".json": MediaType.JSON,
    ".jsonl": MediaType.JSONL,
    ".ndjson": MediaType.JSONL,
    ".ipynb": MediaType.JSON,
    ".gift": MediaType.TEXT,
    ".xlsx": MediaType.XLSX,
    ".xml": MediaType.XML,
    ".qti": MediaType.XML,
    ".yaml": MediaType.YAML,
    ".yml": MediaType.YAML,
    ".zip": MediaType.QTI_PACKAGE,
    ".png": MediaType.PNG,
    ".jpg": MediaType.JPEG,
    ".jpeg": MediaType.JPEG,
    ".tif": MediaType.TIFF,
    ".tiff": MediaType.TIFF,
}
KNOWN_SUFFIXES = frozenset(_BY_SUFFIX)
"""Names with these endings are worth trying; `identify` decides what they really are."""

READABLE = "PDF, DOCX, XLSX, RTF, HTML, TXT, MD, CSV, JSON, YAML, XML, PNG, JPEG or TIFF"
_IMAGE = "run OCR on it and save the result as a searchable PDF or as text"
_SAVE = f"save it as {READABLE}"
# (bytes at the start, what it is, what to do about it)
_FOREIGN = (
    (b"GIF87a", "a GIF image", _IMAGE),
    (b"GIF89a", "a GIF image", _IMAGE),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),
    (b"Rar!\x1a\x07", "a RAR archive", "unpack it first"),
    (b"\xfd7zXZ\x00", "an xz archive", "unpack it first"),
    (b"SQLite format 3\x00", "an SQLite database", "export the table as CSV"),
    (b"%!PS", "a PostScript file", "save it as PDF"),
    (b"\x7fELF", "a program", _SAVE),
    (b"MZ\x90\x00", "a program", _SAVE),
)
_PICTURES = (
    (b"\x89PNG\r\n\x1a\n", MediaType.PNG),
    (b"\xff\xd8\xff", MediaType.JPEG),
    (b"II*\x00", MediaType.TIFF),
    (b"MM\x00*", MediaType.TIFF),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_HTML_START = re.compile(
    rb"(?:<\?xml[^>]{0,200}>)?\s*(?:<!--.{0,2000}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
_XML_START = re.compile(rb"<\?xml\b|<(?:quiz|(?:qti-)?assessment-?(?:item|test))\b", re.I)
_HEAD_BYTES = 8192
_MAX_ZIP_ENTRIES = 5000


@dataclass(frozen=True)
class Identified:
    """`note` says so where the file's name promised something else."""

    media_type: MediaType
    note: str | None = None


def identify(content: bytes, name: str) -> Identified:
    """The content's type. Raises InputError that says what it is instead, and the remedy."""
    promised = _BY_SUFFIX.get(PurePath(name).suffix.lower())
    found = _by_signature(content, name, promised) or _kind_of_text(content, name, promised)
    if promised is None or found is promised:
        return Identified(found)
    return Identified(found, f"named {PurePath(name).suffix} but holds {found.label}: read as that")


def _by_signature(content: bytes, name: str, promised: MediaType | None) -> MediaType | None:
    # Readers accept a PDF whose header follows up to 1024 bytes of something else, and so do we.
    start = content.find(b"%PDF-", 0, 1024 + 5)
    if start == 0 or (start > 0 and (promised is MediaType.PDF or b"\x00" in content[:_HEAD_BYTES])):
        return MediaType.PDF
    if content.startswith(_ZIP):
        return _kind_of_zip(content, name, promised)
    if content.startswith(_OLE):
        raise _ole_error(content, name)
    for signature, picture in _PICTURES:
        if content.startswith(signature):
            return picture
    for signature, what, remedy in _FOREIGN:
        if content.startswith(signature):
            raise InputError(f"{name}: this is {what}, not a document: {remedy}")
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        raise InputError(f"{name}: this is a WebP image, not a document: {_IMAGE}")
    if content[:64].removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"{\\rtf"):
        return MediaType.RTF
    return None


def _kind_of_zip(content: bytes, name: str, promised: MediaType | None) -> MediaType:
    # zipfile builds 0.5 KB for each entry of the directory, before anyone can ask how many there are.
    if content.count(b"PK\x01\x02") > _MAX_ZIP_ENTRIES:
        raise InputError(f"{name}: this ZIP archive has over {_MAX_ZIP_ENTRIES} parts: unpack it first")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = set(archive.namelist())
            locked = any(part.flag_bits & 1 for part in archive.infolist())
    # zipfile raises BadZipFile, but struct.error, ValueError and others on crafted directories too.
    except Exception as error:
        what = "DOCX" if promised is MediaType.DOCX else "ZIP archive"
        raise InputError(
            f"{name}: this {what} is damaged or cut off ({error}): copy or download it again, "
            "or open it in Word and save it anew"
        ) from error
    if locked:
        raise InputError(
            f"{name}: this file is encrypted, a password is needed: save a copy without a password"
        )
    if "word/document.xml" in members or "word/document2.xml" in members:
        return MediaType.DOCX
    if "xl/workbook.xml" in members:
        return MediaType.XLSX
    if "imsmanifest.xml" in members:
        return MediaType.QTI_PACKAGE
    if "ppt/presentation.xml" in members:
        raise InputError(f"{name}: this is a PowerPoint presentation: save it as PDF")
    if "content.xml" in members and "mimetype" in members:
        raise InputError(f"{name}: this is an OpenDocument file: save it as DOCX or PDF")
    raise InputError(f"{name}: this is a ZIP archive without a document in it: unpack it first")


def _ole_error(content: bytes, name: str) -> InputError:
    if _ENCRYPTED_PACKAGE in content:
        return InputError(
            f"{name}: this Office document is encrypted, a password is needed: save a copy without a password"
        )
    return InputError(f"{name}: this is an old Office file (such as .doc): save it as DOCX or PDF")


def _kind_of_text(content: bytes, name: str, promised: MediaType | None) -> MediaType:
    if not looks_like_text(content):
        what = f"not {promised.label}" if promised else "not a known kind of document"
        raise InputError(f"{name}: this is binary data, {what}: {_SAVE}")
    if _HTML_START.match(content[:_HEAD_BYTES].removeprefix(codecs.BOM_UTF8).lstrip()):
        return MediaType.HTML
    if _XML_START.match(content[:_HEAD_BYTES].removeprefix(codecs.BOM_UTF8).lstrip()):
        return MediaType.XML
    if promised in (MediaType.JSON, MediaType.JSONL, MediaType.YAML):
        return promised
    guessed = _guess_structure(content)
    # JSON is JSON whatever its name; Markdown and CSV are known by their names alone.
    named = promised in (MediaType.MARKDOWN, MediaType.CSV, MediaType.HTML) and guessed is MediaType.TEXT
    return promised if named and promised else guessed


def _guess_structure(content: bytes) -> MediaType:
    from domain.documents.structured import is_json, is_json_lines

    first, last = content[:64].removeprefix(codecs.BOM_UTF8).lstrip()[:1], content[-64:].rstrip()[-1:]
    if (first, last) in ((b"{", b"}"), (b"[", b"]")):
        if is_json(content):
            return MediaType.JSON
        if is_json_lines(content):
            return MediaType.JSONL
    return MediaType.TEXT


def looks_like_text(content: bytes) -> bool:
    """Whether the first 8 KB could be text in some charset: hardly any control bytes.

    UTF-16 and UTF-32 are known by their mark, or by NULs on one side of each pair only.
    """
    head = content[:_HEAD_BYTES]
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return True
    if unmarked_utf16(head):
        return True
    return len(head.translate(None, delete=_NOT_CONTROL)) <= len(head) // 200


_CONTROL = bytes(b for b in range(32) if b not in b"\t\n\r\f\v\x1b\x1a") + b"\x7f"
_NOT_CONTROL = bytes(b for b in range(256) if b not in _CONTROL)


def unmarked_utf16(content: bytes) -> str | None:
    """ "utf-16-le" or "utf-16-be" where the NULs of Western text betray it, else None."""
    head = content[: _HEAD_BYTES & ~1]
    if len(content) % 2 or len(head) < 4:
        return None
    even, odd = head[0::2].count(0), head[1::2].count(0)
    half = len(head) // 2
    if odd > 0.7 * half and even < 0.02 * half:
        return "utf-16-le"
    if even > 0.7 * half and odd < 0.02 * half:
        return "utf-16-be"
    return None
