"""One picture's bytes to points: checked by decoding it whole, whatever its name says.

Called in processes that hold nothing else (`domain.vision.reader`): decoders have had holes.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from domain.errors import InputError
from domain.vision.records import Look

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "DIB", "WEBP", "TIFF", "PPM")
"""Never more: Pillow would also run other programs (EPS) and fetch nothing good."""
MOST_PIXELS = 50_000_000
LONGEST_SHAPE = 50
"""A side may be as many times the other; what is longer is a strip, of which a square shows nothing."""
_ORIENTATION = 0x0112
_MANY_FRAMES = ("GIF", "WEBP", "PNG", "TIFF")

Image.MAX_IMAGE_PIXELS = None  # checked here, before a point is unpacked, and for every frame alike


@dataclass(frozen=True)
class Shape:
    """What pictures are decoded to: `size` by `size` points of 1 (grey) or 3 (red, green, blue) bytes."""

    size: int
    channels: int

    @property
    def n_bytes(self) -> int:
        return self.size * self.size * self.channels


@dataclass(frozen=True)
class Decoded:
    points: bytes
    """Rows from the top, points from the left, channels last."""
    look: Look


def decode(content: bytes, shape: Shape) -> Decoded:
    """A picture scaled so that it covers the square, the middle of it kept.

    Turned as its EXIF data say, transparent parts on white, 16 bits reduced to 8, the first of several
    frames; `Look.notes` names what was done. Raises InputError (the reason alone) for what is no sound
    picture.
    """
    if not content:
        raise InputError("it is empty: copy the picture anew")
    try:
        with warnings.catch_warnings():
            # About odd metadata; what matters raises.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                return _decoded(picture, shape)
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise InputError(
            f"it is no picture of a known format{_what(content)}: remove or replace it"
        ) from error
    # Pillow's plug-ins raise whatever damaged bytes lead them to.
    except Exception as error:
        raise InputError(
            f"it is damaged or cut off ({type(error).__name__}): copy or save the picture anew"
        ) from error


def _decoded(picture: Image.Image, shape: Shape) -> Decoded:
    width, height = picture.size
    _check_size(width, height)
    notes: list[str] = []
    if picture.format in _MANY_FRAMES and getattr(picture, "is_animated", False):
        notes.append("animated")
        picture.seek(0)
    # Turned by a quarter or not, a square is covered by the same draft.
    if picture.format in ("JPEG", "MPO") and min(width, height) > 2 * shape.size:
        picture.draft(None, (shape.size, shape.size))
    picture.load()
    if _turned(picture):
        notes.append("turned")
        picture = ImageOps.exif_transpose(picture)
        width, height = (
            (height, width) if (picture.width > picture.height) != (width > height) else (width, height)
        )
    picture = _eight_bits(picture, shape.channels, notes)
    if picture.size != (shape.size, shape.size):
        picture = ImageOps.fit(picture, (shape.size, shape.size), Image.Resampling.BICUBIC)
    return Decoded(picture.tobytes(), Look(width, height, tuple(notes)))


def _check_size(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise InputError(f"it is {width} by {height} points: replace it")
    if width * height > MOST_PIXELS:
        raise InputError(
            f"it is {width} by {height} points, more than the {MOST_PIXELS / 1e6:g} million allowed: "
            "make it smaller"
        )
    if max(width, height) > LONGEST_SHAPE * min(width, height):
        raise InputError(f"it is a strip of {width} by {height} points: cut it into pictures")


def _turned(picture: Image.Image) -> bool:
    if picture.format == "PNG" and not {"exif", "Raw profile type exif"} & set(picture.info):
        # Asking reads the file to its end.
        return False
    return picture.format in ("JPEG", "PNG", "WEBP", "TIFF", "MPO") and picture.getexif().get(
        _ORIENTATION, 1
    ) in range(2, 9)


def _eight_bits(picture: Image.Image, channels: int, notes: list[str]) -> Image.Image:
    """The picture in mode L or RGB, as `channels` says."""
    mode = "L" if channels == 1 else "RGB"
    if picture.mode.startswith(("I", "F")):
        picture = _reduced(picture, notes)
    elif picture.mode == "CMYK":
        notes.append("CMYK")
        picture = picture.convert("RGB")
    elif picture.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in picture.info:
        picture = _on_white(picture, notes)
    if mode == "L" and picture.mode not in ("L", "1"):
        picture = picture.convert("RGB")
        if _coloured(picture):
            notes.append("colour made grey")
    return picture if picture.mode == mode else picture.convert(mode)


def _reduced(picture: Image.Image, notes: list[str]) -> Image.Image:
    """16 bits to 8 by their upper half: the same for every picture, so that brightness stays comparable."""
    values = np.asarray(picture)
    if picture.mode == "F":
        if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
            raise InputError("it holds fractions beyond 0 to 1: save it with 8 or 16 bits")
        notes.append("fractions")
        return Image.fromarray(np.round(values * 255).astype(np.uint8))
    if values.min() < 0 or values.max() > 65_535:
        raise InputError("it holds numbers beyond 16 bits: save it with 8 or 16 bits")
    notes.append("16 bits")
    return Image.fromarray((values.astype(np.uint32) >> 8).astype(np.uint8))


def _on_white(picture: Image.Image, notes: list[str]) -> Image.Image:
    picture = picture.convert("RGBA")
    if picture.getchannel("A").getextrema() == (255, 255):
        return picture.convert("RGB")
    notes.append("transparent")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


def _coloured(picture: Image.Image) -> bool:
    """Whether a picture of three channels shows colour; JPEG's rounding is none."""
    small = np.asarray(picture.resize((32, 32)), dtype=np.int16)
    return bool((small.max(axis=2) - small.min(axis=2)).max() > 8)


def is_grey(points: Any) -> bool:
    """Whether decoded points (…, 3) show no colour."""
    spread = points.max(axis=-1).astype(np.int16) - points.min(axis=-1)
    return bool(spread.max(initial=0) <= 8)


def _what(content: bytes) -> str:
    start = content[:512].lstrip()
    if start[:1] == b"<":
        return " but a web page" if b"<html" in start.lower() or b"<!doctype" in start.lower() else " but XML"
    if start[:4] == b"%PDF":
        return " but a PDF"
    return " but text" if content[:512].isascii() and b"\0" not in content[:512] else ""
