"""The sentence encoder: found, exported once, and the same in training and grading."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from strategies.grading.encoder import Encoder, rounded
from strategies.grading.encoder_export import ExportedEncoder, exported_encoder, find_encoder

TEXTS = [
    "Iron rusts.",
    "The gravity of the moon pulls the ocean.",
    "iron oxide forms on wet iron",
    "x " * 900,
]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="module")
def exported(scratch: Path) -> ExportedEncoder:
    return exported_encoder(find_encoder("auto"), scratch)


@pytest.fixture(scope="module")
def encoder(exported: ExportedEncoder) -> Encoder:
    return exported.load()


def test_the_exported_encoder_embeds_as_the_original_does(encoder: Encoder) -> None:
    from sentence_transformers import SentenceTransformer

    original = SentenceTransformer(str(find_encoder("auto")), device="cpu")
    expected = original.encode(TEXTS, normalize_embeddings=True)
    assert ((encoder(TEXTS) * expected).sum(axis=1) > 0.9999).all()


def test_texts_alike_in_meaning_are_near_each_other(encoder: Encoder) -> None:
    rust, moon, oxide, _ = encoder(TEXTS)
    assert rust @ oxide > rust @ moon + 0.3


def test_an_embedding_does_not_depend_on_the_other_texts(encoder: Encoder) -> None:
    together, alone = encoder(TEXTS)[1], encoder(TEXTS[1:2])[0]
    assert np.abs(together - alone).max() < 1e-3


def test_no_texts_give_no_embeddings(encoder: Encoder) -> None:
    assert encoder([]).shape == (0, 384)


def test_an_encoder_is_exported_once(exported: ExportedEncoder, scratch: Path) -> None:
    before = (exported.folder / "encoder.onnx").stat().st_mtime_ns
    again = exported_encoder(find_encoder("auto"), scratch)
    assert (again.folder / "encoder.onnx").stat().st_mtime_ns == before


def test_a_copied_folder_is_the_same_encoder(
    exported: ExportedEncoder, scratch: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(find_encoder("auto"), tmp_path / "copy")
    assert exported_encoder(find_encoder(str(copy)), scratch).identity == exported.identity


def test_the_network_is_kept_in_half_precision(exported: ExportedEncoder) -> None:
    weights = find_encoder("auto") / "model.safetensors"
    assert len(exported.files()["encoder.onnx"]) < 0.55 * weights.stat().st_size


def test_a_name_that_the_hub_does_not_give_is_answered_with_the_remedy(tmp_path: Path) -> None:
    code = "from strategies.grading.encoder_export import find_encoder; find_encoder('someone/encoder')"
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=offline)
    assert "SettingError: encoder 'someone/encoder' cannot be had from the hub" in ran.stderr
    assert "use encoder auto" in ran.stderr


def test_rounding_gives_unit_rows_that_half_precision_holds() -> None:
    once = rounded(np.random.default_rng(0).normal(size=(5, 8)))
    assert np.array_equal(once, once.astype(np.float16).astype(np.float32))
    assert np.allclose(np.linalg.norm(once, axis=1), 1, atol=1e-3)
