"""Decoding an archive of pictures by walled reader processes, against a bare loop of Pillow over it.

    python benchmarks/pictures.py ARCHIVE.zip [N_READERS]

The loop reads with zipfile and decodes in this process, with no check, no limit and no wall. Prints a table
and, as its last line, JSON: pictures and seconds of each, and the ratio of pictures a second (readers over
loop; above 1 the readers are faster).
"""

from __future__ import annotations

import io
import json
import sys
import time
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from PIL import Image

from domain.vision.images import Shape
from domain.vision.records import Member
from infra.picture_readers import PicturePool, Seen


def main() -> None:
    path = Path(sys.argv[1])
    n_readers = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    pool = PicturePool(n_readers)
    started = time.perf_counter()
    members = [one for one in pool.list_archive(path) if isinstance(one, Member)]
    listing_seconds = time.perf_counter() - started
    names = [one.name for one in members]
    size, channels, loop_seconds = bare_loop(path, names)
    started = time.perf_counter()
    n_seen = sum(isinstance(one, Seen) for one in pool.decode(path, members, Shape(size, channels)))
    seconds = time.perf_counter() - started
    pool.stop()
    figures = {
        "n_images": len(members),
        "n_decoded": n_seen,
        "listing_seconds": round(listing_seconds, 2),
        "readers": n_readers,
        "readers_seconds": round(seconds, 2),
        "loop_seconds": round(loop_seconds, 2),
        "speed_over_loop": round(loop_seconds / seconds, 2),
    }
    for name, figure in figures.items():
        print(f"{name:>16}  {figure}")
    print(json.dumps(figures))


def bare_loop(path: Path, names: list[str]) -> tuple[int, int, float]:
    """(size and channels of the first picture, seconds for all of them)"""
    started = time.perf_counter()
    with zipfile.ZipFile(path) as archive:
        for name in names:
            with Image.open(io.BytesIO(archive.read(name))) as picture:
                picture.load()
                picture.tobytes()
        with Image.open(io.BytesIO(archive.read(names[0]))) as first:
            return max(first.size), 1 if first.mode in ("1", "L") else 3, time.perf_counter() - started


if __name__ == "__main__":
    main()
