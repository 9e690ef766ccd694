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


def over(picture: Any, path: Path, text: str, mode: int) -> Path:
    """A page of letters, then one whose picture fills it, with letters of its own on top."""
    canvas = Canvas(str(path), pagesize=(420, 300))
    canvas.drawString(40, 200, "The first page has letters of its own.")
    canvas.showPage()
    canvas.drawImage(ImageReader(picture), 0, 0, 420, 300)
    canvas.drawString(20, 10, text, mode=mode)
    canvas.save()
    return path


SHOWN, HIDDEN = 0, 3


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("Scanned with CamScanner, page 1 of 1", SHOWN),
        ("(cid:12)(cid:40)(cid:7) " * 20, HIDDEN),
        ("H e l l o w o r l d " * 30, HIDDEN),
    ],
)
def test_a_scanned_page_is_read_though_it_has_a_stamp_or_soup_on_it(
    scan: Any, tmp_path: Path, text: str, mode: int
) -> None:
    extraction = extract(over(scan, tmp_path / "stamped.pdf", text, mode))
    assert "The first page has letters of its own." in extraction.text
    assert "light is absorbed by leaves" in extraction.text
    assert [note[:18] for note in extraction.notes if "OCR" in note] == ["page 2 read by OCR"]


def test_letters_that_are_drawn_as_outlines_are_read(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "outlines.pdf"), pagesize=(420, 300))
    canvas.drawString(40, 200, "The first page has letters of its own.")
    canvas.showPage()
    drawn = canvas.beginPath()
    for kind, points in outlines("iron reacts with oxygen"):
        getattr(drawn, kind)(*points)
    canvas.drawPath(drawn, stroke=0, fill=1)
    canvas.save()
    assert "iron reacts with oxygen" in extract(tmp_path / "outlines.pdf").text


def outlines(text: str) -> list[tuple[str, list[float]]]:
    """Steps of a reportlab path that draws the letters."""
    from matplotlib.path import Path as Outline
    from matplotlib.textpath import TextPath

    steps: list[tuple[str, list[float]]] = []
    for points, code in TextPath((40, 150), text, size=20).iter_segments(curves=True):
        at = [float(point) for point in points]
        if code == Outline.CURVE3:
            last = steps[-1][1][-2:]
            x, y, end_x, end_y = at
            first = [last[0] + 2 / 3 * (x - last[0]), last[1] + 2 / 3 * (y - last[1])]
            second = [end_x + 2 / 3 * (x - end_x), end_y + 2 / 3 * (y - end_y)]
            steps.append(("curveTo", [*first, *second, end_x, end_y]))
        elif code == Outline.CLOSEPOLY:
            steps.append(("close", []))
        else:
            steps.append(("moveTo" if code == Outline.MOVETO else "lineTo", at))
    return steps


def test_pages_of_one_scan_may_lie_in_different_ways(scan: Any, tmp_path: Path) -> None:
    others = [scan.rotate(180), scan, scan.rotate(90, expand=True)]
    fax = saved(scan.rotate(180), tmp_path / "fax.tiff", save_all=True, append_images=others)
    extraction = extract(fax)
    assert extraction.text.count("iron reacts with oxygen") == 4
    assert [note.partition("turned by ")[2] for note in extraction.notes] == ["180°", "180°", "", "90°"]


def test_a_guide_says_which_pages_ocr_was_not_sure_of(scan: Any, tmp_path: Path) -> None:
    poor = scan.resize((scan.width // 4, scan.height // 4))
    sure = extract(saved(scan, tmp_path / "sharp.png"))
    unsure = extract(saved(poor, tmp_path / "poor.jpg", quality=10))
    assert parse_guide(sure, "sharp.png").problems == ()
    told = [one for one in parse_guide(unsure, "poor.jpg").problems if one.startswith("page 1 read by OCR")]
    assert len(told) == 1 and "hold its items against the source" in told[0]


def test_pages_that_no_engine_reads_are_told_and_not_left_out_in_silence(
    scan: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = as_pdf([scan], tmp_path / "mixed.pdf", "1. The second page has letters of its own. [2 marks]")
    monkeypatch.setattr("domain.documents.ocr.find_spec", lambda name: None)
    extraction = extract(path)
    told = [note for note in extraction.notes if "pip install 'trainyard[ocr]'" in note]
    assert [note.partition(":")[0] for note in told] == ["page 1 is a picture and was not read"]
    assert told[0] in parse_guide(extraction, path.name).problems


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
