"""One walled child: it walls itself in, proves that the walls hold, is given one job, answers, and ends.

On its socket, each message a length (8 bytes) and that many bytes, alternately from outside and from here:
settings (JSON), what the proof found (JSON), the job (JSON, then weights for an examination), the answer
(JSON, then weights of a trace). The answer carries the job's nonce. It is no proof of who wrote it: code
that got past the gate shares this process with the tracer. So outside an answer counts as a claim: the graph
is checked there, and examined in another child that never ran the code.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch

from domain.errors import InputError
from domain.vision import gate
from domain.vision.examination import examine
from domain.vision.gate_namespace import entry, registered
from domain.vision.graph import parse_graph
from domain.vision.programs import NetworkLimits, Program, Refused, Stage
from domain.vision.weights import arrays
from infra.sandbox import tracing
from infra.sandbox.messages import LENGTH
from infra.sandbox.proof import lacking
from infra.sandbox.walls import raise_walls

_LONGEST_DETAIL = 2000


def work(serving: int, server: int) -> None:
    """Serves one job on the socket `serving`, then returns."""
    settings = json.loads(_receive(serving))
    for low, high in ((3, serving), (serving + 1, 4096)):
        os.closerange(low, high)
    os.environ.clear()
    missing = raise_walls(settings["memory_bytes"], settings["seconds"], server, settings["without"])
    _send(serving, json.dumps({"missing": missing, "lacking": lacking(serving, server)}).encode())
    job = json.loads(_receive(serving))
    answer, weights = _answered(job, serving, bool(settings["gated"]))
    _send(serving, json.dumps({**answer, "nonce": job["nonce"]}).encode())
    _send(serving, weights)


def _answered(job: Mapping[str, Any], serving: int, gated: bool) -> tuple[dict[str, Any], bytes]:
    program = Program(**job["program"])
    limits = NetworkLimits(**job["limits"])
    if "graph" in job:
        graph = parse_graph(job["graph"], limits.n_nodes, limits.n_parameters)
        found = examine(program, graph, arrays(graph, _receive(serving)), limits)
        if isinstance(found, Refused):
            return _refusal(found), b""
        figures, warnings = found
        return {"figures": asdict(figures), "warnings": warnings}, b""
    traced = trace(program, gated)
    if isinstance(traced, Refused):
        return _refusal(traced), b""
    weights = b"".join(traced.values[name].numpy().tobytes() for name in traced.graph.tensors)
    return {"graph": traced.graph.to_json()}, weights


def _refusal(refused: Refused) -> dict[str, Any]:
    return {"refused": {"reason": refused.reason, "stage": refused.stage, "detail": refused.detail}}


def trace(program: Program, gated: bool = True) -> tracing.Traced | Refused:
    """Runs the program once. Whatever it raises becomes a refusal."""
    stage: Stage = "gate"
    try:
        build = entry(gate.checked(program.code)) if gated else _ungated(program.code)
        stage = "build"
        torch.manual_seed(program.seed)
        module = build(program.num_classes, program.channels, program.size)
        if not isinstance(module, torch.nn.Module):
            return Refused(
                f"build_model gives {type(module).__name__}: it must give a torch.nn.Module", stage
            )
        images = torch.rand(tracing.N_IMAGES, program.channels, program.size, program.size)
        if problem := _tried(module, images, program.num_classes):
            return Refused(problem, "shapes")
        stage = "trace"
        return tracing.trace(module, images)
    except InputError as error:
        return Refused(str(error), stage)
    except MemoryError as error:
        return Refused("the network takes more memory than it may: make it smaller", "limits", _said(error))
    except BaseException as error:  # generated code raises anything, SystemExit as well
        if "not enough memory" in str(error) or "can't allocate memory" in str(error):
            return Refused(
                "the network takes more memory than it may: make it smaller", "limits", _said(error)
            )
        if stage == "gate":
            return Refused("the code fails before build_model is called", "build", _said(error))
        if stage == "build":
            return Refused("build_model or the network's forward fails", stage, _said(error))
        return Refused(_why_untraced(error), stage, _said(error))


def _ungated(code: str) -> Any:
    made = registered()
    exec(compile(code, gate.FILE, "exec"), made)  # noqa: S102 - how the walls are tried without the gate
    return made["build_model"]


def _tried(module: torch.nn.Module, images: torch.Tensor, num_classes: int) -> str:
    """One prediction, as a network fails in plainer words when it runs than when it is traced."""
    copies = {name: tensor.clone() for name, tensor in module.named_buffers() if not _lazy(tensor)}
    module.eval()
    with torch.no_grad():
        logits = module(images)
        for name, tensor in module.named_buffers():
            if name in copies and copies[name].shape == tensor.shape:
                tensor.copy_(copies[name])
    if not isinstance(logits, torch.Tensor):
        return f"forward gives {type(logits).__name__}: it must give one tensor, the logits"
    if tuple(logits.shape) != (len(images), num_classes):
        n = len(images)
        return f"for {n} images forward gives {list(logits.shape)}: it must give [{n}, {num_classes}]"
    return ""


def _lazy(tensor: torch.Tensor) -> bool:
    return isinstance(tensor, torch.nn.parameter.UninitializedTensorMixin)


def _why_untraced(error: BaseException) -> str:
    name, said = type(error).__name__, str(error)
    if "DataDependent" in name or "data-dependent" in said.lower():
        return (
            "the network decides by values (if, while, item or a random number in forward): use torch.where"
        )
    if "ConstraintViolation" in name or ("batch" in said and "constant" in said):
        return "the network only works for one number of images: take the first size from x.shape[0]"
    return "the network cannot be turned into a graph: use plain layers and tensor operations in forward"


def _said(error: BaseException) -> str:
    """Type, message and the line of the program, in at most 2,000 characters."""
    lines = [
        f"line {at.lineno}"
        for at in traceback.extract_tb(error.__traceback__, limit=-40)
        if at.filename == gate.FILE
    ]
    where = f" ({lines[-1]})" if lines else ""
    return f"{type(error).__name__}{where}: {error}"[:_LONGEST_DETAIL]


def _receive(serving: int) -> bytes:
    (length,) = LENGTH.unpack(_exactly(serving, LENGTH.size))
    return _exactly(serving, length)


def _exactly(serving: int, length: int) -> bytes:
    parts = []
    while length:
        part = os.read(serving, min(length, 1 << 20))
        if not part:
            sys.exit()
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _send(serving: int, content: bytes) -> None:
    whole = memoryview(LENGTH.pack(len(content)) + content)
    while whole:
        whole = whole[os.write(serving, whole) :]
