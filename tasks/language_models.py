"""The language models of this installation, opened once a process; what they offer, cost and remember."""

from __future__ import annotations

import atexit
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from infra import catalog as records
from infra.catalog import Cost, Spent
from infra.llm import LanguageModels, OfferedModel
from infra.settings import Settings, load_settings
from tasks.workplace import workplace


def language_models() -> LanguageModels:
    """The models of the settings in force; its `names` are empty where none is set up."""
    return _open(load_settings())


@lru_cache(maxsize=4)
def _open(settings: Settings) -> LanguageModels:
    models = LanguageModels.open(settings, workplace().catalog)
    atexit.register(models.close)
    return models


def spending_of(job_id: str) -> tuple[Spent, list[Cost]]:
    """What a job paid language models for: in all, and by model, purpose and occasion."""
    catalog = workplace().catalog
    return records.spent(catalog, job_id), records.costs_of(catalog, job_id)


def offered_models() -> list[dict[str, Any]]:
    """A row a model that a configured provider lists, and a row a provider that does not answer."""
    return [_row(model) for model in language_models().offered()]


def changed_models() -> list[str]:
    """A sentence for each model that answered under several names of its own."""
    told: dict[str, list[str]] = {}
    for seen in language_models().changed_models():
        called = f"{seen.response_model or '(no name)'} from {seen.first_at:%Y-%m-%d}"
        told.setdefault(f"{seen.provider}:{seen.model}", []).append(called)
    return [f"{name} answered as {', then as '.join(dict.fromkeys(called))}" for name, called in told.items()]


def purge_replies(submissions: Sequence[str], *, dry_run: bool) -> dict[str, Any]:
    """Removes what language models said about submissions, named by id, student or file.

    Raises InputError for a name that fits none, and removes nothing then.
    """
    place = workplace()
    papers = {
        paper.submission_id: paper
        for which in submissions
        for paper in records.find_papers(place.catalog, place.settings.owner, which)
    }
    subjects = [
        subject for paper in papers.values() for subject in (paper.submission_id, *paper.answer_ids)
    ] + [which for which in submissions if any(which == paper.student for paper in papers.values())]
    n_replies = records.purge(place.catalog, subjects, dry_run=dry_run)
    return {
        "submissions": [{"student": paper.student, "name": paper.name} for paper in papers.values()],
        "n_replies": n_replies,
        "dry_run": dry_run,
    }


def _row(model: OfferedModel) -> dict[str, Any]:
    return {
        "provider": model.provider,
        "model": model.model,
        "in use": "yes" if model.in_use else "",
        "created": model.created.isoformat() if model.created else "",
        "shuts down": model.shutdown.isoformat() if model.shutdown else "",
        "USD per million in / out": "" if model.problem else _price(model),
        "price from": model.price_source,
        "problem": model.problem,
        "address": model.address,
    }


def _price(model: OfferedModel) -> str:
    if model.input_usd is None or model.output_usd is None:
        return "unknown"
    return f"{model.input_usd:g} / {model.output_usd:g}"
