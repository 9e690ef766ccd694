"""A guide's file read alone, for people: what the parser makes of it, in a form that they can edit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from domain.documents.extraction import Extraction
from domain.errors import InputError
from domain.grading.guide_export import guide_text
from domain.grading.guide_page import guide_page
from domain.grading.guides import parse_guide
from domain.grading.records import Guide
from infra.readers import Read, reader_pool
from infra.settings import load_settings


def read_guide(path: Path) -> tuple[Guide, Extraction]:
    """The guide in a file and its source, read behind the walls that every file is read behind.

    Raises InputError for a file that cannot be read.
    """
    settings = load_settings()
    (outcome,) = reader_pool(1, settings.reader_seconds, settings.reader_memory_mb << 20).read_all([path])
    if not isinstance(outcome, Read):
        raise InputError(outcome.reason)
    return parse_guide(outcome.extraction, path.name), outcome.extraction


def export_guide(path: Path, form: str) -> tuple[str, list[str]]:
    """The file's guide as JSON or YAML, and its problems."""
    guide, _ = read_guide(path)
    return guide_text(guide, form), list(guide.problems)


@dataclass(frozen=True)
class Reviewed:
    """Where a guide's page and its editable YAML were written, and what is wrong with it."""

    page: Path
    editable: Path
    problems: tuple[str, ...]


def review_guide(path: Path, folder: Path) -> Reviewed:
    """Writes the guide beside its source as a page, and as YAML to correct, into `folder`.

    A YAML file that is there already is kept, since somebody may have corrected it.
    """
    guide, extraction = read_guide(path)
    page, editable = folder / f"{path.stem}.html", folder / f"{path.stem}.yaml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        page.write_text(guide_page(guide, extraction, path.name), encoding="utf-8")
        if not editable.exists():
            editable.write_text(guide_text(guide, "yaml"), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder} cannot be written to ({error.strerror}): name another folder") from error
    return Reviewed(page, editable, guide.problems)
