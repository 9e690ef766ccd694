"""Which strategies there are. Each is imported only when it is asked for.

Third parties add theirs through the entry-point group `trainyard.strategies`: an entry point's name is
"kind.name" (as "grading.rubric"), its object the strategy's class.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from domain.errors import SettingError
from domain.kinds import Kind
from strategies.base import Strategy

GROUP = "trainyard.strategies"

_BUILT_IN: dict[Kind, dict[str, str]] = {
    # In the order in which `auto` asks for objections.
    Kind.GRADING: {
        "llm": "strategies.grading.llm:Llm",
        "transfer": "strategies.grading.transfer:Transfer",
        "native": "strategies.grading.native:Native",
    },
    Kind.VISION: {
        "llm": "strategies.vision.llm:Llm",
        "transfer": "strategies.vision.transfer:Transfer",
        "native": "strategies.vision.native:Native",
    },
}


def strategy_names(kind: Kind) -> tuple[str, ...]:
    """All names of a kind: the built-in ones in the order of `auto`, then third parties' by name."""
    return (*_BUILT_IN[kind], *sorted(set(_added(kind)) - set(_BUILT_IN[kind])))


def strategy(kind: Kind, name: str) -> Strategy[Any]:
    """The strategy of that name. Raises SettingError when there is none, or its import fails."""
    if name in _BUILT_IN[kind]:
        module, _, attribute = _BUILT_IN[kind][name].partition(":")
        found: Strategy[Any] = getattr(import_module(module), attribute)()
        return found
    added = _added(kind)
    if name not in added:
        known = ", ".join(strategy_names(kind)) or "none"
        raise SettingError(f"strategy {name!r} is unknown for {kind.value}: use one of {known}, or auto")
    return _load(added[name])


def strategies_of(kind: Kind) -> tuple[Strategy[Any], ...]:
    """All strategies of a kind, in the order of `strategy_names`."""
    return tuple(strategy(kind, name) for name in strategy_names(kind))


def _added(kind: Kind) -> dict[str, EntryPoint]:
    prefix = f"{kind.value}."
    points = entry_points(group=GROUP)
    return {point.name.removeprefix(prefix): point for point in points if point.name.startswith(prefix)}


def _load(point: EntryPoint) -> Strategy[Any]:
    try:
        found: Strategy[Any] = point.load()()
    except Exception as error:  # a third party's import may raise anything
        raise SettingError(
            f"strategy {point.name!r} cannot be loaded from {point.value} ({error}): "
            "repair or uninstall that package"
        ) from error
    return found
