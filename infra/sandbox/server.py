"""The program that walled children are forked from (`infra.forking`): torch and its tracer, once used.

Children may open no file, so whatever they import must be here before they are forked; a network of many
kinds of layers is traced and examined first for that reason. One thread only: a fork keeps no other.
"""

from __future__ import annotations

import contextlib
import sys
import threading

import torch

from domain.vision.examination import examine
from domain.vision.programs import NetworkLimits, Program, Refused
from infra.forking import serve_forks
from infra.sandbox.child import trace, work
from infra.sandbox.warm_network import CODE

N_CLASSES, N_CHANNELS, SIZE = 3, 3, 32


def warm_up() -> None:
    """Traces and examines a network, and lets one fail in each of the ways that import something."""
    with contextlib.suppress(ImportError):
        import torchvision  # noqa: F401 - an extra; programs may take its architectures, without weights
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    program = Program(CODE, N_CLASSES, N_CHANNELS, SIZE)
    traced = trace(program)
    if isinstance(traced, Refused):
        raise SystemExit(f"the sandbox's own network is refused: {traced}")
    examine(program, traced.graph, {k: v.numpy() for k, v in traced.values.items()}, NetworkLimits())
    for broken in (
        "x.nothing",
        "x.view(3, -1)",
        "x if x.sum() > 0 else -x",
        "x[:, :3].mean((1, 2, 3)).item()",
    ):
        code = CODE.replace("x = self.stem(images)", f"x = self.stem(images)\n        x = {broken}")
        trace(Program(code, N_CLASSES, N_CHANNELS, SIZE))
    if len(sys._current_frames()) != 1 or threading.active_count() != 1:
        raise SystemExit("the sandbox's server has threads: children would be forked without them")


def main() -> None:
    serve_forks(warm_up, work)


if __name__ == "__main__":
    main()
