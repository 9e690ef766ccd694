"""What was found in documents: items of guides, answers of submissions, and what could not be parsed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, or_, select, update

from domain.grading.records import Guide, Submission
from domain.kinds import Role
from infra.catalog import tables
from infra.catalog.connection import Catalog
from infra.catalog.content import Marked, answer_rows, item_rows, parse_name, submission_row
from infra.catalog.material import Document, document_query, to_document
from infra.catalog.types import now, scrub
from infra.catalog.writing import Row, add_or_change, batches, rows_where


class ParseOutcome(StrEnum):
    OK = "ok"
    PROBLEM = "problem"
    """Parsed, and not to be trained on: a guide that does not balance, say."""
    FAILED = "failed"
    WAITING = "waiting"
    """A submission whose guide is not here yet: pending again next time."""


@dataclass(frozen=True)
class ParsedGuide:
    document_id: str
    guide: Guide


@dataclass(frozen=True)
class ParsedSubmission:
    """One student's paper of a document, which may hold several. Every answer's number is in the guide."""

    document_id: str
    guide_id: str
    submission: Submission


@dataclass(frozen=True)
class TableAnswer:
    """A row of a tidy table. `split` and `protocol` are what the table states, "" where it does not."""

    student: str
    number: str
    text: str
    gold: float | None = None
    second_gold: float | None = None
    place: str = ""
    split: str = ""
    protocol: str = ""


@dataclass(frozen=True)
class ParsedTable:
    """A tidy table: its items stand as a guide, its students as submissions, in the one document."""

    document_id: str
    guide: Guide
    answers: tuple[TableAnswer, ...]


@dataclass(frozen=True)
class Unparsed:
    """A document of which nothing was kept, and why."""

    document_id: str
    outcome: ParseOutcome
    problems: tuple[str, ...]


def pending_parses(
    catalog: Catalog, owner: str, role: Role, parser_version: str, ids: Sequence[str] | None = None
) -> list[Document]:
    """Documents that this version of the parsers has not parsed, or left waiting, by name."""
    d, p = tables.Document, tables.Parse
    query = (
        document_query()
        .outerjoin(p, (p.document_id == d.id) & (p.parser_version == parser_version))
        .where(d.owner == owner, d.role == role, or_(p.id.is_(None), p.outcome == ParseOutcome.WAITING))
    )
    with catalog.reading() as connection:
        found = [to_document(row) for row in rows_where(connection, query, d.id, ids)]
    return sorted(found, key=lambda document: (document.name, document.id))


def save_guides(catalog: Catalog, parser_version: str, parsed: Sequence[ParsedGuide]) -> None:
    """Keeps parsed guides with their items, in one transaction."""
    with catalog.writing() as connection:
        _add_guides(connection, parser_version, parsed)


def save_submissions(catalog: Catalog, parser_version: str, parsed: Sequence[ParsedSubmission]) -> None:
    """Keeps parsed submissions with their answers, in one transaction.

    A document's problem makes its parse a PROBLEM; its answers are kept all the same. Raises InputError
    for an answer to a number that its guide does not have.
    """
    problems: dict[str, list[str]] = {}
    for one in parsed:
        problems.setdefault(one.document_id, []).extend(one.submission.problems)
    parses = [_parse_row(document, parser_version, told) for document, told in problems.items()]
    marked = [
        Marked(one.document_id, one.guide_id, one.submission.student, answer.number, answer.text, answer.gold,
               answer.second_gold, answer.place, alignment=answer.alignment, doubt=answer.doubt)
        for one in parsed
        for answer in one.submission.answers
    ]  # fmt: skip
    rows = [submission_row(one.document_id, parser_version, one.guide_id, one.submission) for one in parsed]
    with catalog.writing() as connection:
        _add_parses(connection, parses)
        _add_submissions(connection, rows)
        _add_answers(connection, parser_version, marked)


def save_table(catalog: Catalog, parser_version: str, parsed: ParsedTable) -> None:
    """Keeps a tidy table, however many rows, in one transaction. Raises InputError as save_submissions."""
    here = parsed.document_id
    marked = [
        Marked(here, here, answer.student, answer.number, answer.text, answer.gold, answer.second_gold,
               answer.place, answer.split, answer.protocol)
        for answer in parsed.answers
    ]  # fmt: skip
    students = dict.fromkeys(answer.student for answer in parsed.answers)
    rows = [submission_row(here, parser_version, here, Submission(student, ())) for student in students]
    with catalog.writing() as connection:
        _add_guides(connection, parser_version, [ParsedGuide(here, parsed.guide)])
        _add_submissions(connection, rows)
        _add_answers(connection, parser_version, marked)


def save_unparsed(catalog: Catalog, parser_version: str, unparsed: Sequence[Unparsed]) -> None:
    """Remembers documents that could not be parsed, so that they are not tried again (but WAITING ones)."""
    rows = [
        {**_parse_row(one.document_id, parser_version, one.problems), "outcome": one.outcome}
        for one in unparsed
    ]
    with catalog.writing() as connection:
        _add_parses(connection, rows)


def note_readings(catalog: Catalog, reader: str, notes: Sequence[Unparsed]) -> None:
    """Remembers what another reader made of documents, so that it is not asked again. The parse in force
    stays in force, and nothing that the reader read is kept here."""
    rows = [
        {**_parse_row(one.document_id, reader, one.problems), "outcome": one.outcome, "superseded": True}
        for one in notes
    ]
    with catalog.writing() as connection:
        add_or_change(connection, tables.Parse, rows, change=("outcome", "problems"))


def parsers_in_force(catalog: Catalog, document_ids: Sequence[str]) -> dict[str, str]:
    """The version of the parser whose parse counts, by document."""
    p = tables.Parse
    query = select(p.document_id, p.parser_version).where(~p.superseded)
    with catalog.reading() as connection:
        return {row[0]: row[1] for row in rows_where(connection, query, p.document_id, document_ids)}


def await_guide(catalog: Catalog, guide_id: str, reason: str) -> int:
    """Makes the submissions that answer a guide pending again, since the guide has changed; how many."""
    s, p = tables.Submission, tables.Parse
    answering = select(s.parse_id).where(s.guide_id == guide_id, s.document_id != guide_id)
    query = update(p).where(p.id.in_(answering), ~p.superseded)
    with catalog.writing() as connection:
        done = connection.execute(query.values(outcome=ParseOutcome.WAITING, problems=[reason]))
        return done.rowcount


def _parse_row(document_id: str, parser_version: str, problems: Sequence[str]) -> Row:
    return {
        "id": parse_name(document_id, parser_version),
        "document_id": document_id,
        "parser_version": parser_version,
        "outcome": ParseOutcome.PROBLEM if problems else ParseOutcome.OK,
        "problems": list(problems),
        "is_guide": False,
        "title": "",
        "stated_total": None,
        "instructions": "",
        "superseded": False,
        "created_at": now(),
    }


def _add_parses(connection: Connection, rows: Sequence[Row]) -> None:
    """Adds parses; they count from now on instead of other versions' of the same documents."""
    change = ("outcome", "problems", "is_guide", "title", "stated_total", "instructions", "superseded")
    add_or_change(connection, tables.Parse, rows, change=change)
    p = tables.Parse
    for batch in batches(sorted((row["document_id"], row["id"]) for row in rows)):
        others = p.document_id.in_([document for document, _ in batch])
        mine = p.id.in_([parse for _, parse in batch])
        connection.execute(update(p).where(others, ~mine, ~p.superseded).values(superseded=True))


def _add_guides(connection: Connection, parser_version: str, parsed: Sequence[ParsedGuide]) -> None:
    parses: list[Row] = []
    items: list[Row] = []
    for one in parsed:
        about = {
            "is_guide": True,
            "title": one.guide.title,
            "stated_total": one.guide.stated_total,
            "instructions": scrub(one.guide.instructions),
        }
        parses.append({**_parse_row(one.document_id, parser_version, one.guide.problems), **about})
        items += item_rows(one.document_id, parser_version, one.guide.items)
    _add_parses(connection, parses)
    add_or_change(
        connection, tables.Item, items, change=("parse_id", "position", "place", "page", "confidence")
    )


def _add_submissions(connection: Connection, rows: Sequence[Row]) -> None:
    change = ("parse_id", "guide_id", "expected_total", "problems")
    add_or_change(connection, tables.Submission, rows, change=change)


def _add_answers(connection: Connection, parser_version: str, marked: Sequence[Marked]) -> None:
    items = current_items(connection, [one.guide_id for one in marked])
    rows = answer_rows(parser_version, marked, items)
    change = ("parse_id", "position", "place", "given_split", "given_protocol", "alignment", "doubt")
    add_or_change(connection, tables.Answer, rows, change=change)


def current_items(connection: Connection, guide_ids: Iterable[str]) -> dict[tuple[str, str], str]:
    """Item ids by (guide id, number), of each guide's newest parse."""
    i, p = tables.Item, tables.Parse
    query = select(i.document_id, i.number, i.id).join(p, p.id == i.parse_id).where(~p.superseded)
    return {(row[0], row[1]): row[2] for row in rows_where(connection, query, i.document_id, guide_ids)}
