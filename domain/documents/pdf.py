"""PDF: pypdf first, pypdfium2 where pypdf fails or gives soup.

pypdf reads 48 pages a CPU-second, pypdfium2 608; on ordinary files they agree (word F1 0.986), and
on 1,002 odd ones they read 967 and 977 (FACTS.md).
"""

from __future__ import annotations

import io
import logging
from dataclasses import replace

from domain.documents.extraction import PAGE_BREAK, Draft, Limits, Table
from domain.documents.quality import quality_of
from domain.errors import InputError

_BETWEEN_PAGES = f"\n{PAGE_BREAK}\n"
GOOD_ENOUGH = 0.5
"""Below this quality the fallback is tried too, and the better of both is taken."""


def read(content: bytes, name: str, limits: Limits) -> Draft:
    """The text of all pages in order, `PAGE_BREAK` on a line of its own between them.

    Ruled tables are " | " rows in their place, and tables.
    """
    return _with_tables(content, _read(content, name, limits))


def _read(content: bytes, name: str, limits: Limits) -> Draft:
    try:
        first = _by_pypdf(content, name, limits)
        quality = quality_of(first.text)
        if quality >= GOOD_ENOUGH:
            return first
        reason = f"pypdf's text has quality {quality:.2f}" if first.text.strip() else "pypdf found no text"
    except InputError:
        raise
    # pypdf raises ValueError, TypeError, AssertionError, AttributeError, ... on a tenth of odd files.
    except Exception as error:
        first, reason = None, f"pypdf failed ({type(error).__name__}: {error})"
    return _by_fallback(content, name, limits, first, reason)


def _by_fallback(content: bytes, name: str, limits: Limits, first: Draft | None, reason: str) -> Draft:
    try:
        second = _by_pypdfium2(content, name, limits)
    except InputError:
        raise
    # PdfiumError for the most part, but OSError and ctypes errors were seen too.
    except Exception as error:
        if first is None or not first.text.strip():
            raise InputError(
                f"{name}: this PDF is damaged: {reason}, pypdfium2 failed ({error}): "
                "open it in a PDF viewer and print it to PDF again"
            ) from error
        return first
    if not second.text.strip() and (first is None or not first.text.strip()):
        raise InputError(
            f"{name}: this PDF has no text layer ({second.n_pages} pages, scanned or drawn): "
            "run OCR on it (such as ocrmypdf) and give the result"
        )
    if first is not None and quality_of(first.text) >= quality_of(second.text):
        return first
    return Draft(second.text, second.method, n_pages=second.n_pages, notes=(f"{reason}: read by pypdfium2",))


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
            break  # the caller names the limit; the rest need not be read
    return Draft(_joined(pages), "pypdf", n_pages=n_pages)


def _by_pypdfium2(content: bytes, name: str, limits: Limits) -> Draft:
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
        n_chars = 0
        for page in document:
            pages.append(page.get_textpage().get_text_bounded())
            n_chars += len(pages[-1])
            if n_chars > limits.max_chars:
                break
        return Draft(_joined(pages), "pypdfium2", n_pages=len(document))
    finally:
        document.close()


def _with_tables(content: bytes, draft: Draft) -> Draft:
    import pypdfium2

    from domain.documents.pdf_columns import may_hold_columns, page_with_columns
    from domain.documents.pdf_tables import page_with_tables, rules_of

    pages = draft.text.split(_BETWEEN_PAGES)
    tables: list[Table] = []
    try:
        document = pypdfium2.PdfDocument(content)
        try:
            for at in range(min(len(pages), len(document))):
                page = document[at]
                found = page_with_tables(page, at + 1)
                if found is None and may_hold_columns(pages[at]) and not page.get_rotation():
                    found = page_with_columns(page, at + 1, rules_of(page))
                if found is not None:
                    pages[at], tables = found[0], [*tables, *found[1]]
        finally:
            document.close()
    # PdfiumError for the most part. pypdf read this file, so its text stands without tables.
    except Exception as error:
        return replace(draft, notes=(*draft.notes, f"tables were not looked for: pypdfium2 failed ({error})"))
    if not tables:
        return draft
    where = ", ".join(str(page) for page in sorted({table.page or 0 for table in tables}))
    note = f"pages with tables, laid out by pypdfium2: {where}"
    return replace(draft, text=_joined(pages), tables=tuple(tables), notes=(*draft.notes, note))


def _joined(pages: list[str]) -> str:
    # Code 127 is the bullet in the standard fonts' WinAnsi encoding; pypdf leaves it as it is.
    return _BETWEEN_PAGES.join(page.replace(PAGE_BREAK, " ").replace("\x7f", "•") for page in pages)


def _check_pages(n_pages: int, name: str, limits: Limits) -> None:
    if n_pages > limits.max_pages:
        raise InputError(
            f"{name}: {n_pages} pages, more than the {limits.max_pages} allowed: split it, or raise the limit"
        )


def _password_needed(name: str) -> InputError:
    return InputError(f"{name}: this PDF is encrypted, a password is needed: save a copy without a password")
