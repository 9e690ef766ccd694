"""Backup and restore of the place that the settings name."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from infra.backups import back_up, restore
from infra.settings import load_settings
from tasks.workplace import workplace


def make_backup(path: Path) -> dict[str, Any]:
    """Writes everything to `path`; what is in it (see `infra.backups.Contents`)."""
    place = workplace()
    return asdict(back_up(place.settings, place.catalog, place.store, path))


def restore_backup(path: Path, force: bool) -> dict[str, Any]:
    """Puts the backup at `path` in the place of what there is."""
    return asdict(restore(load_settings(), path, force=force))
