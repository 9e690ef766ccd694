"""Markdown that shows untrusted texts as they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from domain.reports.view import Value

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&$])")


def table_lines(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """A table and the blank line after it; nothing for no rows."""
    rows = list(rows)
    if not rows:
        return
    yield f"| {' | '.join(header)} |"
    yield f"|{' --- |' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def plain(text: str) -> str:
    """A text that Markdown shows as it is: one line, no markup, no HTML."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split())).replace("\\<", "&lt;").replace("\\>", "&gt;")


def value_text(value: Value) -> str:
    """A figure with its interval in brackets."""
    return f"{value.text} ({value.interval})" if value.interval else value.text
