"""RTF by striprtf. Its lone surrogates (from \\u escapes) are joined or replaced here."""

from __future__ import annotations

from domain.documents.extraction import Draft, Limits, Table
from domain.documents.plain_text import decode
from domain.errors import InputError

_MAX_FONT_TABLE = 50_000


def read(content: bytes, name: str, limits: Limits) -> Draft:  # noqa: ARG001
    """The visible text; table rows as " | " lines and as tables."""
    from striprtf.striprtf import font_table_group, rtf_to_text

    # RTF is ASCII with escapes; bytes beyond it are an error of the writer, mostly Windows-1252.
    source = decode(content).text
    # striprtf's patterns for fonts and links take time that grows with the square of what they scan.
    # Raw line ends mean nothing in RTF, and its pattern for links stops at them.
    source = source.replace("{\\field", "\n{\\field")
    if len(font_table_group(source)) > _MAX_FONT_TABLE:
        raise InputError(
            f"{name}: this RTF has a damaged or absurd font table: open it in Word and save it as DOCX"
        )
    # striprtf gives each cell a "|" and each row an end of line.
    return _with_tables(_joined_surrogates(rtf_to_text(source, errors="replace")))


def _joined_surrogates(text: str) -> str:
    # "\\u-10179?\\u-8704?" is one emoji in two halves.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _with_tables(text: str) -> Draft:
    lines: list[str] = []
    tables: list[Table] = []
    rows: list[tuple[str, ...]] = []
    for line in [*text.split("\n"), ""]:
        if line.rstrip().endswith("|"):
            rows.append(tuple(cell.strip() for cell in line.rstrip()[:-1].split("|")))
            lines.append(" | ".join(rows[-1]))
            continue
        if rows:
            tables.append(Table(tuple(rows)))
            rows = []
        lines.append(line)
    return Draft("\n".join(lines), "striprtf", tuple(tables))
