"""What checked network code finds when it runs: the builtins that are left, and imports of listed modules."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Mapping
from types import CodeType, ModuleType
from typing import Any

from domain.vision.gate import ENTRY, INT
from domain.vision.gate_names import ATTRIBUTES, BUILTINS, MODULES

_NAME = "network"


def entry(code: CodeType) -> Callable[..., Any]:
    """Runs the top level of checked code, in the walled child only; its `build_model`."""
    made = registered()
    made["__builtins__"] = _builtins()
    exec(code, made)  # noqa: S102 - that is what the child is for
    found: Callable[..., Any] = made[ENTRY]
    return found


def registered() -> dict[str, Any]:
    """The names of an empty module that is known to Python, which dataclasses ask for."""
    module = ModuleType(_NAME)
    sys.modules[_NAME] = module
    return module.__dict__


def _builtins() -> dict[str, Any]:
    kept = {name: getattr(builtins, name) for name in BUILTINS}
    kept |= {"getattr": _getattr, "setattr": _setattr, "hasattr": _hasattr, "type": _type, INT: _int}
    return {**kept, "__build_class__": builtins.__build_class__, "__import__": _import}


def _is_network(value: object) -> bool:
    return any(
        base.__name__ == "Module" and base.__module__.startswith("torch.nn") for base in type(value).__mro__
    )


def _own(value: object, name: object) -> Mapping[str, Any] | None:
    """Where a network keeps the attribute `name` that it was given; None if it was not."""
    if type(name) is not str or name.startswith("__") or not _is_network(value):
        return None
    inside = object.__getattribute__(value, "__dict__")
    for place in (inside, *(inside.get(part, {}) for part in ("_modules", "_parameters", "_buffers"))):
        if name in place and not (place is inside and name.startswith("_")):
            return place  # type: ignore[no-any-return]
    return None


_MISSING: Any = object()


def _getattr(value: Any, name: str, default: Any = _MISSING) -> Any:
    place = _own(value, name)
    if place is not None:
        return place[name]
    if default is not _MISSING:
        return default
    raise AttributeError(f"getattr is for what a network was given, not for {str(name)[:40]!r}")


def _hasattr(value: Any, name: str) -> bool:
    return _own(value, name) is not None or (
        type(name) is str and name in ATTRIBUTES and hasattr(value, name)
    )


def _setattr(value: Any, name: str, to: Any) -> None:
    own = type(name) is str and not name.startswith("_") and _is_network(value)
    if not own or hasattr(type(value), name):
        raise AttributeError(f"setattr is for giving a network layers, not for {str(name)[:40]!r}")
    setattr(value, name, to)


def _int(value: Any) -> Any:
    import torch  # it is here already wherever networks are built

    return torch.sym_int(value) if isinstance(value, torch.SymInt | torch.SymFloat) else int(value)


def _type(value: Any) -> Any:
    return type(value)


def _import(name: str, _: Any = None, __: Any = None, wanted: tuple[str, ...] = (), level: int = 0) -> Any:
    """Imports as the gate lets them through; the modules must have been imported before."""
    if (
        level
        or name not in MODULES
        or not all(leaf in MODULES[name] or f"{name}.{leaf}" in MODULES for leaf in wanted or ())
    ):
        raise ImportError(f"{name} is not allowed in a network")
    if name not in sys.modules:
        raise ImportError(f"{name} is not installed here")
    return sys.modules[name if wanted else name.partition(".")[0]]
