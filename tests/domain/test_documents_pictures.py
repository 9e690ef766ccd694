"""Scans and pictures: read by OCR where they hold no letters of their own."""

from __future__ import annotations

import io
import struct
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from domain.documents.reading import extract
from domain.errors import InputError
from domain.grading.guides import parse_guide
from infra.readers import Read, ReaderPool

pytest.importorskip("rapidocr", reason="the extra ocr is not installed")

ROWS = (
    ("Question", "Answer", "Marks"),
    ("1(a)", "light is absorbed by leaves", "1"),
    ("1(b)", "water is taken up by roots", "2"),
    ("2", "iron reacts with oxygen and water", "3"),
)


def page() -> bytes:
    """A PDF of a small mark scheme, whose columns are only aligned."""
    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=(420, 300), invariant=1)
    canvas.setFont("Helvetica-Bold", 14)
    canvas.drawString(40, 260, "Plants and rust")
    canvas.setFont("Helvetica", 12)
    for n, row in enumerate(ROWS):
        for x, cell in zip((40, 130, 350), row, strict=True):
            canvas.drawString(x, 225 - 30 * n, cell)
    canvas.drawString(40, 90, "Total: 6 marks")
    canvas.save()
    return stream.getvalue()


@pytest.fixture(scope="module")
def scan() -> Any:
    return pypdfium2.PdfDocument(page())[0].render(scale=200 / 72).to_pil().convert("RGB")


def saved(picture: Any, path: Path, **more: Any) -> Path:
    picture.save(path, **more)
    return path


def as_pdf(pictures: list[Any], path: Path, text: str = "") -> Path:
    """A page a picture, and one of real text behind them."""
    canvas = Canvas(str(path), pagesize=(420, 300))
    for picture in pictures:
        canvas.drawImage(ImageReader(picture), 0, 0, 420, 300)
        canvas.showPage()
    if text:
        canvas.drawString(40, 200, text)
        canvas.showPage()
    canvas.save()
    return path


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_a_scanned_mark_scheme_gives_its_items_however_it_was_laid_on_the_glass(
    scan: Any, tmp_path: Path, turned: int
) -> None:
    path = saved(scan.rotate(turned, expand=True), tmp_path / "scan.png")
    extraction = extract(path)
    guide = parse_guide(extraction, path.name)
    assert [(item.number, item.max_score) for item in guide.items] == [("1a", 1.0), ("1b", 2.0), ("2", 3.0)]
    assert guide.problems == ()
    assert "read by OCR, confidence" in extraction.notes[0]
    assert (f"turned by {turned}°" in extraction.notes[0]) == (turned > 0)


def test_a_jpeg_and_every_page_of_a_tiff_are_read(scan: Any, tmp_path: Path) -> None:
    photo = extract(saved(scan, tmp_path / "photo.jpg", quality=80))
    fax = extract(saved(scan, tmp_path / "fax.tiff", save_all=True, append_images=[scan]))
    assert "light is absorbed by leaves" in photo.text.replace(" | ", " ")
    assert (fax.n_pages, fax.text.count("iron reacts with oxygen")) == (2, 2)


def test_a_picture_that_its_camera_marked_as_turned_is_read_upright(scan: Any, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(scan.rotate(90, expand=True), tmp_path / "phone.jpg", exif=exif)
    assert "turned" not in extract(path).notes[0]


def test_a_scanned_pdf_is_read_and_pages_with_letters_are_taken_as_they_are(
    scan: Any, tmp_path: Path
) -> None:
    extraction = extract(as_pdf([scan], tmp_path / "mixed.pdf", "The second page has letters of its own."))
    assert "light is absorbed by leaves" in extraction.text
    assert "The second page has letters of its own." in extraction.text
    assert [note for note in extraction.notes if "OCR" in note] == [
        note for note in extraction.notes if note.startswith("page 1 read by OCR")
    ]
    assert extraction.method == "pypdfium2"
    assert extract(as_pdf([scan], tmp_path / "scan.pdf")).method == "rapidocr"


def test_a_picture_is_read_behind_the_walls_of_a_reader(scan: Any, tmp_path: Path) -> None:
    pool = ReaderPool(1)
    (outcome,) = pool.read_all([saved(scan, tmp_path / "scan.png")])
    pool.stop()
    assert isinstance(outcome, Read), outcome
    words = Counter(outcome.extraction.text.split())
    assert words["leaves"] == words["roots"] == words["oxygen"] == 1


def test_a_picture_that_promises_too_many_points_is_refused_unread(tmp_path: Path) -> None:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    (tmp_path / "huge.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    )
    with pytest.raises(InputError, match=r"huge\.png"):
        extract(tmp_path / "huge.png")


def test_an_empty_page_is_refused_with_a_reason(tmp_path: Path) -> None:
    blank = Image.new("RGB", (800, 600), "white")
    with pytest.raises(InputError, match=r"blank\.png.*holds no text"):
        extract(saved(blank, tmp_path / "blank.png"))
    with pytest.raises(InputError, match=r"blank\.pdf.*no text layer.*OCR found nothing"):
        extract(as_pdf([blank], tmp_path / "blank.pdf"))
