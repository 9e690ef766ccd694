"""An image classifier as files: an ONNX graph, and JSON that people may read.

model.onnx, labels.json (the class names in the order of the logits), preprocessing.json (what an image
has to be before it goes in), calibration.json (temperature, and the threshold of confidence).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from domain.errors import InputError

FORMAT = 1
NETWORK, LABELS = "model.onnx", "labels.json"
PREPROCESSING, CALIBRATION = "preprocessing.json", "calibration.json"


@dataclass(frozen=True)
class Preprocessing:
    """What the graph takes: uint8 (n, size, size, channels). What follows happens inside of it."""

    size: int
    channels: int
    mean: tuple[float, ...]
    """Of pixels in [0, 255], a number a channel; subtracted in the graph."""
    deviation: tuple[float, ...]
    mirrored: bool
    """Whether the graph also looks at the mirror image."""


@dataclass(frozen=True)
class ClassifierModel:
    """All that a classifier knows, except its network."""

    strategy: str
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    temperature: float = 1.0
    threshold: Mapping[str, Any] = field(default_factory=dict)
    """Of confidence (see domain.referral.Threshold)."""

    def to_files(self) -> dict[str, bytes]:
        calibration = {
            "format": FORMAT,
            "strategy": self.strategy,
            "temperature": self.temperature,
            "threshold": dict(self.threshold),
        }
        described = {
            LABELS: list(self.classes),
            PREPROCESSING: {
                "input": "images: uint8 (n, size, size, channels), grey or RGB",
                "decoding": "turned as EXIF says, on white, scaled (bicubic) to cover the square, its middle",
                "in_the_graph": "(pixels - mean) / deviation",
                **asdict(self.preprocessing),
            },
            CALIBRATION: calibration,
        }
        return {name: _json(value) for name, value in described.items()}

    @staticmethod
    def from_folder(folder: Path) -> ClassifierModel:
        """Reads what `to_files` wrote. Raises InputError when the folder holds no classifier."""
        try:
            classes = json.loads((folder / LABELS).read_text("utf-8"))
            said = json.loads((folder / PREPROCESSING).read_text("utf-8"))
            calibration = json.loads((folder / CALIBRATION).read_text("utf-8"))
            if calibration["format"] != FORMAT:
                raise InputError(f"its format is {calibration['format']}, not {FORMAT}: train again")
            return ClassifierModel(
                strategy=calibration["strategy"],
                classes=tuple(classes),
                preprocessing=Preprocessing(
                    size=int(said["size"]),
                    channels=int(said["channels"]),
                    mean=tuple(said["mean"]),
                    deviation=tuple(said["deviation"]),
                    mirrored=bool(said["mirrored"]),
                ),
                temperature=float(calibration["temperature"]),
                threshold=calibration["threshold"],
            )
        except Exception as error:  # every reader of files has its own errors
            raise InputError(
                f"{folder} holds no image classifier ({error}): give the folder of a trained model"
            ) from error


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1).encode()
