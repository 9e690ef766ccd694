"""Whether bf16 arithmetic trains faster here: measured once for a network, then remembered."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from domain.identity import fingerprint
from strategies.base import Surroundings
from strategies.vision.threads import operators_in

_IMAGES, _TIMES = 64, 3
_WORTH = 0.9
"""bf16 has to take less than this share of the time, for its coarser numbers."""


def faster_precision(
    network: nn.Module, name: str, channels: int, size: int, surroundings: Surroundings
) -> str:
    """ "bf16" or "fp32". `scratch` keeps the answer, so that training twice in a place is the same twice."""
    device = surroundings.device
    key = fingerprint([name, channels, size, device, torch.__version__, torch.get_num_threads()])
    place = surroundings.scratch / "precision" / f"{key}.json"
    if place.is_file():
        return str(json.loads(place.read_text("utf-8")))
    found = _measured(network, channels, size, device)
    place.parent.mkdir(parents=True, exist_ok=True)
    _write(place, json.dumps(found))
    return found


def _write(place: Path, text: str) -> None:
    partial = place.with_suffix(f".{time.monotonic_ns()}")
    partial.write_text(text, "utf-8")
    partial.replace(place)


def _measured(network: nn.Module, channels: int, size: int, device: str) -> str:
    network = network.to(device, memory_format=torch.channels_last).train()
    images = torch.rand(_IMAGES, channels, size, size, device=device)
    images = images.to(memory_format=torch.channels_last)

    def step(bf16: bool) -> None:
        with torch.autocast(images.device.type, torch.bfloat16, enabled=bf16):
            out = network(images)
        logits = out if isinstance(out, torch.Tensor) else out[0]
        logits.float().logsumexp(1).mean().backward()
        if images.is_cuda:
            torch.cuda.synchronize()

    try:
        step(True)
    except RuntimeError:  # an operator of a user's network may lack bf16
        return "fp32"
    # One thread, as a replica has: several wait for each other, which is no measure of the arithmetic.
    with operators_in(1):
        step(False)
        fp32 = min(_seconds(lambda: step(False)) for _ in range(_TIMES))
        bf16 = min(_seconds(lambda: step(True)) for _ in range(_TIMES))
    return "bf16" if bf16 < _WORTH * fp32 else "fp32"


def _seconds(do: Callable[[], None]) -> float:
    # The processor's time on a CPU: other work on the machine does not count in it.
    clock = time.monotonic if torch.cuda.is_available() else time.process_time
    began = clock()
    do()
    return clock() - began
