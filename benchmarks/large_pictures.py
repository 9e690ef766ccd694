"""How fast `native` learns pictures of 256 by 256 points, beside a loop that reads them as JPEG files.

    python benchmarks/large_pictures.py [--pictures 512] [--threads 2]

The pictures are made here: textures of ten kinds, saved as JPEG. `native` reads them as the pipeline
decodes them, once, to 224 points; what that takes is told apart. The other loop is torchvision's ImageFolder
with a DataLoader, of the same network, once as its tutorials write it and once in our arithmetic. Images
per CPU-second (children included); loops take turns. Last line: JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

from infra.processes import PATIENT_THREADS

# As in `trainyard`, and for every loop alike; read when torch is imported.
os.environ.setdefault(*PATIENT_THREADS)

import numpy as np
import pandas as pd
import torch
from PIL import Image

from benchmarks.loops import Loops, cpu_seconds, speed
from domain.kinds import Split
from domain.vision.images import decode
from domain.vision.records import Look
from domain.vision.shapes import choose_shape
from strategies.base import Surroundings, VisionData

SIZE, N_CLASSES, TURNS = 256, 10, 3


def drawn(folder: Path, n: int) -> list[Path]:
    """n JPEG files below a folder a class: waves of a width that tells the class, in noise."""
    draw = np.random.default_rng(0)
    down, right = np.mgrid[:SIZE, :SIZE]
    paths = []
    for number in range(n):
        label = number % N_CLASSES
        angle = draw.uniform(0, np.pi)
        waves = np.sin((np.cos(angle) * down + np.sin(angle) * right) / (2 + label))
        points = 128 + 60 * waves[..., None] * draw.uniform(0.3, 1, 3) + draw.normal(0, 25, (SIZE, SIZE, 3))
        path = folder / str(label) / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(points.clip(0, 255).astype(np.uint8)).save(path, quality=90)
        paths.append(path)
    return paths


def prepared(paths: list[Path], place: Path) -> VisionData:
    """The pictures as a dataset, decoded in this process; nothing is judged, so 20 are held out as well."""
    shape = choose_shape([Look(SIZE, SIZE)], [False])
    points = b"".join(decode(path.read_bytes(), shape).points for path in paths)
    np.save(place / "images.npy", np.frombuffer(points, np.uint8).reshape(-1, shape.size, shape.size, 3))
    labels = [int(path.parent.name) for path in paths]
    rows = pd.DataFrame({"row": range(len(paths)), "label": labels, "split": Split.TRAIN.value})
    held = rows.head(20).assign(split=Split.VALIDATION.value)
    classes = tuple(str(label) for label in range(N_CLASSES))
    return VisionData(
        place / "images.npy",
        pd.concat([rows, held], ignore_index=True),
        classes,
        "textures",
        Surroundings(place / "scratch"),
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=512, help="of all kinds together")
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0 for all cores")
    chosen = parser.parse_args()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        paths = drawn(place / "files", chosen.pictures)
        began = cpu_seconds()
        data = prepared(paths, place)
        decoding = (cpu_seconds() - began) / len(paths)
        loops = Loops(data, "residual:16")
        others: dict[str, Callable[[], int]] = {
            "ImageFolder + DataLoader": lambda: loops.files(place / "files", False),
            "the same in our arithmetic": lambda: loops.files(place / "files", True),
        }
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in others}
        for _ in range(TURNS):
            for name, loop in others.items():
                found[name].append((speed(loops.ours), speed(loop)))
    print(
        f"{len(paths)} pictures, {torch.get_num_threads()} threads, "
        f"decoded once in {1000 * decoding:.1f} CPU-ms each"
    )
    print(f"\n{'loop':30} images/CPU-s    native    ratio (median of {TURNS})")
    medians = []
    for name, pairs in found.items():
        medians.append(statistics.median(a / b for a, b in pairs))
        ours, other = (statistics.median(values) for values in zip(*pairs, strict=True))
        print(f"{name:30} {other:12,.0f} {ours:9,.0f} {medians[-1]:8.2f}")
    names = ("ratio_to_imagefolder", "ratio_to_imagefolder_same_arithmetic")
    figures = dict(zip(names, medians, strict=True))
    print(json.dumps({**figures, "decode_cpu_seconds_per_image": decoding}))


if __name__ == "__main__":
    main()
