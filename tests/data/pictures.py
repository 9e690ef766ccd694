"""Archives of small pictures, drawn here."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image


def picture(seed: int, size: int = 24, channels: int = 3) -> Image.Image:
    """Soft blots: like no other seed's, and still the same when scaled or saved anew."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (6, 6, channels), dtype=np.uint8)
    drawn = Image.fromarray(coarse[..., 0] if channels == 1 else coarse)
    return drawn.resize((size, size), Image.Resampling.BICUBIC)


def encoded(drawn: Image.Image, form: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    drawn.save(buffer, form, **options)
    return buffer.getvalue()


def png(seed: int, size: int = 24, channels: int = 3) -> bytes:
    return encoded(picture(seed, size, channels))


def pets(n: int = 10, folder: str = "", first: int = 0) -> dict[str, bytes]:
    """`n` pictures of each of two classes, by their names."""
    return {
        f"{folder}{name}/{at:03}.png": png(first + 1000 * place + at)
        for place, name in enumerate(("cat", "dog"))
        for at in range(n)
    }


def zipped(path: Path, contents: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


def spread(root: Path, contents: Mapping[str, bytes]) -> Path:
    """The same as files below a folder."""
    for name, content in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root
