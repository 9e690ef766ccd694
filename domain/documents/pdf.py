"""PDF: pypdfium2 first, pypdf where pdfium fails or gives soup, OCR for pages that are pictures.

pdfium reads 608 pages a CPU-second, pypdf 48; on ordinary files they agree (word F1 0.986), and on 1,002 odd
ones they read 977 and 967 (FACTS.md).
"""

from __future__ import annotations

import io
import logging
from dataclasses import replace
from typing import Any

from domain.documents.extraction import PAGE_BREAK, Draft, Limits, Table
from domain.documents.ocr import INSTALL, MOST_PIXELS, Seen, is_installed, read_picture, told_unread
from domain.documents.pdf_columns import Layout
from domain.documents.quality import quality_of
from domain.errors import InputError

_BETWEEN_PAGES = f"\n{PAGE_BREAK}\n"
_FEW_LETTERS, _STAMPED_LETTERS = 20, 200
"""Of a page that is a picture, and of one whose picture fills it: scanners stamp their own line on pages."""
_FILLED = 0.5
_MANY_STROKES = 400
"""Lines and curves of a page without letters, whose letters may be drawn: about twenty to a letter."""
_MOST_PICTURES = 60
"""Pages of a document that are read by OCR; each takes seconds."""
_DPI = 200
GOOD_ENOUGH = 0.5
"""Below this quality the fallback is tried too, and the better of both is taken."""


def read(content: bytes, name: str, limits: Limits) -> Draft:
    """The text of all pages in order, `PAGE_BREAK` on a line of its own between them.

    Tables are " | " rows in their place, and tables.
    """
    try:
        first = _by_pypdfium2(content, name, limits)
        quality = quality_of(first.text)
        if quality >= GOOD_ENOUGH:
            return first
        reason = (
            f"pypdfium2's text has quality {quality:.2f}" if first.text.strip() else "pypdfium2 found no text"
        )
    except InputError:
        raise
    # PdfiumError for the most part.
    except Exception as error:
        first, reason = None, f"pypdfium2 failed ({type(error).__name__}: {error})"
    return _by_fallback(content, name, limits, first, reason)


def _by_fallback(content: bytes, name: str, limits: Limits, first: Draft | None, reason: str) -> Draft:
    try:
        second = _by_pypdf(content, name, limits)
    except InputError:
        raise
    # pypdf raises ValueError, TypeError, AssertionError, AttributeError, ... on a tenth of odd files.
    except Exception as error:
        if first is not None and first.text.strip():
            return replace(first, notes=(*first.notes, f"{reason}; pypdf failed ({error})"))
        raise InputError(
            f"{name}: this PDF is damaged or cut off ({reason}; pypdf: {error}): copy or download it again, "
            "or open it in the program that made it and save it anew"
        ) from error
    best = replace(second, notes=(*second.notes, f"{reason}: read by pypdf"))
    if first is not None and quality_of(first.text) >= quality_of(second.text):
        best = first
    if quality_of(best.text) < GOOD_ENOUGH and first is not None and is_installed():
        seen = _by_pypdfium2(content, name, limits, pictures=True)
        best = seen if quality_of(seen.text) > quality_of(best.text) else best
    if not best.text.strip():
        raise InputError(
            f"{name}: this PDF has no text layer ({second.n_pages} pages, scanned or drawn)"
            + (", and OCR found nothing on it: scan it anew" if is_installed() else f": {INSTALL}")
        )
    return best


def _by_pypdfium2(content: bytes, name: str, limits: Limits, *, pictures: bool = False) -> Draft:
    """Pages that are pictures, or with `pictures` all, are read by OCR where an engine is installed."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise _password_needed(name) from error
        raise
    try:
        _check_pages(len(document), name, limits)
        pages: list[str] = []
        tables: list[Table] = []
        seen: list[str] = []
        layout: Layout | None = None
        n_chars, n_seen, turned = 0, 0, 0
        for at in range(len(document)):
            page = document[at]
            text, found, layout = _page(page, at + 1, layout)
            if pictures or _is_picture(page, text):
                if not is_installed() or n_seen == _MOST_PICTURES:
                    seen.append(told_unread(at + 1))
                else:
                    n_seen += 1
                    by_ocr = read_picture(_rendered(page), at + 1, name, turned)
                    turned = by_ocr.turned
                    if pictures or _says_more(by_ocr, text):
                        text, found = by_ocr.text, by_ocr.tables
                        seen.append(by_ocr.told(at + 1))
            pages.append(text)
            tables += found
            n_chars += len(text)
            if n_chars > limits.max_chars:
                break  # the caller names the limit; the rest need not be read
        notes: tuple[str, ...] = ()
        if tables:
            where = ", ".join(str(page) for page in sorted({table.page or 0 for table in tables}))
            notes = (f"pages with tables: {where}",)
        method = "rapidocr" if n_seen == len(pages) else "pypdfium2"
        return Draft(_joined(pages), method, tuple(tables), n_pages=len(document), notes=(*notes, *seen))
    finally:
        document.close()


def _page(page: Any, number: int, before: Layout | None) -> tuple[str, tuple[Table, ...], Layout | None]:
    """A page's text with its tables in place, the tables, and columns that the next page may go on with."""
    from domain.documents.pdf_columns import may_hold_columns, page_with_columns
    from domain.documents.pdf_rules import rules_of
    from domain.documents.pdf_tables import page_with_tables

    text = page.get_textpage().get_text_range()
    found = page_with_tables(page, number)
    if found is not None:
        return *found, None
    if before is not None or may_hold_columns(text):
        columned = page_with_columns(page, number, rules_of(page), before)
        if columned is not None:
            return columned.text, (columned.table,), columned.layout
    return text, (), None


def _is_picture(page: Any, text: str) -> bool:
    """Whether a page's letters, most likely, are in a picture: they are few, or soup over a picture."""
    import pypdfium2.raw as pdfium

    n_letters = sum(map(str.isalnum, text))
    if n_letters >= _STAMPED_LETTERS and quality_of(text) >= GOOD_ENOUGH:
        return False
    width, height = page.get_size()
    least = 0.0 if n_letters < _FEW_LETTERS else _FILLED * width * height
    n_strokes = 0
    for one in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_PATH], max_depth=2):
        if one.type == pdfium.FPDF_PAGEOBJ_IMAGE and _area(one) >= least:
            return True
        if one.type == pdfium.FPDF_PAGEOBJ_PATH and n_letters < _FEW_LETTERS:
            n_strokes += pdfium.FPDFPath_CountSegments(one)
            if n_strokes > _MANY_STROKES:
                return True
    return False


def _area(drawn: Any) -> float:
    """Square points; of an object in a form, the form's."""
    left, bottom, right, top = (drawn.container or drawn).get_bounds()
    return float(abs(right - left) * abs(top - bottom))


def _says_more(by_ocr: Seen, text: str) -> bool:
    """Whether OCR read what the page's own letters do not say."""
    if sum(map(str.isalnum, text)) >= _FEW_LETTERS and quality_of(text) < GOOD_ENOUGH:
        return quality_of(by_ocr.text) > quality_of(text)
    return len(by_ocr.text) > 1.2 * len(text)


def _rendered(page: Any) -> Any:
    """A page as a picture of at most `MOST_PIXELS`."""
    width, height = page.get_size()
    scale = min(_DPI / 72, (MOST_PIXELS / max(width * height, 1.0)) ** 0.5)
    return page.render(scale=scale).to_pil()


def _by_pypdf(content: bytes, name: str, limits: Limits) -> Draft:
    # pypdf warns about every oddity it repairs, thousands of lines for one bad file.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    from pypdf import PasswordType, PdfReader

    reader = PdfReader(io.BytesIO(content))
    if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
        raise _password_needed(name)
    n_pages = len(reader.pages)
    _check_pages(n_pages, name, limits)
    pages: list[str] = []
    n_chars = 0
    for page in reader.pages:
        pages.append(page.extract_text())
        n_chars += len(pages[-1])
        if n_chars > limits.max_chars:
            break
    return Draft(_joined(pages), "pypdf", n_pages=n_pages)


def _joined(pages: list[str]) -> str:
    # Code 127 is the bullet in the standard fonts' WinAnsi encoding; pdfium writes U+FFFE for a hyphen at a
    # line's end.
    plain = (page.replace(PAGE_BREAK, " ").replace("\x7f", "•").replace("\ufffe", "-") for page in pages)
    return _BETWEEN_PAGES.join(page.replace("\r\n", "\n") for page in plain)


def _check_pages(n_pages: int, name: str, limits: Limits) -> None:
    if n_pages > limits.max_pages:
        raise InputError(
            f"{name}: {n_pages} pages, more than the {limits.max_pages} allowed: split it, or raise the limit"
        )


def _password_needed(name: str) -> InputError:
    return InputError(f"{name}: this PDF is encrypted, a password is needed: save a copy without a password")
