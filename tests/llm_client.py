"""Our client against a simulator, for tests: settings, a catalog, and requests to mark answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from domain.language_models import Message, Request
from infra.catalog import Catalog
from infra.llm import LanguageModels
from infra.settings import Settings

MODEL = "simulated-1"
SCHEMA = {
    "type": "object",
    "properties": {"score": {"type": "number", "minimum": 0, "maximum": 1}, "why": {"type": "string"}},
    "required": ["score", "why"],
    "additionalProperties": False,
}


def settings_for(base_url: str, home: Path, **given: Any) -> Settings:
    """Settings that ask one model of a compatible server, and give up soon."""
    ours = {
        "home": home, "llm_base_url": base_url, "llm_models": f"compatible:{MODEL}",
        "llm_timeout_seconds": 5.0, "llm_deadline_seconds": 20.0,
    }  # fmt: skip
    return Settings(_env_file=None, **{**ours, **given})


@contextmanager
def language_models(
    base_url: str, catalog: Catalog, home: Path = Path("nowhere"), **given: Any
) -> Iterator[LanguageModels]:
    """The client, closed in the end."""
    models = LanguageModels.open(settings_for(base_url, home, **given), catalog)
    try:
        yield models
    finally:
        models.close()


def question(text: str, **given: Any) -> Request:
    """A request to mark `text`, with a schema unless told otherwise."""
    ours = {"schema": SCHEMA, "schema_name": "mark", "purpose": "grade"}
    return Request((Message("system", "Mark the answer."), Message("user", text)), **{**ours, **given})


def questions(n: int, tag: str = "answer", **given: Any) -> list[Request]:
    return [question(f"{tag} {i}", **given) for i in range(n)]
