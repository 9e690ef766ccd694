"""An image classifier at work: onnxruntime and numpy, no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from domain.errors import InputError
from domain.referral import REFER_ALL
from strategies.vision.calibration import probabilities
from strategies.vision.model_files import NETWORK, ClassifierModel

_AT_ONCE = 256

Decoder = Callable[[bytes, int, int], bytes]
"""A file's content, size and channels → its size · size · channels points, as the dataset was decoded."""


@dataclass(frozen=True)
class Classifier:
    """See `load_classifier`."""

    model: ClassifierModel
    session: Any

    @property
    def threshold(self) -> float:
        """The confidence from which on a label needs no human; above 1 where none is enough."""
        return float(self.model.threshold.get("threshold", REFER_ALL))

    def logits(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """(n, n_classes), of decoded images uint8 (n, size, size, channels). Raises InputError for others."""
        wanted = self.model.preprocessing
        shape = (wanted.size, wanted.size, wanted.channels)
        if images.dtype != np.uint8 or images.shape[1:] != shape:
            raise InputError(
                f"images are {images.dtype} {images.shape}, but the model takes uint8 (n, {shape[0]}, "
                f"{shape[1]}, {shape[2]}): decode them to that size first"
            )
        parts = [
            self.session.run(None, {"images": np.ascontiguousarray(images[start : start + _AT_ONCE])})[0]
            for start in range(0, len(images), _AT_ONCE)
        ]
        return np.concatenate(parts) if parts else np.empty((0, len(self.model.classes)), np.float32)

    def probabilities(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        """(n, n_classes), calibrated on the validation split."""
        return np.asarray(probabilities(self.logits(images), self.model.temperature), np.float64)

    def classify(self, images: npt.NDArray[np.uint8]) -> pd.DataFrame:
        """One row an image: label, class_name, confidence in it, refer (whether a human should look)."""
        likely = self.probabilities(images)
        label, confidence = likely.argmax(axis=1), likely.max(axis=1, initial=0.0)
        return pd.DataFrame(
            {
                "label": label,
                "class_name": np.array(self.model.classes, dtype=object)[label],
                "confidence": confidence,
                "refer": confidence < self.threshold,
            }
        )

    def classify_files(self, contents: Iterable[bytes], decode: Decoder) -> pd.DataFrame:
        """As `classify`, of picture files; what `decode` raises for a broken one is let through."""
        size, channels = self.model.preprocessing.size, self.model.preprocessing.channels
        points = b"".join(decode(content, size, channels) for content in contents)
        return self.classify(np.frombuffer(points, np.uint8).reshape(-1, size, size, channels))


def load_classifier(folder: Path, threads: int = 0) -> Classifier:
    """The classifier whose files are in `folder`; `threads` 0 for one a core.

    Raises InputError if there is none.
    """
    import onnxruntime

    model = ClassifierModel.from_folder(folder)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Threads that wait for each other would else spin: in batches, a third of the processor's seconds.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(
            str(folder / NETWORK), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime's own, of several classes
        raise InputError(f"{folder / NETWORK} is no network ({error}): train again") from error
    return Classifier(model, session)
