"""Everything that Trainyard keeps, in one file and back: catalog, store, reports, and the embedded MLflow.

The catalog is read as of one moment; the store is only ever added to, so that what the catalog names is
in it. Secrets (settings, keys, `.env`) are never in a backup. Prefect's history is not either: it says how
work went, and none of it is needed to go on.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from domain.errors import InputError, SettingError
from infra.addresses import masked
from infra.catalog import Catalog
from infra.catalog.dumping import dumped, load_dump, n_rows
from infra.running import running
from infra.sealed_archive import Reader, reading, writing
from infra.settings import Settings
from infra.store import Store

log = logging.getLogger(__name__)

_FORMAT = "trainyard-backup-1"
_FOLDERS = ("reports", "comparisons")
"""Of the home, with what was written for people."""
_MLFLOW = "mlflow/mlflow.db"


@dataclass(frozen=True)
class Contents:
    """What a backup holds. `mlflow` is whether runs and models are in it; `left_out` says what is not."""

    n_rows: int
    n_objects: int
    n_files: int
    mlflow: bool
    size_bytes: int
    left_out: tuple[str, ...] = ()


def back_up(settings: Settings, catalog: Catalog, store: Store, path: Path) -> Contents:
    """Writes the backup. Jobs may be running: what they do from now on is not in it.

    Raises InputError where `path` is there already or cannot be written.
    """
    database, artifacts = _embedded(settings)
    left_out = []
    if database is None:
        told = masked(settings.mlflow_tracking_uri)
        left_out.append(
            f"MLflow's runs and models, which {told} keeps: back up that database and its artifacts"
        )
    with writing(path) as archive:
        rows = n_files = n_objects = 0
        with dumped(catalog) as (revision, tables):
            for name, lines in tables:
                rows += archive.add_lines(f"catalog/{name}.jsonl", lines)
        for key in store.keys():  # noqa: SIM118 - a method of ours, not a mapping's
            archive.add_file(f"store/{key}", store.local_path(key))
            n_objects += 1
        if database is not None and database.exists():
            with _sqlite_copy(database) as copy:
                archive.add_file(_MLFLOW, copy)
        for folder, prefix in _folders(settings, artifacts):
            for file in _files(folder):
                archive.add_file(f"{prefix}/{file.relative_to(folder).as_posix()}", file)
                n_files += 1
        mlflow = database is not None and database.exists()
        facts = {
            "format": _FORMAT,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "catalog_revision": revision,
            "home": str(settings.home.resolve()),
            "mlflow_artifact_root": str(artifacts.resolve()) if artifacts else "",
            "contents": {"n_rows": rows, "n_objects": n_objects, "n_files": n_files, "mlflow": mlflow},
        }
        archive.seal(facts)
        return Contents(rows, n_objects, n_files, mlflow, archive.size_bytes, tuple(left_out))


def restore(settings: Settings, path: Path, *, force: bool = False) -> Contents:
    """Puts a backup in the place of what there is, which must be nothing unless `force`.

    Every part is verified before anything is touched. The catalog comes last, in one transaction: a restore
    that is broken off is repeated with `force`. Raises InputError for a damaged file, SettingError for a
    home in use.
    """
    if (there := running(settings.home)) is not None:
        raise SettingError(
            f"servers are up for {settings.home} (process {there.supervisor.pid}): stop trainyard up first"
        )
    with reading(path) as archive:
        facts = archive.facts
        if facts.get("format") != _FORMAT:
            raise InputError(f"{path} is no backup of Trainyard ({facts.get('format')!r} is not {_FORMAT!r})")
        database, artifacts = _embedded(settings)
        _check_empty(settings, database, force)
        for name in archive.names:
            _check_name(name, path)
        if _MLFLOW in archive.names and (database is None or artifacts is None):
            raise SettingError(
                "the backup holds MLflow's SQLite database, and TRAINYARD_MLFLOW_TRACKING_URI or "
                "..._ARTIFACT_ROOT is not a file and a folder: unset them for the restored home"
            )
        return _restored(settings, archive, database, artifacts)


def _restored(settings: Settings, archive: Reader, database: Path | None, artifacts: Path | None) -> Contents:
    facts = archive.facts
    home = settings.home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    store = Store.open(settings.store_url, cache=settings.home / "cache")
    moves = _moves(facts, home, artifacts)
    with tempfile.TemporaryDirectory(dir=home, prefix=".restoring-") as scratch:
        for name in archive.names:
            top, _, rest = name.partition("/")
            if top == "store":
                arriving = Path(scratch) / rest
                archive.copy(name, arriving)
                store.take_file(arriving)
            elif top in _FOLDERS:
                archive.copy(name, home / top / rest)
            elif top == "mlartifacts" and artifacts:
                archive.copy(name, artifacts / rest)
            elif name == _MLFLOW and database:
                arriving = Path(scratch) / "mlflow.db"
                archive.copy(name, arriving)
                _move_addresses(arriving, moves)
                database.parent.mkdir(parents=True, exist_ok=True)
                for side in ("-wal", "-shm"):
                    database.with_name(database.name + side).unlink(missing_ok=True)
                arriving.replace(database)
    tables = {
        name.removeprefix("catalog/").removesuffix(".jsonl"): _moved(archive.lines(name), name, moves)
        for name in archive.names
        if name.startswith("catalog/")
    }
    n = load_dump(settings.catalog_url, facts["catalog_revision"], tables, busy_seconds=settings.lock_seconds)
    told = facts["contents"]
    size = sum(part["size_bytes"] for part in facts["parts"].values())
    return Contents(n, told["n_objects"], told["n_files"], told["mlflow"], size)


def _moves(facts: Mapping[str, Any], home: Path, artifacts: Path | None) -> list[tuple[str, str]]:
    """Old and new places, the home's last."""
    old_home, old_root = facts["home"], facts["mlflow_artifact_root"]
    new_root = str(artifacts.resolve()) if artifacts else ""
    within = old_root.startswith(f"{old_home}/") and new_root == str(home) + old_root.removeprefix(old_home)
    return [*([] if within else [(old_root, new_root)]), (old_home, str(home))]


def _check_empty(settings: Settings, database: Path | None, force: bool) -> None:
    if force:
        return
    found = []
    try:
        with Catalog.open(settings.catalog_url, busy_seconds=settings.lock_seconds) as catalog:
            if n := n_rows(catalog):
                found.append(f"a catalog with {n} rows ({catalog.place})")
    except SettingError as nothing:
        log.debug("no catalog yet: %s", nothing)
    if database is not None and database.exists():
        found.append(f"MLflow's database ({database})")
    if Store.open(settings.store_url, cache=settings.home / "cache").keys():
        found.append(f"a store with objects ({masked(settings.store_url)})")
    if found:
        raise SettingError(
            f"there is something already: {', '.join(found)}. Set TRAINYARD_HOME to a new folder, or say "
            "--force to put the backup in its place"
        )


def _check_name(name: str, path: Path) -> None:
    parts = PurePosixPath(name).parts
    tops = ("catalog", "store", "mlflow", "mlartifacts", *_FOLDERS)
    if ".." in parts or name.startswith("/") or "\\" in name or len(parts) < 2 or parts[0] not in tops:
        raise InputError(f"{path} holds {name!r}, which no backup does. Nothing was restored")


def _embedded(settings: Settings) -> tuple[Path | None, Path | None]:
    """MLflow's database and artifact folder where both are files of ours, else None and None."""
    uri = settings.mlflow_tracking_uri
    if not uri.startswith("sqlite:///") or "://" in settings.mlflow_artifact_root:
        return None, None
    return Path(urlsplit(uri).path.removeprefix("/")), Path(settings.mlflow_artifact_root)


def _folders(settings: Settings, artifacts: Path | None) -> Iterator[tuple[Path, str]]:
    for name in _FOLDERS:
        yield settings.home / name, name
    if artifacts is not None:
        yield artifacts, "mlartifacts"


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())


@contextlib.contextmanager
def _sqlite_copy(database: Path) -> Iterator[Path]:
    """A consistent copy of a SQLite file that others may be writing to, by SQLite's backup API."""
    with tempfile.TemporaryDirectory(dir=database.parent, prefix=".backup-") as scratch:
        copy = Path(scratch) / "copy.db"
        with (
            contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as source,
            contextlib.closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")
        yield copy


def _move_addresses(database: Path, moves: list[tuple[str, str]]) -> None:
    """Lets MLflow's rows name artifacts where they are now: it keeps whole paths."""
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in names:
            for _, column, kind, *_ in connection.execute(f'PRAGMA table_info("{table}")').fetchall():
                if not kind.upper().startswith(("VARCHAR", "TEXT")):
                    continue
                for old, new in moves:
                    for scheme in ("", "file://"):
                        told, meant = scheme + old, scheme + new
                        if old and old != new:
                            connection.execute(
                                f'UPDATE "{table}" SET "{column}" = ? || substr("{column}", ?) '  # noqa: S608
                                f'WHERE "{column}" = ? OR substr("{column}", 1, ?) = ?',
                                (meant, len(told) + 1, told, len(told) + 1, f"{told}/"),
                            )


def _moved(lines: Iterator[bytes], name: str, moves: list[tuple[str, str]]) -> Iterator[bytes]:
    if name != "catalog/reports.jsonl":
        yield from lines
        return
    old, new = moves[-1]
    for line in lines:
        row: dict[str, Any] = json.loads(line)
        if row["folder"].startswith(f"{old}/"):
            row["folder"] = new + row["folder"].removeprefix(old)
        yield json.dumps(row).encode()
