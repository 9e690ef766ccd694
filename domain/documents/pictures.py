"""PNG, JPEG and TIFF: pages that were photographed or scanned, read by OCR.

Pictures are checked by what they promise before a point of them is unpacked.
"""

from __future__ import annotations

import io
from typing import Any

from domain.documents.extraction import PAGE_BREAK, Draft, Limits, Table
from domain.documents.ocr import INSTALL, MOST_PIXELS, is_installed, read_picture
from domain.errors import InputError

_MOST_PAGES = 60


def read(content: bytes, name: str, limits: Limits) -> Draft:
    """The text of each page, in order; a TIFF may hold several."""
    if not is_installed():
        raise InputError(f"{name}: this is a picture: {INSTALL}, or give its text")
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "TIFF")) as picture:
            return _read(picture, name, limits)
    # UnidentifiedImageError, SyntaxError, struct.error and more for pictures that end too soon.
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        kind = {b"\x89P": "PNG", b"\xff\xd8": "JPEG"}.get(content[:2], "TIFF")
        raise InputError(
            f"{name}: this {kind} picture is damaged or cut off ({type(error).__name__}): "
            "scan or save it anew, or give its text"
        ) from error


def _read(picture: Any, name: str, limits: Limits) -> Draft:
    from PIL import ImageOps

    n_pages = getattr(picture, "n_frames", 1)
    if n_pages > min(_MOST_PAGES, limits.max_pages):
        raise InputError(f"{name}: {n_pages} pages, more than the {_MOST_PAGES} that are read: split it")
    pages: list[str] = []
    tables: list[Table] = []
    told: list[str] = []
    turned = 0
    for at in range(n_pages):
        picture.seek(at)
        _check_size(picture, name)
        # A phone's picture says in its EXIF data how it was held.
        seen = read_picture(ImageOps.exif_transpose(picture), at + 1, name, turned)
        pages.append(seen.text)
        tables += seen.tables
        turned = seen.turned
        told.append(seen.told(at + 1))
    return Draft(f"\n{PAGE_BREAK}\n".join(pages), "rapidocr", tuple(tables), n_pages, tuple(told))


def _check_size(picture: Any, name: str) -> None:
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise InputError(
            f"{name}: {width} by {height} points, more than the {MOST_PIXELS / 1e6:g} million allowed: "
            "make the picture smaller"
        )
