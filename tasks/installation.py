"""The installation: its settings, its health, its catalog's schema."""

from __future__ import annotations

from typing import Any

from infra.catalog import upgrade
from infra.settings import load_settings
from tasks.doctor import examine


def settings_shown() -> list[dict[str, str]]:
    """Each setting with its value and where it comes from; secrets only as set or not set."""
    shown = load_settings().shown()
    return [{"setting": name, "value": one.value, "from": one.source} for name, one in shown.items()]


def examined() -> list[dict[str, Any]]:
    """The doctor's checks as rows."""
    return [
        {"state": str(check.state), "check": check.name, "found": check.found, "remedy": check.remedy}
        for check in examine(load_settings())
    ]


def upgrade_catalog() -> str:
    """Brings the catalog's schema to the newest revision, and says from which to which."""
    settings = load_settings()
    done = upgrade(settings.catalog_url)
    if done.before == done.after:
        return f"the catalog is at revision {done.after} already"
    return f"the catalog went from {done.before or 'nothing'} to revision {done.after}"
