"""The language models of this installation, opened once a process."""

from __future__ import annotations

from functools import lru_cache

from infra.catalog import Cost, Spent, costs_of, spent
from infra.llm import LanguageModels
from infra.settings import Settings, load_settings
from tasks.workplace import workplace


def language_models() -> LanguageModels:
    """The models of the settings in force; its `names` are empty where none is set up."""
    return _open(load_settings())


def spending_of(job_id: str) -> tuple[Spent, list[Cost]]:
    """What a job paid language models for: in all, and by model, purpose and occasion."""
    catalog = workplace().catalog
    return spent(catalog, job_id), costs_of(catalog, job_id)


@lru_cache(maxsize=4)
def _open(settings: Settings) -> LanguageModels:
    return LanguageModels.open(settings, workplace().catalog)
