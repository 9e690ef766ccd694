from __future__ import annotations

from pathlib import Path

import pypdf
import pytest
from reportlab.pdfgen.canvas import Canvas

from domain.documents.extraction import PAGE_BREAK, Limits
from domain.documents.reading import extract
from domain.errors import InputError

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
    assert (extraction.n_pages, extraction.method) == (3, "pypdf")


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


def test_pypdfium2_reads_what_pypdf_cannot(tmp_path: Path) -> None:
    path = write_pdf(tmp_path / "a.pdf")
    # pypdf raises on a catalogue whose page tree is a number; pdfium rebuilds it from the objects.
    content = path.read_bytes()
    broken = content.replace(b"/Type /Pages", b"/Type /Pagez").replace(b"/Count 1", b"/Count []")
    assert broken != content
    path.write_bytes(broken)
    extraction = extract(path)
    assert SENTENCE in extraction.text
    assert extraction.method == "pypdfium2"
    assert "read by pypdfium2" in extraction.notes[0]


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
