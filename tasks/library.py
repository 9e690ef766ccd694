"""The datasets there are: found by name, renamed, deleted with their files."""

from __future__ import annotations

from typing import Any

from infra import catalog as records
from tasks.materials import material_of
from tasks.workplace import workplace


def list_datasets(search: str = "") -> list[dict[str, Any]]:
    """Datasets, and preparations that made none (yet), newest first; those whose name has `search`."""
    place = workplace()
    owner = place.settings.owner
    ready = {
        d.id: d for d in records.datasets(place.catalog, owner) if search.casefold() in d.name.casefold()
    }
    rows = [
        {
            "dataset": d.name,
            "kind": d.kind.value,
            "state": "ready",
            "id": d.fingerprint[:12],
            "what": material_of(d.kind).facts(place, d)["summary"],
            "made": d.created_at.isoformat(timespec="seconds"),
        }
        for d in ready.values()
    ]
    unready = [row for row in records.preparations(place.catalog, owner, search) if row.state != "ready"]
    rows += [
        {
            "dataset": row.name,
            "kind": row.kind.value,
            "state": row.state,
            "id": "",
            "what": row.error or ", ".join(row.sources.values()),
            "made": row.updated_at.isoformat(timespec="seconds"),
        }
        for row in unready
    ]
    return sorted(rows, key=lambda row: row["made"], reverse=True)


def rename_dataset(which: str, name: str) -> dict[str, str]:
    """The old name and the new."""
    place = workplace()
    found = records.dataset(place.catalog, place.settings.owner, which)
    records.rename_dataset(place.catalog, found.id, name)
    return {"old": found.name, "new": records.dataset(place.catalog, place.settings.owner, found.id).name}


def delete_dataset(which: str) -> dict[str, Any]:
    """Forgets a dataset and removes what only it needed from the store; its name and the files removed.

    Raises InputError where trainings refer to it.
    """
    place = workplace()
    found = records.dataset(place.catalog, place.settings.owner, which)
    keys = records.delete_dataset(place.catalog, found.id)
    # After the rows: a file too many is harmless, a row without its file is not.
    for key in keys:
        place.store.delete(key)
    return {"name": found.name, "n_files": len(keys)}
