"""HTML by selectolax (lexbor): what a browser would show, one block a line.

Never html.parser, which hangs on 2 MB of "<!--" before Python 3.11.14. The tree is walked with a
loop, so that nesting a million deep costs no stack.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from typing import Any

from domain.documents.docx_numbering import BULLET
from domain.documents.extraction import Draft, Limits, Table
from domain.documents.plain_text import decode
from domain.errors import InputError

_DROPPED = frozenset(
    {"script", "style", "template", "noscript", "head", "iframe", "object", "embed", "svg", "canvas"}
    | {"audio", "video", "map", "select", "datalist"}
)
_BLOCKS = frozenset(
    {"html", "body", "address", "article", "aside", "blockquote", "center", "details", "dialog", "div"}
    | {"fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header"}
    | {"hr", "main", "nav", "p", "pre", "section", "summary", "ol", "ul", "li", "dl", "dt", "dd"}
    | {"table", "caption", "tr", "td", "th"}
)
_BLANKS = re.compile(r"[ \t\n\r\f]+")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
_CHARSET = re.compile(rb"<meta[^>]{1,200}?charset\s*=\s*[\"']?\s*([a-z0-9_\-:]{2,40})", re.I)
_MAX_COLUMNS, _MAX_ROWSPAN, _MAX_DEPTH = 64, 1000, 2000
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]{0,20})", re.I)
# Void, or closed by the next one of their kind: hundreds in a row are no depth.
_NOT_NESTING = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
    | {
        "p",
        "li",
        "dt",
        "dd",
        "td",
        "th",
        "tr",
        "thead",
        "tbody",
        "tfoot",
        "colgroup",
        "option",
        "html",
        "body",
    }
)


def read(content: bytes, name: str, limits: Limits) -> Draft:  # noqa: ARG001
    """The visible text; lists keep their numbers, table rows are " | " lines and tables."""
    from selectolax.lexbor import LexborHTMLParser

    decoded = decode(content, _declared(content))
    _check_depth(decoded.text, name)
    page = _Page()
    _walk(LexborHTMLParser(decoded.text).root, page)
    return Draft(page.text(), "selectolax", tuple(page.tables), notes=(*decoded.notes, *page.notes()))


def _walk(root: Any, page: _Page) -> None:
    # Comparing nodes themselves compares their HTML: hours for a deep tree.
    end = root.mem_id
    node = root
    while True:
        entered = page.enter(node)
        child = node.first_child if entered else None
        if child is not None:
            node = child
            continue
        if entered:
            page.leave(node)
        while node.mem_id != end and node.next is None:
            node = node.parent
            page.leave(node)
        if node.mem_id == end:
            return
        node = node.next


def _check_depth(html: str, name: str) -> None:
    # Lexbor's time grows with the square of the depth: 100,000 nested divs (500 KB) take 12 s.
    depth = 0
    for found in _TAG.finditer(html):
        if found[2].lower() not in _NOT_NESTING:
            depth += -1 if found[1] else 1
            if depth > _MAX_DEPTH:
                raise InputError(
                    f"{name}: this HTML is nested more than {_MAX_DEPTH} deep: "
                    "open it in a browser and print it to PDF"
                )


def _declared(content: bytes) -> str | None:
    found = _CHARSET.search(content[:4096])
    if found is None:
        return None
    name = found[1].decode("ascii").lower()
    try:
        # The HTML standard reads pages that say Latin-1 as Windows-1252.
        return "cp1252" if codecs.lookup(name).name in ("iso8859-1", "ascii") else name
    except LookupError:
        return None


@dataclass
class _Grid:
    """The rows of one table, with spans laid out so that columns stay aligned."""

    rows: list[list[str]] = field(default_factory=list)
    below: dict[int, int] = field(default_factory=dict)
    """Column → how many further rows a cell above still covers."""

    def start_row(self) -> None:
        self.finish_row()
        self.rows.append([])

    def finish_row(self) -> None:
        if self.rows:
            self._skip_covered()

    def add(self, text: str, columns: int, rows: int) -> None:
        if not self.rows:
            self.rows.append([])
        self._skip_covered()
        row = self.rows[-1]
        for at in range(columns):
            if rows > 1:
                self.below[len(row)] = rows - 1
            row.append(text if at == 0 else "")

    def _skip_covered(self) -> None:
        row = self.rows[-1]
        while self.below.get(len(row), 0) > 0:
            self.below[len(row)] -= 1
            row.append("")

    def filled_rows(self) -> tuple[tuple[str, ...], ...]:
        self.finish_row()
        return tuple(tuple(row) for row in self.rows if any(row))


@dataclass
class _Page:
    """Collects lines while the tree is walked. `sinks[-1]` is the page itself or the cell being read."""

    sinks: list[list[str]] = field(default_factory=lambda: [[""]])
    tables: list[Table] = field(default_factory=list)
    _grids: list[_Grid] = field(default_factory=list)
    _places: list[int] = field(default_factory=list)
    _lists: list[int | None] = field(default_factory=list)
    """The last number of each open list, None for bullets."""
    _marker: str = ""
    """A list item's number, until its first word is met."""
    _n_pre: int = 0
    _n_hidden: int = 0

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.sinks[0])

    def notes(self) -> tuple[str, ...]:
        return (f"{self._n_hidden} hidden elements left out",) if self._n_hidden else ()

    def enter(self, node: Any) -> bool:
        """Whether the node's children are to be read (and `leave` to be called after them)."""
        if node.is_text_node:
            self._write(node.text_content or "")
            return False
        tag = node.tag
        if not node.is_element_node or tag in _DROPPED or self._is_hidden(node):
            return False
        if tag == "br":
            self._end_line()
        elif tag in _BLOCKS:
            self._end_line()
            self._open(tag, node)
        return True

    def leave(self, node: Any) -> None:
        tag = node.tag
        if tag not in _BLOCKS:
            return
        self._end_line()
        if tag in ("td", "th") and len(self.sinks) > 1:
            lines = (line.strip() for line in self.sinks.pop())
            attributes = node.attributes
            self._grids[-1].add(
                "\n".join(line for line in lines if line),
                _number(attributes.get("colspan"), 1, _MAX_COLUMNS),
                _number(attributes.get("rowspan"), 1, _MAX_ROWSPAN),
            )
        elif tag == "table":
            self._close_table()
        elif tag in ("ol", "ul"):
            self._lists.pop()
        elif tag == "pre":
            self._n_pre -= 1
        if tag in ("li", "td", "th"):
            self._marker = ""

    def _is_hidden(self, node: Any) -> bool:
        attributes = node.attributes
        hidden = bool(attributes) and (
            "hidden" in attributes or _HIDDEN.search((attributes.get("style") or "")[:1000]) is not None
        )
        self._n_hidden += hidden
        return hidden

    def _open(self, tag: str, node: Any) -> None:
        if tag == "table":
            self._grids.append(_Grid())
            self._places.append(len(self.tables))
            self.tables.append(Table(()))  # before the tables within its cells
        elif tag == "tr" and self._grids:
            self._grids[-1].start_row()
        elif tag in ("td", "th") and self._grids:
            self.sinks.append([""])
        elif tag == "ol":
            self._lists.append(_number(node.attributes.get("start"), 1, 1_000_000) - 1)
        elif tag == "ul":
            self._lists.append(None)
        elif tag == "li":
            self._number_item(node)
        elif tag == "pre":
            self._n_pre += 1

    def _number_item(self, node: Any) -> None:
        last = self._lists[-1] if self._lists else None
        if last is None:
            self._marker = f"{BULLET} "
            return
        self._lists[-1] = _number(node.attributes.get("value"), last + 1, 1_000_000)
        self._marker = f"{self._lists[-1]}. "

    def _write(self, text: str) -> None:
        lines = text.split("\n") if self._n_pre else [_BLANKS.sub(" ", text)]
        for at, line in enumerate(lines):
            if at:
                self.sinks[-1].append("")
            if not self.sinks[-1][-1] and not self._n_pre:
                line = line.lstrip()
            if line and self._marker:
                line, self._marker = self._marker + line.lstrip(), ""
            self.sinks[-1][-1] += line

    def _end_line(self) -> None:
        if self.sinks[-1][-1].strip():
            self.sinks[-1].append("")

    def _close_table(self) -> None:
        rows = self._grids.pop().filled_rows()
        self.tables[self._places.pop()] = Table(rows)
        # A bar within a cell would look like a further cell of the outer row.
        bar = " " if self._grids else " | "
        self.sinks[-1][-1:] = [
            *(bar.join(" ".join(cell.split()) for cell in row).strip() for row in rows),
            "",
        ]


def _number(written: str | None, default: int, most: int) -> int:
    """1..most, `default` for what is no number."""
    return (
        max(1, min(int(written), most)) if written and written.isdecimal() and len(written) < 10 else default
    )
