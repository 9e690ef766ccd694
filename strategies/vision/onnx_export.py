"""A trained network as ONNX: raw pixels in, logits out, nothing else to get wrong."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

IMAGES, LOGITS = "images", "logits"


class Classifying(nn.Module):
    """The whole way from decoded images, uint8 (b, size, size, channels), to logits (b, n_classes).

    What was done to pixels in training is part of the graph, so no caller can forget it. With
    `mirrored`, logits are the mean over the image and its mirror image.
    """

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(
        self, network: nn.Module, mean: Sequence[float], deviation: Sequence[float], mirrored: bool
    ) -> None:
        super().__init__()
        self.network = network
        self.mirrored = mirrored
        """May be changed before the export."""
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("deviation", torch.tensor(deviation).view(1, -1, 1, 1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        pixels = (images.permute(0, 3, 1, 2).float() - self.mean) / self.deviation
        if not self.mirrored:
            return self.network(pixels)
        # Both sides in one batch: the graph stays as small as without, and faster than with two passes.
        both: torch.Tensor = self.network(torch.cat([pixels, pixels.flip(3)]))
        return both.unflatten(0, (2, -1)).mean(0)


def to_onnx(classifying: Classifying, channels: int, size: int) -> bytes:
    """The graph with its weights: input `images` of any number, output `logits`.

    Leaves the network on the CPU.
    """
    example = torch.zeros(2, size, size, channels, dtype=torch.uint8)
    on_cpu = classifying.eval().to("cpu", memory_format=torch.contiguous_format)
    told = logging.getLogger("torch.onnx")
    level = told.level
    # It tells of every operator of torchvision, which need not be installed.
    told.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of axis names that it merges
            program = torch.onnx.export(
                on_cpu,
                (example,),
                dynamo=True,
                input_names=[IMAGES],
                output_names=[LOGITS],
                dynamic_shapes=({0: torch.export.Dim("batch")},),
                verbose=False,
            )
    finally:
        told.setLevel(level)
    return bytes(_bare(program.model_proto).SerializeToString(deterministic=True))


def _bare(model: Any) -> Any:
    """Without what the exporter notes of the source: paths of this machine, and names that may vary."""
    for part in (model, model.graph, *model.graph.node, *model.graph.value_info):
        del part.metadata_props[:]
    for part in (model, model.graph, *model.graph.node):
        part.doc_string = ""
    for tensor in model.graph.initializer:
        del tensor.metadata_props[:]
        tensor.doc_string = ""
    return model
