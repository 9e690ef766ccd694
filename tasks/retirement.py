"""A watch on the language models that the settings name or that champions grade with: when do they go?"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TypedDict

from prefect import task
from prefect.artifacts import create_markdown_artifact

from infra import catalog as records
from infra.catalog import JobState
from infra.model_registry import ModelRegistry
from tasks.events import MODEL_RETIRING, announce
from tasks.language_models import language_models
from tasks.policy import RETRIED
from tasks.workplace import Workplace, workplace

log = logging.getLogger(__name__)

_REMEDY = "Name another in TRAINYARD_LLM_MODELS, train with it, and compare."


class RetiringModel(TypedDict):
    """A language model in use that goes or has gone; `shutdown` is its last day, "" where none is known."""

    model: str
    shutdown: str
    why: str
    used_by: list[str]


@task(task_run_name="watch language models", **RETRIED)
def watch_language_models() -> list[RetiringModel]:
    """Those that go, each told as an event once a date; an artifact lists them."""
    place = workplace()
    models = language_models()
    used = _used(place)
    names = [*models.names, *used]
    found = [
        RetiringModel(
            model=one.model,
            shutdown=one.shutdown.isoformat() if one.shutdown else "",
            why=one.why,
            used_by=used.get(one.model, []),
        )
        for one in models.retiring(names, datetime.now(UTC).date())
    ]
    for one in found:
        log.warning("%s. %s", one["why"], _REMEDY)
        announce(MODEL_RETIRING, f"{one['model']} {one['shutdown'] or 'gone'}", {"name": one["model"], **one})
    if found:
        rows = [f"| {one['model']} | {one['shutdown']} | {', '.join(one['used_by'])} |" for one in found]
        table = "\n".join(["| language model | last day | champions |", "| --- | --- | --- |", *rows])
        create_markdown_artifact(f"{table}\n\n{_REMEDY}", key="retiring-language-models")
    return found


def _used(place: Workplace) -> dict[str, list[str]]:
    """ "provider:model" → the champions that were told to ask it."""
    jobs = records.jobs(place.catalog, place.settings.owner, states=[JobState.FINISHED], limit=10_000)
    asking = {job.model_name: job for job in jobs if job.strategy == "llm" and job.model_name}
    used: dict[str, list[str]] = {}
    for name in asking:
        champion = ModelRegistry(place.tracking).champion(name)
        mine = [job for job in jobs if champion is not None and job.id == champion.tags.get("job_id")]
        for job in mine:
            if model := str(job.config.get("model") or ""):
                used.setdefault(model, []).append(f"{name} version {job.model_version}")
    return used
