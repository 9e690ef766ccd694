"""Blocks of text as files. The same blocks give the same bytes, on every machine and at any time."""

from __future__ import annotations

import html
import io
import re
import zipfile
from dataclasses import dataclass


@dataclass(frozen=True)
class Block:
    """A title, heading, text or bullet with its text, or a table with its rows."""

    kind: str
    text: str = ""
    rows: tuple[tuple[str, ...], ...] = ()


def title(words: str) -> Block:
    return Block("title", words)


def heading(words: str) -> Block:
    return Block("heading", words)


def text(words: str) -> Block:
    return Block("text", words)


def bullet(words: str) -> Block:
    return Block("bullet", words)


def table(rows: list[list[str]]) -> Block:
    return Block("table", rows=tuple(tuple(row) for row in rows))


def plain(blocks: list[Block]) -> list[Block]:
    """The same words without structure, as when a text file is pasted into another program."""
    return [text(f"- {b.text}" if b.kind == "bullet" else b.text) for b in blocks]


def as_txt(blocks: list[Block]) -> bytes:
    lines: list[str] = []
    for b in blocks:
        if b.kind == "heading" and lines:
            lines.append("")
        lines += _text_lines(b)
    return ("\n".join(lines) + "\n").encode()


def _text_lines(block: Block) -> list[str]:
    if block.kind == "table":
        return [" | ".join(row) for row in block.rows]
    return [f"- {block.text}" if block.kind == "bullet" else block.text]


def as_md(blocks: list[Block]) -> bytes:
    lines: list[str] = []
    for b in blocks:
        if b.kind != "bullet":
            lines.append("")
        lines += _markdown_lines(b)
    return ("\n".join(lines).strip() + "\n").encode()


def _markdown_lines(block: Block) -> list[str]:
    if block.kind == "table":
        header, *rows = ["| " + " | ".join(row) + " |" for row in block.rows]
        return [header, "|" + " --- |" * len(block.rows[0]), *rows]
    labelled = re.sub(
        r"^((?:Model answer|Marking points|Accept|Total|Score|Marks?|Second marker):)", r"**\1**", block.text
    )
    return [{"title": "# ", "heading": "## ", "bullet": "- ", "text": ""}[block.kind] + labelled]


def as_html(blocks: list[Block], name: str) -> bytes:
    body: list[str] = []
    for i, b in enumerate(blocks):
        if b.kind == "bullet" and (i == 0 or blocks[i - 1].kind != "bullet"):
            body.append("<ul>")
        body.append(_html_of(b))
        if b.kind == "bullet" and (i + 1 == len(blocks) or blocks[i + 1].kind != "bullet"):
            body.append("</ul>")
    head = f'<head><meta charset="utf-8"><title>{html.escape(name)}</title></head>'
    page = ["<!DOCTYPE html>", '<html lang="en">', head, "<body>", *body, "</body>", "</html>"]
    return ("\n".join(page) + "\n").encode()


def _html_of(block: Block) -> str:
    if block.kind == "table":
        cells = [[html.escape(cell, quote=False) for cell in row] for row in block.rows]
        header = "".join(f"<th>{cell}</th>" for cell in cells[0])
        rows = ("".join(f"<td>{cell}</td>" for cell in row) for row in cells[1:])
        return "\n".join(["<table>", f"<tr>{header}</tr>", *(f"<tr>{row}</tr>" for row in rows), "</table>"])
    tag = {"title": "h1", "heading": "h2", "bullet": "li", "text": "p"}[block.kind]
    return f"<{tag}>{html.escape(block.text, quote=False)}</{tag}>"


def as_rtf(blocks: list[Block]) -> bytes:
    lines = [r"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0 Calibri;}}\f0\fs22"]
    for b in blocks:
        for line in _text_lines(b):
            escaped = _rtf_escaped(line)
            lines.append(rf"{{\b {escaped}}}\par" if b.kind in ("title", "heading") else rf"{escaped}\par")
    return ("\n".join([*lines, "}"]) + "\n").encode("ascii")


def _rtf_escaped(line: str) -> str:
    line = re.sub(r"([\\{}])", r"\\\1", line)
    return "".join(char if char.isascii() else rf"\u{ord(char)}?" for char in line)


def as_pdf(blocks: list[Block], name: str, password: str | None = None) -> bytes:
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Table

    styles = getSampleStyleSheet()
    style_of = {"title": "Title", "heading": "Heading3", "text": "BodyText", "bullet": "BodyText"}
    story = [
        Table([list(row) for row in b.rows])
        if b.kind == "table"
        else Paragraph(
            ("• " if b.kind == "bullet" else "") + html.escape(b.text, quote=False), styles[style_of[b.kind]]
        )
        for b in blocks
    ]
    file = io.BytesIO()
    encrypt = StandardEncryption(password, strength=128) if password else None
    SimpleDocTemplate(file, pagesize=A4, title=name, invariant=1, encrypt=encrypt).build(story)
    return file.getvalue()


def as_docx(blocks: list[Block]) -> bytes:
    import docx

    document = docx.Document()
    style_of = {"title": "Title", "heading": "Heading 2", "text": None, "bullet": "List Bullet"}
    for b in blocks:
        if b.kind == "table":
            grid = document.add_table(rows=len(b.rows), cols=len(b.rows[0]), style="Table Grid")
            for cells, row in zip(grid.rows, b.rows, strict=True):
                for cell, words in zip(cells.cells, row, strict=True):
                    cell.text = words
        else:
            document.add_paragraph(b.text, style=style_of[b.kind])
    file = io.BytesIO()
    document.save(file)
    return _undated(file.getvalue())


def _undated(archive: bytes) -> bytes:
    """The same ZIP members with one fixed date, so that the same content gives the same bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(
                zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), old.read(name), zipfile.ZIP_DEFLATED, 9
            )
    return file.getvalue()


def as_file(blocks: list[Block], format: str, name: str) -> bytes:
    """The blocks in the format named by its extension; `name` is the document's own title field."""
    if format in ("html", "pdf"):
        return as_html(blocks, name) if format == "html" else as_pdf(blocks, name)
    return {"txt": as_txt, "md": as_md, "rtf": as_rtf, "docx": as_docx}[format](blocks)
