"""DOCX in document order: paragraphs with their visible numbers, tables, text boxes.

The body is walked as XML rather than through `iter_inner_content()`, which gives the same order but
misses content controls, tracked insertions, text boxes and formulas. python-docx opens the package;
where it refuses (a broken relationship, an odd content type), the XML parts are read straight from
the ZIP. Deleted text, page headers and footnotes are left out, headers with a note.
"""

from __future__ import annotations

import io
import itertools
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from domain.documents.docx_numbering import Numbering, W
from domain.documents.extraction import Draft, Limits, Table
from domain.errors import InputError

_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_SKIPPED = frozenset(
    {
        f"{W}pPr",
        f"{W}rPr",
        f"{W}del",
        f"{W}moveFrom",
        f"{W}instrText",
        f"{W}txbxContent",
        f"{_MC}Fallback",
    }
)
_WRITTEN = {
    f"{W}tab": "\t",
    f"{W}br": "\n",
    f"{W}cr": "\n",
    f"{W}noBreakHyphen": "-",
}
_WRAPPERS = frozenset({f"{W}sdt", f"{W}sdtContent", f"{W}customXml", f"{W}ins", f"{W}moveTo", f"{W}smartTag"})
_MAX_SPAN = 64

# lxml is untyped; an element stays within this file and docx_numbering.py.
Element = Any


@dataclass(frozen=True)
class _Parts:
    body: Element
    numbering: Element | None
    styles: Element | None
    headers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    method: str = "python-docx"


def read(content: bytes, name: str, limits: Limits) -> Draft:
    """One paragraph or table row a line; cells are separated by " | "."""
    check_archive(content, name, limits)
    try:
        parts = _by_python_docx(content)
    # KeyError, ValueError, XMLSyntaxError, PackageNotFoundError: python-docx does not wrap what it meets.
    except Exception as error:
        parts = _by_zip(content, name, error)
    walk = _Walk(Numbering(parts.numbering, parts.styles), [])
    lines = list(walk.lines(parts.body))
    notes = parts.notes
    if parts.headers:
        notes += (f"page header left out: {' / '.join(parts.headers)[:200]}",)
    return Draft("\n".join(lines), parts.method, tuple(walk.tables), notes=notes)


def check_archive(content: bytes, name: str, limits: Limits) -> None:
    """Refuses, from the central directory alone, an archive that would unpack to something absurd.

    zipfile itself stops reading a member at the size that the directory declares.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
    # zipfile raises BadZipFile, but struct.error, ValueError and others on crafted directories too.
    except Exception as error:
        raise InputError(
            f"{name}: this DOCX is damaged or cut off ({error}): copy or download it again"
        ) from error
    refusal = None
    in_order = sorted(members, key=lambda member: member.header_offset)
    if any(
        one.header_offset + one.compress_size > following.header_offset
        for one, following in itertools.pairwise(in_order)
    ):
        refusal = "has parts that overlap"
    elif sum(member.file_size for member in members) > limits.max_unpacked_bytes:
        refusal = f"unpacks to {sum(member.file_size for member in members) / 1e6:,.0f} MB"
    elif any(m.filename.endswith(".xml") and m.file_size > limits.max_xml_bytes for m in members):
        refusal = f"has an XML part of {max(m.file_size for m in members) / 1e6:,.0f} MB"
    if refusal:
        raise InputError(f"{name}: this DOCX {refusal}: open it in Word and save it anew as DOCX or PDF")


def _by_python_docx(content: bytes) -> _Parts:
    import docx

    document = docx.Document(io.BytesIO(content))
    related: dict[str, list[Element]] = {}
    for relation in document.part.rels.values():
        if not relation.is_external:
            related.setdefault(relation.reltype.rsplit("/", 1)[-1], []).append(relation.target_part)
    headers = [_plain_text(root) for part in related.get("header", []) if (root := _root(part)) is not None]
    return _Parts(
        body=document.element.body,
        numbering=_root(*related.get("numbering", [])[:1]),
        styles=_root(*related.get("styles", [])[:1]),
        headers=tuple(dict.fromkeys(header for header in headers if header)),
    )


def _root(part: Any = None) -> Element | None:
    # Parts that python-docx has no class for hold bytes instead of a tree.
    element = getattr(part, "element", None)
    if element is None and part is not None:
        return _tree(part.blob)
    return element


def _tree(xml: bytes) -> Element:
    from lxml import etree  # type: ignore[import-untyped]

    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    return etree.fromstring(xml, parser)


def _by_zip(content: bytes, name: str, error: Exception) -> _Parts:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = set(archive.namelist())

            def tree(part: str) -> Element | None:
                return _tree(archive.read(part)) if part in members else None

            document = tree("word/document.xml")
            body = None if document is None else document.find(f"{W}body")
            numbering, styles = tree("word/numbering.xml"), tree("word/styles.xml")
    # BadZipFile, zlib.error, XMLSyntaxError, AttributeError: nothing of it is readable then.
    except Exception as second:
        raise InputError(
            f"{name}: this DOCX is damaged ({error}; {second}): open it in Word and save it anew"
        ) from second
    if body is None:
        raise InputError(f"{name}: this DOCX has no body: open it in Word and save it anew")
    note = f"python-docx failed ({type(error).__name__}: {str(error)[:100]}): read from the XML itself"
    return _Parts(body, numbering, styles, notes=(note,), method="docx-xml")


@dataclass(frozen=True)
class _Walk:
    """One pass through a body; `tables` fills up as lines are asked for."""

    numbering: Numbering
    tables: list[Table]

    def lines(self, container: Element) -> Iterator[str]:
        for block in container:
            if block.tag == f"{W}p":
                yield self._paragraph(block)
                for box in _text_boxes(block):
                    yield from self.lines(box)
            elif block.tag == f"{W}tbl":
                for row in self._table(block):
                    yield " | ".join(" ".join(cell.split()) for cell in row)
            elif block.tag in _WRAPPERS:
                yield from self.lines(block)

    def _paragraph(self, paragraph: Element) -> str:
        text = _plain_text(paragraph)
        number = self.numbering.label(paragraph) if text else ""
        return f"{number} {text}" if number else text

    def _table(self, table: Element) -> tuple[tuple[str, ...], ...]:
        place = len(self.tables)
        self.tables.append(Table(()))  # before the tables within its cells
        rows = (tuple(self._cells(row)) for row in _children(table, f"{W}tr"))
        kept = tuple(row for row in rows if any(cell.strip() for cell in row))
        self.tables[place] = Table(kept)
        return kept

    def _cells(self, row: Element) -> Iterator[str]:
        for cell in _children(row, f"{W}tc"):
            properties = cell.find(f"{W}tcPr")
            merge = None if properties is None else properties.find(f"{W}vMerge")
            continues = merge is not None and merge.get(f"{W}val", "continue") == "continue"
            text = "\n".join(line for line in self._cell_lines(cell) if line.strip())
            yield "" if continues else text
            yield from [""] * (_span(properties) - 1)

    def _cell_lines(self, cell: Element) -> Iterator[str]:
        for block in cell:
            if block.tag == f"{W}tbl":
                # A bar within a cell would look like a further cell of the outer row.
                for row in self._table(block):
                    yield " ".join(part for part in row if part)
            elif block.tag == f"{W}p":
                yield self._paragraph(block)
                for box in _text_boxes(block):
                    yield from self.lines(box)
            elif block.tag in _WRAPPERS:
                yield from self._cell_lines(block)


def _children(parent: Element, tag: str) -> Iterator[Element]:
    for child in parent:
        if child.tag == tag:
            yield child
        elif child.tag in _WRAPPERS:
            yield from _children(child, tag)


def _span(properties: Element | None) -> int:
    span = None if properties is None else properties.find(f"{W}gridSpan")
    written = "1" if span is None else span.get(f"{W}val", "1")
    return max(1, min(int(written), _MAX_SPAN)) if written.isdecimal() else 1


def _plain_text(root: Element) -> str:
    """What is printed of the runs below `root`, without deleted text and text boxes."""
    parts: list[str] = []
    stack = list(reversed(root))
    while stack:
        element = stack.pop()
        if element.tag in _SKIPPED:
            continue
        if element.tag == f"{W}t" or element.tag == f"{_M}t":
            parts.append(element.text or "")
        elif element.tag in _WRITTEN:
            parts.append(_WRITTEN[element.tag])
        else:
            stack.extend(reversed(element))
    return "".join(parts).strip()


def _text_boxes(paragraph: Element) -> Iterator[Element]:
    for box in paragraph.iter(f"{W}txbxContent"):
        # A drawing is written twice: for new programs, and as fallback for old ones.
        if not any(above.tag in (f"{_MC}Fallback", f"{W}txbxContent") for above in box.iterancestors()):
            yield box
