"""The model at the end of a training: its files, judged and calibrated by the runtime that users get."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from domain.errors import StrategyError
from domain.kinds import Split
from domain.referral import Threshold, choose_threshold
from domain.vision.metrics import accuracy, expected_calibration_error, log_loss, macro_f1
from strategies.base import Checkpoint, TrainedModel, VisionData
from strategies.vision.calibration import fitting_temperature, probabilities
from strategies.vision.classifier import Classifier, load_classifier
from strategies.vision.hyperparameters import LoopHyperparameters
from strategies.vision.learner import load_weights, part_of
from strategies.vision.model_files import NETWORK, ClassifierModel, Preprocessing
from strategies.vision.onnx_export import Classifying, to_onnx
from strategies.vision.pixels import mapped_images
from strategies.vision.residual import macs_of
from strategies.vision.training import Design, channels_and_size

TOLERANCE = 1e-4
"""Most by which a logit may differ between the trained network and its ONNX graph."""
_AT_ONCE = 256


def finished_model(
    name: str, checkpoint: Checkpoint, config: LoopHyperparameters, data: VisionData, design: Design
) -> TrainedModel:
    """The model's files, calibrated on what the same files say of the validation split.

    Raises StrategyError if the exported graph does not say what the trained network says.
    """
    network = design.build()
    load_weights(network, part_of(checkpoint.tensors, "average"))
    channels, size = channels_and_size(data)
    mean, deviation = checkpoint.state["mean"], checkpoint.state["deviation"]
    held = data.rows[data.rows["split"] == Split.VALIDATION.value].sort_values("row")
    images = mapped_images(data)[held["row"].to_numpy(np.int64)]
    labels = held["label"].to_numpy(np.int64)
    classifying = Classifying(network, mean, deviation, mirrored=False).eval()
    # On CPUs, too, convolutions are faster with the channels last.
    classifying = classifying.to(memory_format=torch.channels_last)
    trained = _logits(classifying, images)
    if config.flip and config.mirrored:
        classifying, trained = _better_side(classifying, trained, images, labels)
    preprocessing = Preprocessing(size, channels, tuple(mean), tuple(deviation), classifying.mirrored)
    model = ClassifierModel(name, data.classes, preprocessing)
    graph = to_onnx(classifying, channels, size)
    with _loaded({**model.to_files(), NETWORK: graph}, data.surroundings.scratch) as classifier:
        logits = classifier.logits(images)
    difference = _difference(trained, logits)
    # Near copies are right or wrong together.
    groups = held["group"].to_numpy() if "group" in held else None
    model = _calibrated(model, logits, labels, groups, data.promised_accuracy)
    likely = probabilities(logits, model.temperature)
    said, sure = likely.argmax(axis=1), likely.max(axis=1)
    card = {
        "strategy": name,
        "network": design.name,
        "iteration": checkpoint.iteration,
        "n_parameters": sum(p.numel() for p in network.parameters()),
        "macs_per_image": macs_of(network, channels, size),
        "classes": list(data.classes),
        "n_train": int((data.rows["split"] == Split.TRAIN.value).sum()),
        "n_validation": len(labels),
        "metrics": {
            **checkpoint.metrics,
            "accuracy": accuracy(labels, said),
            "macro_f1": macro_f1(labels, said, len(data.classes)),
            "log_loss": log_loss(labels, likely),
            "ece": expected_calibration_error(sure, said == labels),
        },
        "temperature": model.temperature,
        "threshold": dict(model.threshold),
        "onnx_difference": difference,
        "precision": checkpoint.state["precision"],
    }
    return TrainedModel({**model.to_files(), NETWORK: graph}, dict(checkpoint.config), card)


@contextmanager
def _loaded(files: dict[str, bytes], scratch: Path) -> Iterator[Classifier]:
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        yield load_classifier(Path(folder))


@torch.no_grad()
def _logits(classifying: Classifying, images: np.ndarray) -> np.ndarray:
    """Of the trained network itself, in full precision."""
    parts = [
        classifying(torch.from_numpy(np.ascontiguousarray(images[start : start + _AT_ONCE]))).numpy()
        for start in range(0, len(images), _AT_ONCE)
    ]
    return np.concatenate(parts)


def _better_side(
    classifying: Classifying, plain: np.ndarray, images: np.ndarray, labels: np.ndarray
) -> tuple[Classifying, np.ndarray]:
    """With the mirror image looked at too, if that makes validation less surprising; and its logits.

    Training on mirrored images does not promise it: a frozen backbone was never trained on these.
    """
    both = (plain + _logits(classifying, images[:, :, ::-1])) / 2
    surprises = [
        log_loss(labels, probabilities(logits, fitting_temperature(logits, labels)))
        for logits in (plain, both)
    ]
    classifying.mirrored = surprises[1] < surprises[0]
    return classifying, both if classifying.mirrored else plain


def _difference(trained: np.ndarray, logits: np.ndarray) -> float:
    """The largest between the trained network's logits and the graph's, over all of validation."""
    difference = float(np.abs(trained - logits).max())
    changed = int((trained.argmax(axis=1) != logits.argmax(axis=1)).sum())
    # Logits of hundreds (a network without normalisation) carry fewer digits after the point.
    if changed or difference > TOLERANCE * max(1.0, float(np.abs(trained).max()) / 10):
        raise StrategyError(
            f"the exported network differs from the trained one by {difference:.2g} and in {changed} of "
            f"{len(logits)} labels: choose another network, or report this"
        )
    return difference


def _calibrated(
    model: ClassifierModel,
    logits: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray | None,
    promised: float,
) -> ClassifierModel:
    """The model with its temperature, and the confidence from which on the promise holds."""
    temperature = fitting_temperature(logits, labels)
    likely = probabilities(logits, temperature)
    right = likely.argmax(axis=1) == labels
    threshold = choose_threshold(likely.max(axis=1), right, promised, groups=groups, things="labelled images")
    return replace(model, temperature=temperature, threshold=_described(threshold))


def _described(threshold: Threshold) -> dict[str, Any]:
    """As JSON, which has no NaN."""
    return {name: None if value != value else value for name, value in asdict(threshold).items()}
