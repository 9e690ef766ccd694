"""Models as people name them, and which version of MLflow's registry is meant."""

from __future__ import annotations

import re

from domain.errors import InputError
from domain.kinds import Kind
from infra import catalog as records
from infra.catalog import Job
from infra.model_registry import ModelRegistry
from tasks.workplace import Workplace

_JOB = re.compile(r"[0-9a-f][0-9a-f-]{3,35}")


def model_uri(place: Workplace, which: str, kind: Kind) -> str:
    """The MLflow address of a model of `kind`.

    `which` is NAME (its champion), NAME@alias, NAME/version, a job's id or its beginning, or "" for the
    champion of the newest job's model. Raises InputError where there is none, or it is of another kind.
    """
    if which in ("", "latest"):
        return _newest(place, kind)
    found = _job(place, which)
    if found is not None:
        uri = f"models:/{found.model_name}/{found.model_version}"
    elif which.startswith("models:/"):
        uri = which
    else:
        uri = f"models:/{which}" if "@" in which or "/" in which else f"models:/{which}@champion"
    # Versions of before there were two kinds say nothing.
    its_kind = ModelRegistry(place.tracking).find(uri).tags.get("kind", Kind.GRADING.value)
    if its_kind != kind.value:
        verb = "trainyard predict" if its_kind == Kind.VISION.value else "trainyard grade"
        raise InputError(f"{which} is a model of kind {its_kind}: use {verb} with it")
    return uri


def _job(place: Workplace, which: str) -> Job | None:
    if not _JOB.fullmatch(which):
        return None
    known = records.jobs(place.catalog, place.settings.owner, limit=10_000)
    found = [job for job in known if job.id.startswith(which)]
    if len(found) > 1:
        raise InputError(f"{len(found)} jobs begin with {which!r}: give more of the id")
    if found and not found[0].model_name:
        state = found[0].state.value
        raise InputError(f"job {which} is {state} and has no model yet: run trainyard train again")
    return found[0] if found else None


def _newest(place: Workplace, kind: Kind) -> str:
    known = records.jobs(place.catalog, place.settings.owner, limit=10_000)
    finished = [job for job in known if job.model_name and job.kind is kind]
    if not finished:
        raise InputError(f"there is no model of kind {kind.value} yet: run trainyard pipeline first")
    name = finished[0].model_name
    champion = ModelRegistry(place.tracking).champion(name)
    return f"models:/{name}@champion" if champion else f"models:/{name}/{finished[0].model_version}"
