"""Generated networks turned into graphs by the sandbox, each once: what came of it is kept by its content."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from domain.identity import fingerprint
from domain.vision.graph import parse_graph
from domain.vision.programs import Figures, NetworkLimits, Program, Refused, Traced
from infra.sandbox import trace
from infra.settings import load_settings
from tasks.policy import code_of
from tasks.tracing_on_workers import can_share, traced_by_workers

SECONDS, CPU_SECONDS = 30.0, 8.0
"""For a program to be built, traced and examined, by the clock and of the processor; honest ones take one or
two, which on a busy machine are many by the clock."""
_PASSING = ("walls", "limits")
"""Refusals that say more of this place and hour than of the program: they are not kept."""


def trace_once(
    programs: Sequence[Program],
    limits: NetworkLimits,
    scratch: Path,
    heed: Callable[[], None] = lambda: None,
) -> tuple[Traced | Refused, ...]:
    """What the sandbox made of each program, from `scratch` where it was traced before.

    Several that are new are traced by Dask's workers, where there are some. `heed` is called while it works:
    what it raises ends that.
    """
    new = [one for one in dict.fromkeys(programs) if not place_of(one, limits, scratch).is_file()]
    if can_share(len(new)):
        for program, content in zip(new, traced_by_workers(new, limits, heed), strict=True):
            if content is not None:
                _keep(place_of(program, limits, scratch), content)
    return trace_here(programs, limits, scratch, heed)


def trace_here(
    programs: Sequence[Program],
    limits: NetworkLimits,
    scratch: Path,
    heed: Callable[[], None] = lambda: None,
) -> tuple[Traced | Refused, ...]:
    """The same by this machine's sandbox alone."""
    places = [place_of(program, limits, scratch) for program in programs]
    kept = {place: _read(place, limits) for place in dict.fromkeys(places)}
    found = {place: outcome for place, outcome in kept.items() if outcome is not None}
    new = {place: one for place, one in zip(places, programs, strict=True) if place not in found}
    if new:
        without = load_settings().sandbox_without.replace(",", " ").split()
        outcomes = trace(
            list(new.values()), limits, seconds=SECONDS, cpu_seconds=CPU_SECONDS, without=without, heed=heed
        )
        for place, outcome in zip(new, outcomes, strict=True):
            found[place] = outcome
            if isinstance(outcome, Traced) or outcome.stage not in _PASSING:
                _write(place, outcome)
    return tuple(found[place] for place in places)


def place_of(program: Program, limits: NetworkLimits, scratch: Path) -> Path:
    """Where its trace is kept."""
    key = fingerprint([asdict(program), asdict(limits), _code(), load_settings().sandbox_without])
    return scratch / "traces" / f"{key}.safetensors"


@cache
def _code() -> list[str]:
    """Of what decides the outcome: our tracer, and the version of torch."""
    from importlib.metadata import version

    ours = code_of(
        "infra.sandbox.child", "infra.sandbox.tracing", "domain.vision.gate", "domain.vision.examination"
    )
    return [ours, version("torch")]


def _write(place: Path, outcome: Traced | Refused) -> None:
    tensors: dict[str, np.ndarray] = {}
    if isinstance(outcome, Traced):
        told = {
            "graph": outcome.graph.to_json(),
            "figures": asdict(outcome.figures),
            "warnings": list(outcome.warnings),
        }
        # Not ascontiguousarray, which gives single numbers an axis.
        tensors = {name: np.asarray(values, order="C") for name, values in outcome.weights.items()}
    else:
        told = {"refused": asdict(outcome)}
    _keep(place, save({**tensors, "__end__": np.zeros(1, np.uint8)}, {"trace": json.dumps(told)}))


def _keep(place: Path, content: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    half = place.with_suffix(f".{os.getpid()}.part")
    try:
        half.write_bytes(content)
        half.replace(place)
    finally:
        # Still there where the disk was full.
        half.unlink(missing_ok=True)


def _read(place: Path, limits: NetworkLimits) -> Traced | Refused | None:
    """What was kept; None where nothing was, or what was cannot be read (it is traced again)."""
    if not place.is_file():
        return None
    try:
        with safe_open(place, framework="np") as file:
            told = json.loads((file.metadata() or {})["trace"])
            if "refused" in told:
                return Refused(**told["refused"])
            graph = parse_graph(told["graph"], limits.n_nodes, limits.n_parameters)
            weights = {name: file.get_tensor(name) for name in graph.tensors}
        return Traced(graph, weights, Figures(**told["figures"]), tuple(told["warnings"]))
    except Exception:  # safetensors has errors of its own for damaged files
        return None
