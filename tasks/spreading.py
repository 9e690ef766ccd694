"""Long computations of strategies in parts, by several workers at once; all travels through the store.

Worth it where a part takes longer than its way: parts are some seconds of one core.
"""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from prefect import task
from prefect.context import FlowRunContext

from domain.errors import TrainyardError
from infra.settings import load_settings
from strategies.spreading import Part, Spread, Work, name_of, work_named
from tasks.policy import RETRIED
from tasks.tracing_on_workers import waited_for
from tasks.workplace import workplace

log = logging.getLogger(__name__)


def spread_here() -> Spread | None:
    """How this place shares out computations; None where there is nobody to share them with."""
    return by_workers if load_settings().task_runner == "dask" else None


def by_workers(
    work: Work, files: Mapping[str, Path], parts: Iterable[Part], heed: Callable[[], None]
) -> list[np.ndarray]:
    """See `strategies.spreading.Spread`. Outside of a flow nobody can be asked: then it is done here."""
    if FlowRunContext.get() is None:
        return [work(files, part) for part in parts]
    store = workplace().store
    # The files stay: a model that is trained with them has them in the store too.
    shared = {name: store.put_file(path) for name, path in files.items()}
    sent = [store.put_bytes(part.to_bytes()) for part in parts]
    try:
        asked = [{"work": name_of(work), "files": shared, "part": key} for key in sent]
        found = [_taken(waited_for(future, heed)) for future in compute_part.map(asked)]
    finally:
        for key in sent:
            _away(key)
    return found


def _taken(key: str) -> np.ndarray:
    with np.load(io.BytesIO(workplace().store.get_bytes(key)), allow_pickle=False) as kept:
        values: np.ndarray = kept["values"]
    _away(key)
    return values


def _away(key: str) -> None:
    # Where that fails it stays, which harms nobody.
    with suppress(TrainyardError):
        workplace().store.delete(key)


@task(task_run_name="compute a part", tags=["parts"], **RETRIED)
def compute_part(asked: dict[str, Any]) -> str:
    """The store's key of what came of a part: an .npz with `values`, and the part's key, so that no two are
    equal."""
    store = workplace().store
    files = {name: store.local_path(key) for name, key in asked["files"].items()}
    part = Part.from_file(store.local_path(asked["part"]))
    store.drop_copy(asked["part"])
    begun = time.monotonic()
    values = work_named(asked["work"])(files, part)
    log.info("%s: a part in %.1f s", asked["work"], time.monotonic() - begun)
    content = io.BytesIO()
    np.savez(content, values=values, part=np.array(asked["part"]))
    return store.put_bytes(content.getvalue())
