"""Submissions by what people call them: to find all that was said about a student's paper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from sqlalchemy import func, or_, select

from domain.errors import InputError
from infra.catalog import tables
from infra.catalog.connection import Catalog
from infra.catalog.writing import rows_where

_SHOWN = 5


@dataclass(frozen=True)
class Paper:
    """A submission, the file it came in, and the ids of its answers in every parse of it."""

    submission_id: str
    student: str
    name: str
    answer_ids: tuple[str, ...]


def find_papers(catalog: Catalog, owner: str, which: str) -> list[Paper]:
    """The owner's submissions that `which` names: a student, a file's name, or the beginning of an id (8
    characters or more). Raises InputError that says what there is when it names none."""
    s, d, f = tables.Submission, tables.Document, tables.File
    in_file = select(f.document_id).where(f.owner == owner, func.lower(f.name).in_(_names(which)))
    named = or_(
        func.lower(s.student) == which.lower(), func.lower(d.name).in_(_names(which)), d.id.in_(in_file)
    )
    query = select(s.id, s.student, d.name).join(d, d.id == s.document_id).where(d.owner == owner)
    with catalog.reading() as connection:
        known = connection.execute(query.order_by(d.name, s.student)).all()
        by_name = {row.id for row in connection.execute(query.where(named))}
        found = [row for row in known if row.id in by_name or (len(which) >= 8 and row.id.startswith(which))]
        if not found:
            listed = ", ".join(f"{row.student} ({row.name})" for row in known[:_SHOWN]) or "none"
            raise InputError(
                f"There is no submission {which!r}: give a student, a file's name or the id. The first are: "
                f"{listed}"
            )
        answers: dict[str, list[str]] = {}
        a = tables.Answer
        for row in rows_where(
            connection, select(a.submission_id, a.id), a.submission_id, [row.id for row in found]
        ):
            answers.setdefault(row.submission_id, []).append(row.id)
    return [Paper(row.id, row.student, row.name, tuple(sorted(answers.get(row.id, ())))) for row in found]


def _names(which: str) -> Sequence[str]:
    """As the catalog may have it: a path's last part, with the folders or without."""
    return tuple({which.lower(), PurePath(which).name.lower()})
