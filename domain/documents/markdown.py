"""Markdown: the text without the marks that no other format has.

So one guide saved as Markdown and as DOCX is parsed alike and has one identity. Heading signs, bold
marks, escapes and table bars go. What may be content stays: list dashes and numbers, single
asterisks and underscores (2*3, x_1), links, formulas, and everything within code fences.
"""

from __future__ import annotations

import re

from domain.documents.extraction import Draft, Limits, Table
from domain.documents.plain_text import decode

_FENCE = re.compile(r" {0,3}(?:```|~~~)")
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(?=\S)")
_CLOSING = re.compile(r"[ \t]+#+[ \t]*$")
# Bounded, so that a line of nothing but asterisks costs linear time.
_BOLD = re.compile(r"(\*\*|(?<!\w)__)(?=[^\s*_])([^*_]{1,500})(?<=\S)\1")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_CELL_BAR = re.compile(r"(?<!\\)\|")
_RULE_CELL = re.compile(r":?-+:?")


def read(content: bytes, name: str, limits: Limits) -> Draft:  # noqa: ARG001
    """The text without Markdown's own marks; pipe tables as " | " rows and as tables."""
    decoded = decode(content)
    source = decoded.text.split("\n")
    lines: list[str] = []
    tables: list[Table] = []
    fenced = False
    at = 0
    while at < len(source):
        line = source[at]
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and _starts_table(source, at):
            rows = _table_rows(source, at)
            tables.append(Table(rows))
            lines.extend(" | ".join(row) for row in rows)
            at += len(rows)  # and one for the rule under the header
        else:
            lines.append(line if fenced else _plain(line))
        at += 1
    return Draft("\n".join(lines), "markdown", tuple(tables), notes=decoded.notes)


def _starts_table(source: list[str], at: int) -> bool:
    if "|" not in source[at] or at + 1 >= len(source) or "-" not in source[at + 1]:
        return False
    rule = _cells(source[at + 1])
    return len(rule) == len(_cells(source[at])) and all(_RULE_CELL.fullmatch(cell) for cell in rule)


def _table_rows(source: list[str], at: int) -> tuple[tuple[str, ...], ...]:
    rows = [_cells(source[at])]
    for line in source[at + 2 :]:
        if "|" not in line:
            break
        rows.append(_cells(line))
    return tuple(tuple(_plain(cell) for cell in row) for row in rows)


def _cells(line: str) -> list[str]:
    line = line.strip().removeprefix("|")
    if line.endswith("|") and not line.endswith("\\|"):
        line = line[:-1]
    return [cell.strip() for cell in _CELL_BAR.split(line)]


def _plain(line: str) -> str:
    heading = _HEADING.match(line)
    if heading:
        line = _CLOSING.sub("", line[heading.end() :])
    if "*" in line or "_" in line:
        line = _BOLD.sub(r"\2", line)
    return _ESCAPE.sub(r"\1", line) if "\\" in line else line
