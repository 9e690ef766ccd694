"""A model's files brought from elsewhere: checked before they are registered, since anybody made them.

Only ONNX graphs, JSON and, of graders, safetensors: none of these can run anything. Weights have to be
inside the graph: one that names other files could name any file of this machine.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from domain.errors import InputError
from domain.kinds import Kind

FORMATS = (".onnx", ".json", ".safetensors")
MOST_BYTES = 4 << 30


def checked_files(folder: Path) -> dict[str, bytes]:
    """The files of a model by name. Raises InputError for a file that no model of ours has."""
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder: give the one that `trainyard model download` wrote")
    paths = sorted(path for path in folder.rglob("*") if not path.is_dir())
    if sum(path.stat().st_size for path in paths) > MOST_BYTES:
        raise InputError(f"{folder} has more than {MOST_BYTES >> 30} GB: that is no model of Trainyard")
    files = {}
    for path in paths:
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or path.suffix.lower() not in FORMATS:
            raise InputError(
                f"{name} is not one of a model's files ({', '.join(FORMATS)}): pickles and programs are "
                "never taken; remove it, or export the model to ONNX"
            )
        files[name] = path.read_bytes()
        _check(name, files[name])
    if not any(name.endswith(".onnx") for name in files):
        raise InputError(f"{folder} has no ONNX graph: give the folder that `trainyard model download` wrote")
    return files


def _check(name: str, content: bytes) -> None:
    if name.endswith(".json"):
        try:
            json.loads(content)
        except ValueError as error:
            raise InputError(f"{name} is no JSON ({error}): download the model again") from error
    if name.endswith(".safetensors"):
        from safetensors.numpy import load

        try:
            load(content)
        except Exception as error:  # safetensors' own
            raise InputError(f"{name} is no safetensors file ({error}): download the model again") from error
    if name.endswith(".onnx"):
        _check_graph(name, content)


def _check_graph(name: str, content: bytes) -> None:
    import onnx

    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's own, of several classes
        raise InputError(f"{name} is no ONNX graph ({error}): export it again") from error
    for graph in (model.graph, *model.functions):
        for tensor in _tensors(graph):
            if tensor.data_location == onnx.TensorProto.EXTERNAL:
                raise InputError(f"{name} keeps weights in other files: export it with the weights inside")


def _tensors(graph: Any) -> Iterator[Any]:
    """All tensors of a graph or function, those of its nodes' attributes and inner graphs too."""
    yield from getattr(graph, "initializer", ())
    for sparse in getattr(graph, "sparse_initializer", ()):
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
            for inner in (attribute.g, *attribute.graphs):
                yield from _tensors(inner)


def tried(folder: Path) -> tuple[Kind, str]:
    """The kind and the strategy of the model in `folder`, which is loaded and, of pictures, tried once.

    Raises InputError where it does not work.
    """
    from strategies.vision.model_files import LABELS

    if (folder / LABELS).is_file():
        return Kind.VISION, _tried_classifier(folder)
    from strategies.grading.llm.grader import LlmGrader
    from strategies.grading.loading import load_any_grader
    from tasks.effects import ask_nobody

    grader = load_any_grader(folder, ask=ask_nobody)
    return Kind.GRADING, "llm" if isinstance(grader, LlmGrader) else grader.model.strategy


def _tried_classifier(folder: Path) -> str:
    import numpy as np

    from strategies.vision.classifier import load_classifier

    classifier = load_classifier(folder, threads=1)
    wanted, n_classes = classifier.model.preprocessing, len(classifier.model.classes)
    try:
        logits = classifier.logits(np.zeros((2, wanted.size, wanted.size, wanted.channels), np.uint8))
    except Exception as error:  # onnxruntime's own
        raise InputError(f"the graph does not label a picture ({error}): export it again") from error
    if logits.shape != (2, n_classes) or not np.isfinite(logits).all():
        raise InputError(
            f"the graph gives {logits.shape} for 2 pictures, but labels.json names {n_classes} classes: "
            "both must belong together"
        )
    return classifier.model.strategy
