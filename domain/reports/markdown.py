"""Markdown that shows untrusted texts as they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from domain.reports.job import Choice
from domain.reports.view import Tile, Value
from domain.reports.wording import Finding

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


def tile_lines(tiles: Iterable[Tile]) -> Iterator[str]:
    """The key figures at the head of a report."""
    yield from table_lines(
        ("", "", ""), [(f"**{plain(t.label)}**", f"**{t.value}**", plain(t.detail)) for t in tiles]
    )


def finding_lines(findings: Iterable[Finding], title: str = "Findings") -> Iterator[str]:
    """A list of findings and what to do, below `title` where there is one."""
    if title:
        yield f"## {title}"
        yield ""
    for finding in findings:
        todo = f" *To do: {plain(finding.recommendation)}*" if finding.recommendation else ""
        yield f"- **{finding.severity.value}: {plain(finding.title)}.** {plain(finding.text)}{todo}"
    yield ""


def choice_lines(choices: Iterable[Choice], chosen: str) -> Iterator[str]:
    """Each strategy, and why it was passed over."""
    for choice in choices:
        said = "chosen" if choice.strategy == chosen else plain(choice.objection) or "not asked for"
        yield f"- {plain(choice.strategy)}: {said}"
    yield ""


def plain(text: str) -> str:
    """A text that Markdown shows as it is: one line, no markup, no HTML."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split())).replace("\\<", "&lt;").replace("\\>", "&gt;")


def value_text(value: Value) -> str:
    """A figure with its interval in brackets."""
    return f"{value.text} ({value.interval})" if value.interval else value.text
