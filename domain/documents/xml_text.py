"""XML that holds questions (Moodle, QTI): kept as it is for the parser of its format.

No entity is resolved here or later; a document that declares any is refused, as no exporter writes one.
"""

from __future__ import annotations

import io
import re
import zipfile

from domain.documents.docx import check_archive
from domain.documents.extraction import Draft, Limits
from domain.documents.plain_text import decode
from domain.errors import InputError

_ENTITY = re.compile(r"<!(?:ENTITY|DOCTYPE[^>]{0,500}\[)", re.IGNORECASE)
_PROLOGUE = re.compile(r"^\s*(?:<\?xml[^>]{0,500}\?>)?\s*", re.IGNORECASE)
_ITEM = re.compile(r"<(?:\w{1,20}:)?(?:qti-assessment-item|assessmentItem)\b")
_HREF = re.compile(r"href\s*=\s*[\"']([^\"'<>]{1,400}\.xml)[\"']", re.IGNORECASE)
_MOST_ITEMS = 2000


def read(content: bytes, name: str, limits: Limits) -> Draft:
    """The document's text."""
    if len(content) > limits.max_xml_bytes:
        raise InputError(
            f"{name}: larger than the {limits.max_xml_bytes / 1e6:g} MB allowed: export fewer questions"
        )
    decoded = decode(content)
    return Draft(_checked(decoded.text, name), "xml", notes=decoded.notes)


def read_package(content: bytes, name: str, limits: Limits) -> Draft:
    """The items of a QTI content package in one document, in the order of its manifest."""
    check_archive(content, name, limits)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        manifest = decode(archive.read("imsmanifest.xml")).text
        members = set(archive.namelist())
        order = list(dict.fromkeys(_HREF.findall(manifest)))
        rest = sorted(n for n in members if n.endswith(".xml") and n not in order and n != "imsmanifest.xml")
        items: list[str] = []
        for member in [n for n in (*order, *rest) if n in members][:_MOST_ITEMS]:
            text = _checked(decode(archive.read(member)).text, f"{name}: {member}")
            if _ITEM.search(text[:5000]):
                items.append(_PROLOGUE.sub("", text))
    if not items:
        raise InputError(f"{name}: this QTI package holds no items: export it again with its questions")
    return Draft("<package>\n" + "\n".join(items) + "\n</package>", "qti-package")


def _checked(text: str, name: str) -> str:
    if _ENTITY.search(text[:20_000]):
        raise InputError(
            f"{name}: this XML declares entities, which are not resolved: export it without them"
        )
    return text
