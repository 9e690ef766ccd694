"""Generated networks are traced once, whatever process asks for them again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from domain.vision.programs import NetworkLimits, Program, Refused, Traced
from strategies.base import Trace
from tasks import tracing
from tasks.effects import ask_nobody, perform
from tasks.tracing import trace_once

CODE = """
from torch import nn

def build_model(num_classes, channels, size):
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * size * size, num_classes))
"""
LIMITS = NetworkLimits()


def program(code: str = CODE, seed: int = 0) -> Program:
    return Program(code, 3, 1, 8, seed)


def kept(scratch: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (scratch / "traces").glob("*")}


def test_what_a_strategy_wishes_to_be_traced_is_traced_once(tmp_path: Path) -> None:
    wish = Trace((program(), program("import os\n"), program()), LIMITS)
    first, refused, again = perform(wish, tmp_path, ask_nobody)
    assert isinstance(first, Traced) and isinstance(refused, Refused) and again is first
    before = kept(tmp_path)
    later = perform(wish, tmp_path, ask_nobody)
    assert kept(tmp_path) == before
    assert len(before) == 2
    assert later[1] == refused
    assert later[0].graph == first.graph
    assert all(np.array_equal(later[0].weights[name], values) for name, values in first.weights.items())
    assert (later[0].figures, later[0].warnings) == (first.figures, first.warnings)


def test_other_seeds_and_limits_are_traced_anew(tmp_path: Path) -> None:
    (one,) = trace_once((program(),), LIMITS, tmp_path)
    (two,) = trace_once((program(seed=1),), LIMITS, tmp_path)
    (small,) = trace_once((program(),), NetworkLimits(n_parameters=10), tmp_path)
    assert isinstance(one, Traced) and isinstance(two, Traced) and isinstance(small, Refused)
    assert not np.array_equal(one.weights["1.weight"], two.weights["1.weight"])


def test_what_was_kept_and_damaged_is_traced_again(tmp_path: Path) -> None:
    trace_once((program(),), LIMITS, tmp_path)
    (path,) = kept(tmp_path)
    path.write_bytes(path.read_bytes()[:100])
    (again,) = trace_once((program(),), LIMITS, tmp_path)
    assert isinstance(again, Traced)
    assert path.stat().st_size > 100


def test_a_refusal_that_may_pass_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "SECONDS", 3.0)
    endless = CODE.replace("    return", "    while True:\n        size = size + 1\n    return")
    (refused,) = trace_once((program(endless),), LIMITS, tmp_path)
    assert isinstance(refused, Refused) and refused.stage == "limits"
    assert not kept(tmp_path)
