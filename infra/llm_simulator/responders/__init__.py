"""How the simulator answers, by the name of the schema: the module of that name in this package.

A responder is `respond(messages, schema, rng) -> dict`: it sees what a model would see, and draws all
that is random from `rng`, which is seeded by the request.
"""

from __future__ import annotations

import importlib
import importlib.util
from functools import cache

from infra.llm_simulator.behaviour import Responder


@cache
def responder(name: str) -> Responder | None:
    """The responder for schemas of that name, None where there is none."""
    # The name comes over the wire: only one of our modules may be imported by it.
    if not name.isidentifier() or name.startswith("_"):
        return None
    if importlib.util.find_spec(f"{__name__}.{name}") is None:
        return None
    found: Responder = importlib.import_module(f"{__name__}.{name}").respond
    return found
