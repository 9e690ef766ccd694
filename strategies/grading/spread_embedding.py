"""Sentence embeddings computed by several processes at once, equal to those of one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from strategies.base import Surroundings
from strategies.grading.encoder import Encoder
from strategies.grading.encoder_export import ExportedEncoder
from strategies.grading.features import Floats
from strategies.grading.model_files import ENCODER, TOKENIZER
from strategies.spreading import Part

_MOST_BATCHES = 32
"""Of a part: some ten seconds of one core, so that whoever asks for an end waits no longer."""
_FEWEST_PARTS = 8


def embed(texts: Sequence[str], encoder: ExportedEncoder, surroundings: Surroundings) -> Floats:
    """Rounded embeddings (n, d) of `texts`, by other processes where this place has some."""
    loaded = encoder.load()
    if surroundings.spread is None or len(batches := loaded.batches(texts)) < 2:
        return loaded(texts, surroundings.heed_stop)
    at_once = max(1, min(_MOST_BATCHES, len(batches) // _FEWEST_PARTS))
    # Whole batches, in their order: what is in one batch may change a last digit.
    rows = [np.concatenate(batches[start : start + at_once]) for start in range(0, len(batches), at_once)]
    described = json.dumps(dict(encoder.described))
    parts = [Part({"described": described, "texts": [texts[row] for row in some]}) for some in rows]
    found = surroundings.spread(embed_part, encoder.paths(), parts, surroundings.heed_stop)
    embedded = np.zeros((len(texts), found[0].shape[1]), np.float32)
    for some, vectors in zip(rows, found, strict=True):
        embedded[some] = vectors
    return embedded


def embed_part(files: Mapping[str, Path], part: Part) -> np.ndarray:
    """The embeddings of a part's texts; `files` are the encoder's."""
    encoder = _encoder(files[ENCODER], files[TOKENIZER], part.told["described"])
    return encoder(part.told["texts"])


@lru_cache(maxsize=1)
def _encoder(network: Path, tokenizer: Path, described: str) -> Encoder:
    return Encoder.from_files(network, tokenizer, json.loads(described))
