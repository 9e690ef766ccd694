from __future__ import annotations

from pathlib import Path

import docx
import pypdf
import pytest
from reportlab.lib.colors import black
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, SimpleDocTemplate, TableStyle
from reportlab.platypus import Table as DrawnTable

from domain.documents.extraction import PAGE_BREAK, Limits
from domain.documents.reading import extract
from domain.errors import InputError
from domain.identity import hash_text

SENTENCE = "Light gives the plant its energy"


def write_pdf(path: Path, n_pages: int = 1, text: str = SENTENCE) -> Path:
    canvas = Canvas(str(path))
    for page in range(n_pages):
        if text:
            canvas.drawString(72, 720, f"{text}, page {page + 1}.")
        else:
            canvas.rect(72, 72, 300, 300, fill=1)
        canvas.showPage()
    canvas.save()
    return path


def encrypt(path: Path, user_password: str, owner_password: str) -> Path:
    writer = pypdf.PdfWriter(clone_from=path)
    writer.encrypt(user_password, owner_password, algorithm="AES-256")
    writer.write(path)
    return path


def test_pages_come_in_order_with_a_break_between_them(tmp_path: Path) -> None:
    extraction = extract(write_pdf(tmp_path / "a.pdf", n_pages=3))
    pages = extraction.text.split(f"\n{PAGE_BREAK}\n")
    assert [page.strip() for page in pages] == [f"{SENTENCE}, page {n}." for n in (1, 2, 3)]
    assert (extraction.n_pages, extraction.method) == (3, "pypdfium2")


def test_a_pdf_that_needs_a_password_says_so(tmp_path: Path) -> None:
    path = encrypt(write_pdf(tmp_path / "locked.pdf"), "secret", "owner")
    with pytest.raises(InputError, match=r"locked\.pdf.*password is needed.*without a password"):
        extract(path)


def test_a_pdf_locked_only_against_changes_is_read(tmp_path: Path) -> None:
    path = encrypt(write_pdf(tmp_path / "a.pdf"), "", "owner")
    assert SENTENCE in extract(path).text


def test_a_pdf_without_text_asks_for_ocr(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "scan.pdf", n_pages=2, text="")
    with pytest.raises(InputError, match=r"scan\.pdf.*no text layer \(2 pages.*OCR"):
        extract(path)


def test_too_many_pages_are_refused(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf", n_pages=4)
    with pytest.raises(InputError, match="4 pages, more than the 3 allowed"):
        extract(path, Limits(max_pages=3))


def test_pypdf_reads_what_pypdfium2_cannot(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf")
    # A trailer that does not name the catalogue: pypdf looks for it among the objects.
    content = path.read_bytes()
    broken = content.replace(b"/Root ", b"/Root")
    assert broken != content
    path.write_bytes(broken)
    extraction = extract(path)
    assert SENTENCE in extraction.text
    assert extraction.method == "pypdf"
    assert "read by pypdf" in extraction.notes[0]


def test_a_pdf_cut_off_at_the_start_is_called_damaged(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "cut.pdf")
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(InputError, match=r"cut\.pdf: this PDF is damaged"):
        extract(path)


def test_a_pdf_after_some_stray_bytes_is_still_a_pdf(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf")
    path.write_bytes(b"\n\n" + path.read_bytes())
    assert SENTENCE in extract(path).text


def test_glyphs_without_meaning_are_of_low_quality(tmp_path: Path) -> None:
    from domain.documents.pdf import GOOD_ENOUGH
    from domain.documents.quality import quality_of

    assert quality_of("(cid:12)(cid:40)(cid:7) " * 30) < GOOD_ENOUGH
    assert quality_of("\ue012\ue013 \ue014" * 30) < GOOD_ENOUGH
    assert quality_of("H e l l o w o r l d " * 10) < GOOD_ENOUGH
    assert quality_of(SENTENCE) == 1.0


def test_pypdf_warnings_about_odd_files_stay_out_of_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_pdf(tmp_path / "a.pdf")
    path.write_bytes(b"junk\n" + path.read_bytes().replace(b"startxref", b"startxerf"))
    assert SENTENCE in extract(path).text
    assert caplog.records == []


MARKS = (("Item", "Answer", "Marks"), ("1", SENTENCE + " in the leaves." * 10, "2"), ("2", "Sugar", "1"))


def write_table(path: Path, rows: tuple[tuple[str, ...], ...], *style: tuple[object, ...]) -> Path:
    prose = getSampleStyleSheet()["BodyText"]
    table = DrawnTable([[Paragraph(cell, prose) for cell in row] for row in rows], colWidths=[60, 300, 60])
    table.setStyle(TableStyle([("GRID", (0, 0), (-1, -1), 0.5, black), *style]))
    SimpleDocTemplate(str(path)).build(
        [Paragraph("Guide by Peggy", prose), table, Paragraph("Total: 3", prose)]
    )
    return path


def test_a_ruled_table_is_rows_in_its_place_and_a_table(tmp_path: Path) -> None:
    extraction = extract(write_table(tmp_path / "a.pdf", MARKS))
    lines = extraction.text.split("\n")
    assert lines[0] == "Guide by Peggy"
    assert lines[1] == "Item | Answer | Marks"
    assert lines[2].startswith(f"1 | {SENTENCE}") and lines[2].endswith("leaves. | 2")
    assert lines[3:] == ["2 | Sugar | 1", "Total: 3"]
    (table,) = extraction.tables
    assert table.page == 1
    assert [tuple(" ".join(cell.split()) for cell in row) for row in table.rows] == [*MARKS]


def test_merged_cells_of_a_ruled_table_hold_their_text_once(tmp_path: Path) -> None:
    rows = (("Item", "Answer", "Marks"), ("1", "energy", "1"), ("", "sugar", "2"), ("total", "", "3"))
    path = write_table(tmp_path / "a.pdf", rows, ("SPAN", (0, 1), (0, 2)), ("SPAN", (0, 3), (1, 3)))
    assert extract(path).tables[0].rows == rows


def test_a_guide_with_a_table_is_one_document_as_pdf_and_as_docx(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("Guide by Peggy")
    table = document.add_table(len(MARKS), 3)
    for at, row in enumerate(MARKS):
        for column, cell in enumerate(row):
            table.cell(at, column).text = cell
    document.add_paragraph("Total: 3")
    document.save(str(tmp_path / "a.docx"))
    pdf = write_table(tmp_path / "a.pdf", MARKS)
    assert hash_text(extract(pdf).text) == hash_text(extract(tmp_path / "a.docx").text)


def test_bullets_are_bullets(tmp_path: Path) -> None:
    prose = getSampleStyleSheet()["BodyText"]
    points = [Paragraph(f"{SENTENCE} {at}", prose, bulletText="•") for at in range(3)]
    SimpleDocTemplate(str(tmp_path / "a.pdf")).build(points)
    lines = [line for line in extract(tmp_path / "a.pdf").text.split("\n") if line.strip()]
    assert [" ".join(line.split()) for line in lines] == [f"• {SENTENCE} {at}" for at in range(3)]


def test_text_beside_a_ruled_table_is_not_lost(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"))
    canvas.grid([100, 200, 300], [600, 620, 640])
    for at, word in enumerate(["one", "two", "three", "four"]):
        canvas.drawString(105 + 100 * (at % 2), 625 - 20 * (at // 2), word)
    canvas.drawString(400, 612, "beside the table stands a whole sentence")
    canvas.save()
    extraction = extract(tmp_path / "a.pdf")
    assert "beside the table stands a whole sentence" in extraction.text
    assert {"one", "two", "three", "four"} <= set(extraction.text.split())


def test_a_page_full_of_crossing_lines_costs_little(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"))
    canvas.grid([50 + at * 3.5 for at in range(140)], [50 + at * 3.5 for at in range(200)])
    canvas.drawString(100, 780, SENTENCE)
    canvas.save()
    extraction = extract(tmp_path / "a.pdf")
    assert SENTENCE in extraction.text
    assert extraction.seconds < 5
