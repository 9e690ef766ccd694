"""How fast and how well `native` learns images: beside a bare loop, beside files, and on its test part.

    python benchmarks/vision.py [--data ../shared/data] [--budget 345] [--threads 2] [--quick] [--pipeline]

Data: Fashion-MNIST (Zalando Research, MIT). The training images are cut 54,000 / 6,000 by a seed; everything
is chosen on the 6,000, and the 10,000 test images are scored once, at the end. Speeds are images per
CPU-second (children included), since the machine may be shared; loops take turns, and the ratio is the
median over the turns. The network is the one that `native` takes by itself for these images and this budget.
All loops get the same number of threads. Beside other work the loops that let torch spread each operator
over them spin, so ratios flatter `native` there: --threads 1 compares the loops without that.
What limits the ratios is told in docs/pictures.md, and larger pictures are in `large_pictures.py`.
`--quick` leaves the accuracy out (null). `--pipeline` also runs the whole command (see `pipeline.py`), in
about six minutes; without it `pipeline_share` is null.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.processes import PATIENT_THREADS

# As in `trainyard`, and for every loop alike; read when torch is imported.
os.environ.setdefault(*PATIENT_THREADS)

import numpy as np
import pandas as pd
import torch
from PIL import Image

from benchmarks.loops import Loops, speed
from benchmarks.pipeline import pipeline_shares
from domain.identity import hash_bytes
from domain.kinds import Split
from domain.vision.corruptions import CORRUPTIONS
from domain.vision.metrics import accuracy, classification_figures
from strategies.base import Checkpoint, Surroundings, VisionData
from strategies.vision.classifier import Classifier, load_classifier
from strategies.vision.learner import load_weights, part_of
from strategies.vision.native import Native
from strategies.vision.onnx_export import Classifying

BATCH, STEPS, TURNS = 256, 25, 5


def decoded(archive: Path, place: Path) -> pd.DataFrame:
    """Writes images.npy into `place`; the rows of all 70,000 images, split by folder and seed."""
    with zipfile.ZipFile(archive) as opened:
        names = sorted(name for name in opened.namelist() if name.endswith(".png"))
        images = np.empty((len(names), 28, 28, 1), np.uint8)
        for at, name in enumerate(names):
            images[at, :, :, 0] = np.asarray(Image.open(io.BytesIO(opened.read(name))))
    np.save(place / "images.npy", images)
    class_names = [name.split("/")[1] for name in names]
    classes = sorted(set(class_names))
    split = np.array([name.split("/")[0] for name in names], dtype=object)
    held = np.random.default_rng(0).permutation(np.flatnonzero(split == "train"))[:6000]
    split[held] = Split.VALIDATION.value
    return pd.DataFrame(
        {
            "row": range(len(names)),
            "image_id": [hash_bytes(image.tobytes()) for image in images],
            "path": names,
            "class_name": class_names,
            "label": [classes.index(name) for name in class_names],
            "split": split,
        }
    )


def shown(rows: pd.DataFrame, place: Path) -> VisionData:
    """What a strategy sees of the rows."""
    seen = rows[rows["split"] != Split.TEST.value].reset_index(drop=True)
    classes = tuple(sorted(set(rows["class_name"])))
    return VisionData(place / "images.npy", seen, classes, "fashion-mnist", Surroundings(place / "scratch"))


def unpacked(archive: Path, rows: pd.DataFrame, folder: Path) -> Path:
    with zipfile.ZipFile(archive) as opened:
        for path in rows["path"]:
            opened.extract(path, folder)
    return folder / "train"


def ratios(archive: Path, rows: pd.DataFrame, place: Path, network: str) -> dict[str, float | None]:
    """Of our loop to the others, on as many images as one turn takes."""
    train = rows[rows["split"] == Split.TRAIN.value].sample(STEPS * BATCH, random_state=0)
    held = rows[rows["split"] == Split.VALIDATION.value].head(500)
    loops = Loops(shown(pd.concat([train, held]), place), network)
    others: dict[str, Callable[[], int]] = {"bare loop, decoded tensor": loops.bare}
    try:
        import torchvision  # noqa: F401

        folder = unpacked(archive, train, place / "files")
        others["ImageFolder + DataLoader"] = lambda: loops.files(folder, False)
        others["the same in our arithmetic"] = lambda: loops.files(folder, True)
    except ImportError:
        print(
            "torchvision is not installed: the loop over files is left out (pip install 'trainyard[vision]')"
        )
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in others}
    for loop in (loops.ours, *others.values()):
        loop()
    for _ in range(TURNS):
        for name, loop in others.items():
            found[name].append((speed(loops.ours), speed(loop)))
    print(f"\n{'loop':30} images/CPU-s    native    ratio (median of {TURNS})")
    medians: dict[str, float | None] = {}
    for name, pairs in found.items():
        medians[name] = statistics.median(a / b for a, b in pairs)
        ours, other = (statistics.median(values) for values in zip(*pairs, strict=True))
        print(f"{name:30} {other:12,.0f} {ours:9,.0f} {medians[name]:8.2f}")
    names = list(medians) + [None] * (3 - len(medians))
    return {
        "ratio_to_bare": medians[str(names[0])],
        "ratio_to_imagefolder": medians.get(str(names[1])),
        "ratio_to_imagefolder_same_arithmetic": medians.get(str(names[2])),
    }


def trained(data: VisionData, budget: float, folder: Path) -> tuple[Checkpoint, Classifier, float]:
    """The best checkpoint within the budget, its model, and the CPU-seconds of training it."""
    strategy, began = Native(), time.process_time()
    config = strategy.Hyperparameters(budget_seconds=budget, budget_clock="cpu")
    checkpoint = best = strategy.start(config, data)
    while not checkpoint.done:
        try:
            next(strategy.iterate(checkpoint, data))
        except StopIteration as end:
            checkpoint = end.value
        best = checkpoint if checkpoint.metrics["accuracy"] == checkpoint.best else best
        print(
            f"iteration {checkpoint.iteration}: validation {checkpoint.metrics['accuracy']:.4f}", flush=True
        )
    used = time.process_time() - began
    folder.mkdir()
    for name, content in strategy.finish(best, data).files.items():
        (folder / name).write_bytes(content)
    return best, load_classifier(folder, torch.get_num_threads()), used


def onnx_speedups(
    best: Checkpoint, classifier: Classifier, images: np.ndarray, data: VisionData
) -> dict[str, float]:
    """Of onnxruntime over eager torch, the same graph and threads, median over turns.

    `onnx_speedup` is for one image at a time, as a service gets them; batches keep torch busier.
    """
    strategy = Native()
    network = strategy.design(best, strategy.Hyperparameters(**best.config), data).build()
    load_weights(network, part_of(best.tensors, "average"))
    wanted = classifier.model.preprocessing
    eager = Classifying(network, wanted.mean, wanted.deviation, wanted.mirrored).eval()

    def torch_loop(batch: int) -> int:
        with torch.no_grad():
            for start in range(0, len(images), batch):
                eager(torch.from_numpy(images[start : start + batch]))
        return len(images)

    def onnx_loop(batch: int) -> int:
        for start in range(0, len(images), batch):
            classifier.session.run(None, {"images": images[start : start + batch]})
        return len(images)

    print(f"\n{'batch':>6} {'torch':>9} {'onnx':>9}  images/CPU-s")
    found = {}
    for batch in (1, 32, 256):
        pairs = [(speed(lambda: onnx_loop(batch)), speed(lambda: torch_loop(batch))) for _ in range(TURNS)]  # noqa: B023
        found[batch] = statistics.median(a / b for a, b in pairs)
        onnx, eager_speed = (statistics.median(values) for values in zip(*pairs, strict=True))
        print(f"{batch:6} {eager_speed:9,.0f} {onnx:9,.0f}  ratio {found[batch]:.2f}")
    names = {1: "onnx_speedup", 32: "onnx_speedup_batch_32", 256: "onnx_speedup_batch_256"}
    return {names[batch]: ratio for batch, ratio in found.items()}


def show_test(classifier: Classifier, rows: pd.DataFrame, place: Path) -> float:
    """Prints the figures on the test images, and what corruption does to them."""
    test = rows[rows["split"] == Split.TEST.value]
    images = np.load(place / "images.npy", mmap_mode="r")[test["row"].to_numpy()]
    labels = test["label"].to_numpy()
    figures = classification_figures(labels, classifier.probabilities(images))
    print("\ntest (10,000 images, 95 % interval)")
    for name, figure in figures.items():
        print(f"{name:10} {figure.value:.4f}  {figure.low:.4f} to {figure.high:.4f}")
    told = classifier.classify(images[:2000])
    print(f"referred to a human: {told['refer'].mean():.1%}")
    for name, corruption in CORRUPTIONS.items():
        worse = [
            accuracy(labels[:2000], classifier.classify(corruption(images[:2000], s, 0))["label"])
            for s in (1, 3, 5)
        ]
        print(f"{name:10} at severity 1, 3, 5: " + ", ".join(f"{value:.3f}" for value in worse))
    return figures["accuracy"].value


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--budget", type=float, default=345.0, help="CPU-seconds of the training")
    parser.add_argument("--threads", type=int, default=0, help="of torch and onnxruntime; 0 for all cores")
    parser.add_argument(
        "--quick", action="store_true", help="train for 20 CPU-seconds and score no test image"
    )
    parser.add_argument("--pipeline", action="store_true", help="run the whole command, too")
    chosen = parser.parse_args()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    archive = chosen.data / "vision" / "fashion-mnist.zip"
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as made:
        place = Path(made)
        rows = decoded(archive, place)
        data = shown(rows, place)
        config = Native().Hyperparameters(budget_seconds=chosen.budget, budget_clock="cpu")
        network = str(Native().start(config, data).state["network"])
        print(f"network: {network}, {torch.get_num_threads()} threads")
        result |= ratios(archive, rows, place, network)
        best, classifier, used = trained(data, 20.0 if chosen.quick else chosen.budget, place / "model")
        print(f"\ntrained in {used:.0f} CPU-seconds with {torch.get_num_threads()} threads")
        sample = np.array(np.load(place / "images.npy", mmap_mode="r")[:1024])
        result |= onnx_speedups(best, classifier, sample, data)
        result["accuracy"] = None if chosen.quick else show_test(classifier, rows, place)
        result["train_cpu_seconds"] = used
    # A share of the pipeline's time is known only where a pipeline ran.
    result |= pipeline_shares(archive, 300.0) if chosen.pipeline else {"pipeline_share": None}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
