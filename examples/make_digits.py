"""Writes scikit-learn's handwritten digits as a ZIP of PNG files, a folder a class: real pictures, 8 by 8.

    python examples/make_digits.py FILE.zip

Equal bytes each time, so that a second run of the demo finds everything done.
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

import numpy as np

SCALE = 2
"""Each point becomes 2 by 2: networks that halve a picture three times need 16."""
_WHEN = (2026, 1, 1, 0, 0, 0)


def write_digits(path: Path) -> Path:
    """The 1,797 digits that scikit-learn carries, named by their place in its data set."""
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.part")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as archive:
        for number, (points, label) in enumerate(zip(digits.images, digits.target, strict=True)):
            grey = np.clip(255 - points * 255 / 16, 0, 255).round().astype(np.uint8)
            picture = Image.fromarray(grey.repeat(SCALE, axis=0).repeat(SCALE, axis=1))
            buffer = io.BytesIO()
            picture.save(buffer, "PNG")
            archive.writestr(zipfile.ZipInfo(f"{label}/{number:04}.png", _WHEN), buffer.getvalue())
    draft.replace(path)
    return path


if __name__ == "__main__":
    print(write_digits(Path(sys.argv[1])))
