"""Draws blocks (paragraphs and tables) as PDF, DOCX, HTML, Markdown and CSV."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Callable, Sequence

from table_layouts import Block, Grid

Writer = Callable[[Sequence[Block]], bytes]


def pdf_ruled(blocks: Sequence[Block]) -> bytes:
    """All cells ruled; headers repeated and rows split at page breaks."""
    return _pdf(blocks, [("GRID", (0, 0), (-1, -1), 0.5, "black")])


def pdf_across(blocks: Sequence[Block]) -> bytes:
    """Lines below rows only."""
    return _pdf(blocks, [("LINEBELOW", (0, 0), (-1, -1), 0.5, "black")])


def pdf_long(blocks: Sequence[Block]) -> bytes:
    """Lines below rows only, over several pages, the header on the first alone."""
    return _pdf(blocks, [("LINEBELOW", (0, 0), (-1, -1), 0.5, "black")], height=225, repeated=False)


def pdf_shaded(blocks: Sequence[Block]) -> bytes:
    """No lines: a shaded header and every second row."""
    return _pdf(
        blocks,
        [
            ("BACKGROUND", (0, 0), (-1, 0), "silver"),
            ("ROWBACKGROUNDS", (0, 1), (-1, -1), ["white", "lavender"]),
        ],
    )


def pdf_small_pages(blocks: Sequence[Block]) -> bytes:
    """Ruled, on many small pages, the header again on each."""
    return _pdf(blocks, [("GRID", (0, 0), (-1, -1), 0.5, "black")], height=230)


def pdf_cut(blocks: Sequence[Block]) -> bytes:
    """Ruled, the header on the first page only; rows are cut at the end of a page."""
    return _pdf(blocks, [("GRID", (0, 0), (-1, -1), 0.5, "black")], height=225, repeated=False)


def pdf_turned(blocks: Sequence[Block], *, ruled: bool = True) -> bytes:
    """Stored on its side and shown upright, as landscape pages often are."""
    from pypdf import PdfWriter, Transformation
    from pypdf.generic import NameObject, NumberObject, RectangleObject

    writer = PdfWriter(clone_from=io.BytesIO(pdf_ruled(blocks) if ruled else pdf_across(blocks)))
    for number, page in enumerate(writer.pages):
        width, height = float(page.mediabox.width), float(page.mediabox.height)
        turned = 90 if (number + ruled) % 2 else 270
        move = (height, 0) if turned == 90 else (0, width)
        page.add_transformation(Transformation().rotate(turned if turned == 90 else -90).translate(*move))
        page.mediabox = page.cropbox = RectangleObject((0, 0, height, width))
        page[NameObject("/Rotate")] = NumberObject(turned)
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


def pdf_turned_across(blocks: Sequence[Block]) -> bytes:
    """As `pdf_turned`, with lines below rows only."""
    return pdf_turned(blocks, ruled=False)


def pdf_scanned(blocks: Sequence[Block]) -> bytes:
    """Pictures of the ruled pages at 150 dpi, without any text."""
    import pypdfium2

    pages = [page.render(scale=150 / 72).to_pil() for page in pypdfium2.PdfDocument(pdf_ruled(blocks))]
    stream = io.BytesIO()
    pages[0].save(stream, "PDF", save_all=True, append_images=pages[1:], resolution=150)
    return stream.getvalue()


def _pdf(
    blocks: Sequence[Block], style: list[tuple[object, ...]], height: float = 842, *, repeated: bool = True
) -> bytes:
    from reportlab.lib import colors
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

    _fonts()
    sheet = getSampleStyleSheet()["Normal"]
    sheet.fontName = "DejaVu"
    sheet.fontSize, sheet.leading = 9, 11

    def paragraph(text: str) -> Paragraph:
        lines = [html.escape(line) for line in text.split("\n")]
        return Paragraph("<br/>".join(lines), sheet)

    def colour(value: object) -> object:
        if isinstance(value, list):
            return [getattr(colors, str(one)) for one in value]
        return getattr(colors, value) if isinstance(value, str) and hasattr(colors, value) else value

    flow: list[object] = []
    for block in blocks:
        if isinstance(block, str):
            flow += [paragraph(block), Spacer(1, 6)]
            continue
        spans = [("SPAN", (c0, r0), (c1, r1)) for r0, c0, r1, c1 in block.merged]
        rules = [tuple(colour(value) for value in rule) for rule in style]
        look = TableStyle([*rules, ("VALIGN", (0, 0), (-1, -1), "TOP"), *spans])
        cells = [[paragraph(cell) for cell in row] for row in block.rows]
        flow += [
            Table(cells, block.widths, repeatRows=int(repeated), splitInRow=int(not repeated), style=look),
            Spacer(1, 6),
        ]
    stream = io.BytesIO()
    SimpleDocTemplate(stream, pagesize=(595, height), topMargin=30, bottomMargin=30, invariant=1).build(flow)
    return stream.getvalue()


def _fonts() -> None:
    from pathlib import Path

    import matplotlib
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    if "DejaVu" not in pdfmetrics.getRegisteredFontNames():
        folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
        pdfmetrics.registerFont(TTFont("DejaVu", str(folder / "DejaVuSans.ttf")))


def docx(blocks: Sequence[Block]) -> bytes:
    import docx as python_docx

    document = python_docx.Document()
    for block in blocks:
        if isinstance(block, str):
            document.add_paragraph(block)
            continue
        table = document.add_table(len(block.rows), len(block.widths))
        for r, row in enumerate(block.rows):
            for c, cell in enumerate(row):
                table.cell(r, c).text = cell
        for r0, c0, r1, c1 in block.merged:
            for r in range(r0 + 1, r1 + 1):
                table.cell(r, c0).text = ""
            table.cell(r0, c0).merge(table.cell(r1, c1))
            whole = table.cell(r0, c0)
            whole.text = block.rows[r0][c0]
        document.add_paragraph("")
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def as_html(blocks: Sequence[Block]) -> bytes:
    parts = ["<!doctype html><html><head><title>Mark scheme</title></head><body>"]
    for block in blocks:
        parts.append(f"<p>{html.escape(block)}</p>" if isinstance(block, str) else _html_table(block))
    return "\n".join([*parts, "</body></html>"]).encode()


def _html_table(grid: Grid) -> str:
    spans = {(r0, c0): (r1 - r0 + 1, c1 - c0 + 1) for r0, c0, r1, c1 in grid.merged}
    hidden = {
        (r, c)
        for r0, c0, r1, c1 in grid.merged
        for r in range(r0, r1 + 1)
        for c in range(c0, c1 + 1)
        if (r, c) != (r0, c0)
    }
    rows = []
    for r, row in enumerate(grid.rows):
        tag = "th" if r == 0 else "td"
        cells = []
        for c, cell in enumerate(row):
            if (r, c) in hidden:
                continue
            down, across = spans.get((r, c), (1, 1))
            extra = (f' rowspan="{down}"' if down > 1 else "") + (
                f' colspan="{across}"' if across > 1 else ""
            )
            cells.append(f"<{tag}{extra}>{html.escape(cell).replace(chr(10), '<br>')}</{tag}>")
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table>{''.join(rows)}</table>"


def markdown(blocks: Sequence[Block]) -> bytes:
    lines: list[str] = []
    for block in blocks:
        if isinstance(block, str):
            lines += [block, ""]
            continue
        for n, row in enumerate(block.rows):
            lines.append("| " + " | ".join(cell.replace("\n", "<br>") for cell in row) + " |")
            if n == 0:
                lines.append("|" + " --- |" * len(row))
        lines.append("")
    return "\n".join(lines).encode()


def as_csv(blocks: Sequence[Block]) -> bytes:
    """The first table alone."""
    stream = io.StringIO()
    csv.writer(stream).writerows(next(block for block in blocks if isinstance(block, Grid)).rows)
    return stream.getvalue().encode()


def xlsx(blocks: Sequence[Block]) -> bytes:
    """One sheet; numbers as numbers, merged cells merged."""
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    for block in blocks:
        if isinstance(block, str):
            sheet.append([block])
            continue
        start = sheet.max_row
        for row in block.rows:
            sheet.append([float(cell) if cell.replace(".", "", 1).isdigit() else cell for cell in row])
        for r0, c0, r1, c1 in block.merged:
            sheet.merge_cells(
                start_row=start + r0 + 1, end_row=start + r1 + 1, start_column=c0 + 1, end_column=c1 + 1
            )
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


WRITERS: dict[str, tuple[Writer, str]] = {
    "ruled": (pdf_ruled, ".pdf"),
    "across": (pdf_across, ".pdf"),
    "shaded": (pdf_shaded, ".pdf"),
    "small": (pdf_small_pages, ".pdf"),
    "cut": (pdf_cut, ".pdf"),
    "long": (pdf_long, ".pdf"),
    "turned": (pdf_turned, ".pdf"),
    "turnedacross": (pdf_turned_across, ".pdf"),
    "scan": (pdf_scanned, ".pdf"),
    "docx": (docx, ".docx"),
    "html": (as_html, ".html"),
    "md": (markdown, ".md"),
    "csv": (as_csv, ".csv"),
    "xlsx": (xlsx, ".xlsx"),
}


def _prose_pdf(text: str) -> bytes:
    return pdf_ruled(text.split("\n"))


def _prose_docx(text: str) -> bytes:
    return docx(text.split("\n"))


def _rtf(text: str) -> bytes:
    def escaped(line: str) -> str:
        plain = line.replace("\\", "\\\\").replace("{", "\\{").replace("}", "\\}")
        return "".join(c if ord(c) < 128 else f"\\u{ord(c)}?" for c in plain)

    body = "\\par\n".join(escaped(line) for line in text.split("\n"))
    return ("{\\rtf1\\ansi " + body + "}").encode()


PROSE: dict[str, Callable[[str], bytes]] = {
    ".txt": str.encode,
    ".md": str.encode,
    ".pdf": _prose_pdf,
    ".docx": _prose_docx,
    ".rtf": _rtf,
}
