"""The one place where settings become real parts: catalog, store, tracking."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from domain.kinds import Kind
from infra.catalog import Catalog, upgrade
from infra.settings import Settings, load_settings
from infra.store import Store
from infra.tracking import Tracking
from strategies.base import Surroundings


@dataclass(frozen=True)
class Workplace:
    settings: Settings
    catalog: Catalog
    store: Store
    tracking: Tracking

    def surroundings(self) -> Surroundings:
        """What a strategy may know of this place, apart from its language models."""
        settings = self.settings
        scratch = settings.home / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        return Surroundings(
            scratch=scratch,
            embeddings_api=settings.embeddings_api_key is not None
            or settings.embeddings_base_url is not None,
            device=_device(settings.device),
        )

    def model_name(self, kind: Kind, dataset_name: str) -> str:
        """The registered model that trainings on this dataset become versions of."""
        return f"{'grader' if kind is Kind.GRADING else 'classifier'}-{dataset_name}"


def workplace() -> Workplace:
    """The workplace of the settings in force, opened once a process."""
    return _open(load_settings())


@lru_cache(maxsize=4)
def _open(settings: Settings) -> Workplace:
    make_embedded_catalog(settings)
    return Workplace(
        settings=settings,
        catalog=Catalog.open(settings.catalog_url, busy_seconds=settings.lock_seconds),
        store=Store.open(settings.store_url, cache=settings.home / "cache"),
        tracking=Tracking(settings.mlflow_tracking_uri, settings.mlflow_artifact_root),
    )


def make_embedded_catalog(settings: Settings) -> None:
    """Makes the embedded catalog where there is none yet; one that is merely behind is left alone."""
    if is_new(settings):
        upgrade(settings.catalog_url)


def is_new(settings: Settings) -> bool:
    """Whether there is no embedded catalog yet: then nothing is known, and all is to be done."""
    prefix = "sqlite:///"
    path = Path(settings.catalog_url.removeprefix(prefix))
    return settings.catalog_url.startswith(prefix) and not _has_tables(path)


def _has_tables(path: Path) -> bool:
    """False also for a file whose making was killed: its tables come all at once or not at all."""
    if not path.exists():
        return False
    with closing(sqlite3.connect(path)) as connection:
        return bool(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])


def _device(wanted: str) -> str:
    if wanted != "auto":
        return wanted
    if not Path("/dev/nvidiactl").exists() and sys.platform == "linux":
        # Asking torch costs two seconds of import, which a run that trains nothing need not pay.
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
