"""A guide's file read alone, for people: what the parser makes of it, in a form that they can edit."""

from __future__ import annotations

from pathlib import Path

from domain.errors import InputError
from domain.grading.guide_export import guide_text
from domain.grading.guides import parse_guide
from domain.grading.records import Guide
from infra.readers import Read, reader_pool
from infra.settings import load_settings


def read_guide(path: Path) -> Guide:
    """The guide in a file, read behind the walls that every file is read behind. Raises InputError."""
    settings = load_settings()
    (outcome,) = reader_pool(1, settings.reader_seconds, settings.reader_memory_mb << 20).read_all([path])
    if not isinstance(outcome, Read):
        raise InputError(outcome.reason)
    return parse_guide(outcome.extraction, path.name)


def export_guide(path: Path, form: str) -> tuple[str, list[str]]:
    """The file's guide as JSON or YAML, and its problems."""
    guide = read_guide(path)
    return guide_text(guide, form), list(guide.problems)
