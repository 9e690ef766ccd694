"""HTML and XML inside structured formats: text out of HTML, and a parser for XML that strangers wrote."""

from __future__ import annotations

import re
from typing import Any

from domain.errors import InputError

_BREAKS = re.compile(r"<\s*(?:br|/p|/div|/li|/h\d|/tr)\b[^>]{0,200}>", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\r\f\v\u00a0]+")

Element = Any
"""lxml is untyped; an element stays within this package."""


def text_of_html(html: str) -> str:
    """What a reader would see: tags gone, one block a line."""
    if "<" not in html and "&" not in html:
        return html.strip()
    from selectolax.lexbor import LexborHTMLParser

    body = LexborHTMLParser(_BREAKS.sub("\n", html)).body
    lines = (body.text() if body is not None else "").split("\n")
    return "\n".join(line for line in (_BLANKS.sub(" ", line).strip() for line in lines) if line)


def xml_root(text: str, name: str) -> Element:
    """The root element. No entities are resolved and no other file is looked at; raises InputError."""
    from lxml import etree  # type: ignore[import-untyped]

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise InputError(f"{name}: this XML cannot be read ({error}): export it again") from error
    if root is None:
        raise InputError(f"{name}: this XML is empty: export it again")
    return root


def local(element: Element) -> str:
    """An element's name without its namespace; "" for comments."""
    return element.tag.rsplit("}", 1)[-1] if isinstance(element.tag, str) else ""


def children(element: Element, *names: str) -> list[Element]:
    """Direct children by local name, all of them without names."""
    return [child for child in element if local(child) and (not names or local(child) in names)]


def found(element: Element, *names: str) -> list[Element]:
    """Descendants by local name, in document order."""
    return [child for child in element.iter() if local(child) in names]


def text_of(element: Element | None) -> str:
    """All text below an element, blocks on lines of their own."""
    if element is None:
        return ""
    from lxml import etree

    inner = etree.tostring(element, encoding="unicode", with_tail=False)
    return text_of_html(inner)
