"""How tasks are cached and retried: decided here, for all of them.

A result is named by the *content* it was made from and the *code* that decides it (`code_of`), since a
thin task's own source does not change when the function below it does. Results are JSON. Only
errors from outside are retried: bad data stays bad.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from prefect.task_runners import ThreadPoolTaskRunner

from domain.errors import FullError, OutsideError
from domain.identity import fingerprint
from infra.settings import load_settings

FOLLOWED = ("strategies", "domain")
"""Imports are followed into these: what lies above them moves results about and decides none."""


@cache
def code_of(*modules: str) -> str:
    """Digest of the modules and of all that they import from below, blind to comments and docstrings.

    Raises ModuleNotFoundError for a module that is not there.
    """
    seen: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        tree = _tree_of(name)
        waiting.extend(_imported(tree))
        seen[name] = fingerprint(ast.dump(_without_docstrings(tree)))
    return fingerprint(seen)


def _tree_of(module: str) -> ast.Module:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(module)
    return ast.parse(Path(spec.origin).read_text("utf-8"))


def _imported(tree: ast.Module) -> Iterator[str]:
    """The names of our modules that are imported anywhere in the code, in functions too."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            below = (f"{node.module}.{alias.name}" for alias in node.names)
            names = [node.module, *(name for name in below if _is_module(name))]
        yield from (name for name in names if name.partition(".")[0] in FOLLOWED)


def _is_module(name: str) -> bool:
    if name.partition(".")[0] not in FOLLOWED:
        return False
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        # A name within a module, which is no package.
        return False


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and (
            ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:]
    return tree


Modules = tuple[str, ...] | Callable[[dict[str, Any]], tuple[str, ...]]
"""Names of modules, or what gives them from a task's parameters."""


def keyed_by(*names: str, code: Modules = ()) -> Callable[[Any, dict[str, Any]], str]:
    """A cache key function over the named parameters and the code of the modules.

    The catalog and the store in force are part of the key: results refer to what lies in them.
    """

    def key(context: Any, parameters: dict[str, Any]) -> str:
        settings = load_settings()
        place = [settings.catalog_url, settings.store_url]
        content = {name: parameters[name] for name in names}
        modules = code(parameters) if callable(code) else code
        return f"{context.task.name}-{fingerprint([place, content, code_of(*modules)])}"

    return key


def is_outside(task: Any, task_run: Any, state: Any) -> bool:  # noqa: ARG001 - Prefect's signature
    """Whether a failed task run failed for a reason that may pass."""
    try:
        state.result(raise_on_failure=True)
    except FullError:
        return False
    except OutsideError:
        return True
    except Exception:  # any other failure is not retried
        return False
    return False


def tell_failure(task: Any, task_run: Any, state: Any) -> None:
    """State hook of every task: a broken contract is an event that others can act on."""
    # Late: that module is one of tasks, which need this one.
    from tasks.events import tell_broken_contract

    tell_broken_contract(task, task_run, state)


RETRIED: dict[str, Any] = {
    "retries": 3,
    "retry_delay_seconds": [1, 5, 15],
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": is_outside,
    "on_failure": [tell_failure],
}
"""For tasks whose result need not be kept: what they did is in the catalog."""

PATIENT: dict[str, Any] = {**RETRIED, "retries": 8, "retry_delay_seconds": [1, 5, 15, 30, 60, 60, 60, 60]}
"""For the end of long work, which needs a neighbour that may be away for some minutes."""

KEPT: dict[str, Any] = {**RETRIED, "persist_result": True, "result_serializer": "json"}
"""For tasks whose result is cached; give them a `cache_key_fn` made by `keyed_by`."""


def task_runner() -> Any:
    """Where the task runs of a flow work, by the setting.

    Threads do on one machine: the heavy work of a chunk is in reader processes, or in libraries that free
    the GIL. Dask's workers may be on others.
    """
    settings = load_settings()
    if settings.task_runner == "dask":
        from tasks.dask_runner import dask_runner

        return dask_runner(settings)

    return ThreadPoolTaskRunner(max_workers=max(2, settings.workers))


def time_limit() -> float | None:
    """Seconds that a flow which trains may take; it ends resumable. None for as long as it needs."""
    return load_settings().time_limit_seconds or None


class Tally:
    """Counts how many task runs did their work and how many found it done (Prefect state "Cached")."""

    def __init__(self) -> None:
        self.n_done = self.n_cached = 0

    def count(self, state: Any) -> Any:
        """The result of a task run's final `state`; raises what the task raised."""
        result = state.result()
        if state.name == "Cached":
            self.n_cached += 1
        else:
            self.n_done += 1
        return result
