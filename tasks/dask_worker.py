"""What a worker of Dask does first: the settings of its own host, before Prefect is imported.

dask worker tls://scheduler:8786 --nthreads 1 --preload tasks.dask_worker
"""

from __future__ import annotations

from typing import Any

from tasks.launch import launch


def dask_setup(worker: Any) -> None:  # noqa: ARG001 - Dask's signature
    """Readies the process; its catalog, store and Prefect server are those of its environment."""
    launch()
