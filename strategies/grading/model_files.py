"""A grader as files: JSON for what people may read, safetensors for numbers, ONNX for networks.

Students' texts are not among them: graded answers are kept as hashed, weighted counts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save
from scipy import sparse

from domain.errors import InputError
from strategies.grading.calibration import Scale
from strategies.grading.features import Floats, Reference, Weights
from strategies.grading.itemwise import SPARSE_VIEWS, Beliefs, Vectors
from strategies.grading.reading import Reader
from strategies.grading.text import N_COLUMNS

FORMAT = 1
NETWORK, DESCRIPTION, ARRAYS = "model.onnx", "grader.json", "records.safetensors"
ENCODER, TOKENIZER = "encoder.onnx", "tokenizer.json"


@dataclass(frozen=True)
class KnownItem:
    """An item that the model was trained on. `fold` is the committee member blind to it, -1 for none."""

    item_id: str
    reference: Reference
    max_score: float
    step: float
    fold: int


@dataclass(frozen=True)
class GraderModel:
    """All that a grader knows, except its networks. Row i of the arrays is the i-th graded answer."""

    strategy: str
    items: tuple[KnownItem, ...]
    beliefs: Beliefs
    reader: Reader
    vectors: Vectors
    shares: Floats
    committee: Floats
    item: np.ndarray
    """int32, which of `items` a graded answer belongs to."""
    tolerance: float
    known_scale: Scale = field(default_factory=Scale)
    unseen_scale: Scale = field(default_factory=Scale)
    threshold: Mapping[str, Any] = field(default_factory=dict)
    """Of confidence, for answers to known items (see domain.referral.Threshold)."""
    unseen_threshold: Mapping[str, Any] = field(default_factory=dict)
    encoder: Mapping[str, Any] | None = None

    def to_files(self) -> dict[str, bytes]:
        text = json.dumps(self._described(), ensure_ascii=False, sort_keys=True, indent=1)
        return {DESCRIPTION: text.encode(), ARRAYS: bytes(save(self._arrays()))}

    def _described(self) -> dict[str, Any]:
        beliefs = {**asdict(self.beliefs), "weights": [float(w) for w in self.beliefs.weights]}
        return {
            "format": FORMAT,
            "strategy": self.strategy,
            "items": [asdict(item) for item in self.items],
            "beliefs": beliefs,
            "kernels": list(self.vectors.kernels),
            "n_texts": {view: weights.n_texts for view, weights in self.reader.weights.items()},
            "tolerance": self.tolerance,
            "scales": {"known": self.known_scale.described(), "unseen": self.unseen_scale.described()},
            "threshold": dict(self.threshold),
            "unseen_threshold": dict(self.unseen_threshold),
            "encoder": self.encoder,
        }

    def _arrays(self) -> dict[str, np.ndarray]:
        arrays = {
            "centre": self.reader.centre,
            "scale": self.reader.scale,
            "features": self.vectors.features,
            "shares": self.shares,
            "committee": self.committee,
            "item": self.item,
        }
        for view in SPARSE_VIEWS:
            weights, matrix = self.reader.weights[view], self.vectors.views[view]
            arrays |= {f"{view}.columns": weights.columns, f"{view}.n_with": weights.n_with}
            arrays |= {f"{view}.{part}": getattr(matrix, part) for part in ("data", "indices", "indptr")}
        if self.vectors.embeddings is not None:
            arrays["embeddings"] = self.vectors.embeddings.astype(np.float16)
        return {name: np.ascontiguousarray(array) for name, array in sorted(arrays.items())}

    @staticmethod
    def from_folder(folder: Path) -> GraderModel:
        """Reads what `to_files` wrote. Raises InputError when the folder holds no grader."""
        try:
            described = json.loads((folder / DESCRIPTION).read_text("utf-8"))
            with safe_open(folder / ARRAYS, framework="np") as file:
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except Exception as error:  # every reader of files has its own errors
            raise InputError(
                f"{folder} holds no grader ({error}): give the folder of a trained model"
            ) from error
        if described.get("format") != FORMAT:
            raise InputError(
                f"{folder} has model format {described.get('format')}, not {FORMAT}: train again"
            )
        return _assembled(described, arrays)


def _assembled(described: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> GraderModel:
    views = {
        view: sparse.csr_matrix(
            tuple(arrays[f"{view}.{part}"] for part in ("data", "indices", "indptr")),
            shape=(len(arrays["shares"]), N_COLUMNS),
        )
        for view in SPARSE_VIEWS
    }
    embeddings = arrays["embeddings"].astype(np.float32) if "embeddings" in arrays else None
    weights = {
        view: Weights(described["n_texts"][view], arrays[f"{view}.columns"], arrays[f"{view}.n_with"])
        for view in SPARSE_VIEWS
    }
    beliefs = described["beliefs"]
    return GraderModel(
        strategy=described["strategy"],
        items=tuple(_item(one) for one in described["items"]),
        beliefs=Beliefs(np.array(beliefs["weights"]), beliefs["noise"], beliefs["trust"], beliefs["mean"]),
        reader=Reader(weights, arrays["centre"], arrays["scale"]),
        vectors=Vectors(views, arrays["features"], embeddings),
        shares=arrays["shares"],
        committee=arrays["committee"],
        item=arrays["item"],
        tolerance=described["tolerance"],
        known_scale=Scale.from_json(described["scales"]["known"]),
        unseen_scale=Scale.from_json(described["scales"]["unseen"]),
        threshold=described["threshold"],
        unseen_threshold=described["unseen_threshold"],
        encoder=described["encoder"],
    )


def _item(described: Mapping[str, Any]) -> KnownItem:
    said = described["reference"]
    reference = Reference(said["question"], tuple(said["answers"]), tuple(said["points"]))
    return KnownItem(**{**described, "reference": reference})
