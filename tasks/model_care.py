"""Looking after registered models of both kinds: what there is, other names, copies, and who is champion."""

from __future__ import annotations

import logging
import shutil
import tempfile
from pathlib import Path
from typing import Any

from domain.errors import InputError
from domain.kinds import Kind
from infra import catalog as records
from infra.model_registry import CHAMPION, ModelRegistry
from infra.model_shelf import ModelShelf, ShelvedVersion
from tasks.events import tell_promoted
from tasks.judges import judge_of
from tasks.model_upload import checked_files, tried
from tasks.runs import model_code
from tasks.workplace import Workplace, workplace

log = logging.getLogger(__name__)


def list_models(name: str = "") -> list[dict[str, Any]]:
    """A row a version, by name and the newest first."""
    place = workplace()
    registry = ModelRegistry(place.tracking)
    rows = []
    for one in ModelShelf(place.tracking).versions(name):
        kind = one.tags.get("kind", Kind.GRADING.value)
        metrics = registry.find(f"{one.name}/{one.version}").metrics
        rows.append(
            {
                "model": one.name,
                "version": one.version,
                "aliases": ", ".join(one.aliases),
                "kind": kind,
                "strategy": one.tags.get("strategy", ""),
                "qwk": metrics.get(judge_of(Kind.GRADING).deciding) if kind == Kind.GRADING else None,
                "accuracy": metrics.get(judge_of(Kind.VISION).deciding) if kind == Kind.VISION else None,
                "job": one.tags.get("job_id", "")[:8],
                "created": one.created.isoformat(timespec="seconds"),
            }
        )
    return rows


def show_model(which: str) -> dict[str, Any]:
    """All that is known of one version: where it comes from, its figures, what its strategy says of it."""
    place = workplace()
    registry = ModelRegistry(place.tracking)
    one = _version(place, which)
    address = f"{one.name}/{one.version}"
    return {
        "model": one.name,
        "version": one.version,
        "uri": f"models:/{address}",
        "aliases": ", ".join(one.aliases),
        "created": one.created.isoformat(timespec="seconds"),
        "kind": one.tags.get("kind", Kind.GRADING.value),
        "earlier champions": registry.earlier_champions(one.name),
        "mlflow run": one.run_id,
        "tags": {name: value for name, value in one.tags.items() if name != "kind"},
        "figures": dict(sorted(registry.find(address).metrics.items())),
        "card": registry.card(address),
    }


def rename_model(name: str, new_name: str) -> None:
    """The model with all its versions; jobs go on knowing it."""
    place = workplace()
    ModelShelf(place.tracking).rename(name, new_name)
    n = records.rename_model(place.catalog, place.settings.owner, name, new_name)
    log.info("model %s is now %s (%d jobs)", name, new_name, n)


def download_model(which: str, folder: Path) -> list[Path]:
    """Copies a version's ONNX and JSON files into `folder`, which is made; their paths.

    Raises InputError where the folder has something in it.
    """
    place = workplace()
    one = _version(place, which)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is there already and not empty: give another folder")
    with tempfile.TemporaryDirectory() as scratch:
        files = ModelRegistry(place.tracking).download_model(f"{one.name}/{one.version}", Path(scratch))
        shutil.copytree(files, folder, dirs_exist_ok=True)
    return sorted(path for path in folder.rglob("*") if path.is_file())


def upload_model(folder: Path, name: str) -> dict[str, Any]:
    """Registers the files in `folder` as a version of model `name`, once they are checked and tried.

    The same files are the same version. Raises InputError for files that are no model of Trainyard.
    """
    place = workplace()
    files = checked_files(folder)
    with tempfile.TemporaryDirectory() as copied:
        # What was checked is what is tried: nothing else lies beside it.
        for file, content in files.items():
            (Path(copied) / file).parent.mkdir(parents=True, exist_ok=True)
            (Path(copied) / file).write_bytes(content)
        kind, strategy = tried(Path(copied))
    _same_kind(place, name, kind)
    judge = judge_of(kind)
    tags = {"kind": kind.value, "strategy": strategy}
    run_id = place.tracking.start_or_reopen(f"{kind.value}/uploads", f"upload of {name}", tags)
    version = ModelRegistry(place.tracking).register(
        run_id,
        files,
        {"strategy": strategy, "uploaded": True},
        name=name,
        form=judge.form,
        code=model_code(judge.entry),
        tags={**tags, "uploaded": "true"},
    )
    # The same files were there already: this run made nothing.
    place.tracking.end(run_id, "FINISHED" if version.run_id == run_id else "KILLED")
    return {"model": version.name, "version": version.version, "kind": kind.value, "strategy": strategy}


def _same_kind(place: Workplace, name: str, kind: Kind) -> None:
    known = ModelRegistry(place.tracking).versions(name)
    other = {one.tags.get("kind", Kind.GRADING.value) for one in known} - {kind.value}
    if other:
        raise InputError(
            f"model {name} is of kind {other.pop()}, these files of {kind.value}: choose another name"
        )


def delete_model(which: str) -> str:
    """A version (NAME/3, NAME@alias) or a whole model (NAME); in words what is gone.

    Raises InputError for the champion: another has to take its place first.
    """
    place = workplace()
    shelf = ModelShelf(place.tracking)
    if "/" not in which and "@" not in which:
        n = len(shelf.versions(which))
        shelf.delete_model(which)
        return f"model {which} with {n} versions"
    one = _version(place, which)
    if CHAMPION in one.aliases:
        raise InputError(
            f"version {one.version} of {one.name} is the champion: promote another version first, or delete "
            f"the whole model (trainyard model delete {one.name})"
        )
    shelf.delete_version(one)
    return f"version {one.version} of {one.name}"


def promote_model(which: str) -> str:
    """Makes a version the champion; in words who was it before."""
    place = workplace()
    one = _version(place, which)
    registry = ModelRegistry(place.tracking)
    before = registry.champion(one.name)
    registry.promote(one.name, one.version)
    tell_promoted(one.name, one.version)
    told = f"; it was version {before.version}" if before and before.version != one.version else ""
    return f"version {one.version} is the champion of {one.name}{told}"


def roll_back_model(name: str) -> str:
    """Makes the champion's predecessor champion again. Raises InputError where there is none."""
    place = workplace()
    ModelShelf(place.tracking).versions(name)
    version = ModelRegistry(place.tracking).roll_back(name)
    if version is None:
        raise InputError(f"no earlier champion of {name} is left: trainyard model promote {name}/VERSION")
    tell_promoted(name, version)
    return f"version {version} is the champion of {name} again"


def _version(place: Workplace, which: str) -> ShelvedVersion:
    """The version that NAME (its champion, else its newest), NAME@alias or NAME/3 means."""
    which = which.removeprefix("models:/")
    name = which.partition("@")[0].partition("/")[0]
    versions = ModelShelf(place.tracking).versions(name)
    if not versions:
        raise InputError(f"model {name} has no version: run trainyard pipeline, or upload one")
    alias, number = which.partition("@")[2], which.partition("/")[2]
    if not alias and not number:
        return next((one for one in versions if CHAMPION in one.aliases), versions[0])
    for one in versions:
        if alias in one.aliases or number == str(one.version):
            return one
    there = ", ".join(f"{one.version}{''.join(f' ({a})' for a in one.aliases)}" for one in versions[:8])
    raise InputError(f"model {name} has no version {alias or number}. It has: {there}")
