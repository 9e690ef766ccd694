"""Computations in parts that may be done elsewhere: their form, and the way in which they travel.

What is shared out is data, and the name of a function that every place has: `work(files, part) -> array`.
"""

from __future__ import annotations

import importlib
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from domain.errors import StrategyError

_OURS = "strategies."


@dataclass(frozen=True)
class Part:
    """What one part is computed from, beside the files that all parts share."""

    told: Mapping[str, Any]
    """Plain JSON."""
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """No two are equal: whoever has sent one can take it away again, and nobody else's."""
        told = json.dumps([uuid.uuid4().hex, dict(self.told)])
        arrays = {name: np.ascontiguousarray(values) for name, values in self.arrays.items()}
        return bytes(save({**arrays, "__end__": np.zeros(1, np.uint8)}, {"part": told}))

    @staticmethod
    def from_file(path: Path) -> Part:
        with safe_open(path, framework="np") as file:
            told = json.loads((file.metadata() or {})["part"])[1]
            names = [name for name in file.keys() if name != "__end__"]  # noqa: SIM118
            return Part(told, {name: file.get_tensor(name) for name in names})


Work = Callable[[Mapping[str, Path], Part], np.ndarray]


class Spread(Protocol):
    """Has the parts computed by `work` in other processes, which see copies of `files`; in their order.

    Parts are asked for one by one, and need not be in memory together. `heed` is called while their outcomes
    are waited for: what it raises ends that.
    """

    def __call__(
        self, work: Work, files: Mapping[str, Path], parts: Iterable[Part], heed: Callable[[], None]
    ) -> list[np.ndarray]: ...


def name_of(work: Work) -> str:
    """By which `work_named` finds it in another process."""
    return f"{work.__module__}:{work.__name__}"


def work_named(name: str) -> Work:
    """A function of a strategy's module. Raises StrategyError for any other name."""
    module, _, function = name.partition(":")
    found = getattr(importlib.import_module(module), function, None) if module.startswith(_OURS) else None
    if not callable(found):
        raise StrategyError(f"{name!r} is no part of a strategy: do all machines have the same version?")
    return found  # type: ignore[no-any-return]
