"""Documents to guides, items and answers: each document once per parser version."""

from __future__ import annotations

import logging
import tempfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
from prefect import task

from domain.contracts import Rejection, sift
from domain.errors import InputError
from domain.grading.contracts import Extractions
from domain.grading.guides import parse_guide
from domain.grading.parsing import PARSER_VERSION
from domain.grading.records import Guide
from domain.grading.tidy import TidyAnswers, read_tidy
from domain.kinds import Role
from infra import catalog as records
from infra.catalog import (
    Document,
    ParsedGuide,
    ParsedSubmission,
    ParsedTable,
    ParseOutcome,
    TableAnswer,
    Unparsed,
)
from infra.texts import get_text
from tasks.outcome import Ingested
from tasks.papers import extraction_of, known_guides, papers_of
from tasks.policy import RETRIED
from tasks.workplace import Workplace, workplace

log = logging.getLogger(__name__)

_EXTRACTION = tuple(Extractions.to_schema().columns)
CHUNK = 250
"""Submissions a task: one parses in a few milliseconds."""


@task(task_run_name="parse guides", **RETRIED)
def parse_guides() -> int:
    """Parses the guides that this parser has not seen; how many those were."""
    place = workplace()
    pending = records.pending_parses(place.catalog, place.settings.owner, Role.GUIDE, PARSER_VERSION)
    parsed, failed = [], []
    for document in _sound(place, pending):
        try:
            guide = parse_guide(extraction_of(place, document), document.name)
            if not is_storable(guide):
                failed.append(Unparsed(document.id, ParseOutcome.FAILED, guide.problems))
            else:
                parsed.append(ParsedGuide(document.id, guide))
        except InputError as refusal:
            failed.append(Unparsed(document.id, ParseOutcome.FAILED, (str(refusal),)))
    records.save_guides(place.catalog, PARSER_VERSION, parsed)
    records.save_unparsed(place.catalog, PARSER_VERSION, failed)
    if pending:
        log.info(
            "guides: %d parsed, %d of them with problems", len(pending), _n_doubtful(parsed) + len(failed)
        )
    return len(pending)


def _sound(place: Workplace, documents: list[Document]) -> list[Document]:
    """Those whose extraction obeys its contract; the others go to quarantine and count as unparsed."""
    frame = pd.DataFrame([{name: getattr(d, name) for name in _EXTRACTION} for d in documents])
    sifted = sift(Extractions, frame, key="name", max_reject_share=place.settings.max_reject_share)
    if not sifted.n_rejected:
        return documents
    records.quarantine(place.catalog, place.settings.owner, "extraction", sifted.rejections)
    passed = set(sifted.passed["file_sha256"])
    bad = [document for document in documents if document.file_sha256 not in passed]
    reasons = {
        r.row: f"{r.column} {r.check} ({r.value}): save it anew and try again" for r in sifted.rejections
    }
    failed = [Unparsed(d.id, ParseOutcome.FAILED, (f"{d.name}: {reasons[d.name]}",)) for d in bad]
    records.save_unparsed(place.catalog, PARSER_VERSION, failed)
    return [document for document in documents if document.file_sha256 in passed]


def is_storable(guide: Guide) -> bool:
    """Whether its items can be told apart and are worth something; a guide that is not has problems."""
    numbers = {item.number for item in guide.items}
    return bool(numbers) and len(numbers) == len(guide.items) and all(i.max_score > 0 for i in guide.items)


def _n_doubtful(parsed: list[ParsedGuide]) -> int:
    return sum(bool(one.guide.problems) for one in parsed)


@task(task_run_name="parse tables of answers", **RETRIED)
def parse_tables() -> int:
    """Parses tidy tables; rows that cannot be used are kept in quarantine with their reason."""
    place = workplace()
    pending = records.pending_parses(place.catalog, place.settings.owner, Role.ANSWERS, PARSER_VERSION)
    for document in _sound(place, pending):
        try:
            table = _tidy(place, document)
        except InputError as refusal:
            failed = Unparsed(document.id, ParseOutcome.FAILED, (str(refusal),))
            records.save_unparsed(place.catalog, PARSER_VERSION, [failed])
            continue
        parsed, repeated = as_one_guide(document, table)
        rejected = [*table.rejections, *repeated]
        records.quarantine(place.catalog, place.settings.owner, document.name, rejected, document.id)
        records.save_table(place.catalog, PARSER_VERSION, parsed)
        log.info("table %s: %d answers, %d rows rejected", document.name, len(parsed.answers), len(rejected))
    return len(pending)


def _tidy(place: Workplace, document: Document) -> TidyAnswers:
    suffix = Path(document.name).suffix or ".csv"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"table{suffix}")
        path.write_text(get_text(place.store, document), encoding="utf-8", newline="")
        return read_tidy(path)


def as_one_guide(document: Document, table: TidyAnswers) -> tuple[ParsedTable, list[Rejection]]:
    """A table as the guide that it carries and the answers to it; repeated answers are rejected.

    Where a table has several guides, the items' numbers start with their guide's name.
    """
    titles = list(dict.fromkeys(i.guide for i in table.items))
    several = len(titles) > 1

    def number(guide: str, item_number: str) -> str:
        return f"{guide} {item_number}".strip() if several else item_number

    items = tuple(replace(i.item, number=number(i.guide, i.item.number)) for i in table.items)
    title = titles[0] if len(titles) == 1 and titles[0] else Path(document.name).stem
    answers: dict[tuple[str, str], TableAnswer] = {}
    repeated = []
    for row in table.answers:
        item_number = number(row.guide, row.answer.number)
        if (row.student, item_number) in answers:
            check = f"a second answer of {row.student} to item {item_number}: keep one"
            repeated.append(Rejection("Answers", row.answer.place, "student", check, row.student))
            continue
        answers[row.student, item_number] = TableAnswer(
            student=row.student,
            number=item_number,
            text=row.answer.text,
            gold=row.answer.gold,
            second_gold=row.answer.second_gold,
            place=row.answer.place,
            split=row.split.value if row.split else "",
            protocol=row.protocol.value if row.protocol else "",
        )
    return ParsedTable(document.id, Guide(title, items), tuple(answers.values())), repeated


@task(task_run_name="find submissions to parse", **RETRIED)
def pending_submissions() -> list[list[str]]:
    """Ids of submissions that are not parsed yet, or wait for their guide, in chunks."""
    place = workplace()
    found = records.pending_parses(place.catalog, place.settings.owner, Role.SUBMISSION, PARSER_VERSION)
    ids = [document.id for document in found]
    size = max(CHUNK, -(-len(ids) // 40))
    return [ids[i : i + size] for i in range(0, len(ids), size)]


@task(task_run_name="parse submissions", **RETRIED)
def parse_submissions(ids: list[str]) -> int:
    """Parses a chunk of submissions and aligns their answers with the guides' items."""
    place = workplace()
    owner = place.settings.owner
    guides = known_guides(place)
    parsed: list[ParsedSubmission] = []
    unparsed: list[Unparsed] = []
    for document in _sound(place, records.documents(place.catalog, owner, Role.SUBMISSION, ids)):
        try:
            outcome = papers_of(place, document, guides)
        except InputError as refusal:
            outcome = Unparsed(document.id, ParseOutcome.FAILED, (str(refusal),))
        if isinstance(outcome, Unparsed):
            unparsed.append(outcome)
        else:
            parsed += outcome
    records.save_submissions(place.catalog, PARSER_VERSION, parsed)
    records.save_unparsed(place.catalog, PARSER_VERSION, unparsed)
    log.info("submissions: %d parsed, %d could not be", len(parsed), len(unparsed))
    return len(parsed)


def guides_of(ingested: list[Ingested], *, accept_doubtful: bool = False) -> list[str]:
    """Ids of the guides that were given, or that given submissions and tables answer; all if none were.

    Guides with problems are left out, since what they say cannot be trusted, unless they are accepted.
    """
    place = workplace()
    owner = place.settings.owner
    given = {document_id for part in ingested for document_id in part["document_ids"]}
    taken = (ParseOutcome.OK, ParseOutcome.PROBLEM) if accept_doubtful else (ParseOutcome.OK,)
    everything = [
        row.id for row in records.guides(place.catalog, owner) if row.outcome in taken and row.n_items
    ]
    if not given:
        return everything
    answered = {
        paper.guide_id for paper in records.submissions(place.catalog, owner) if paper.document_id in given
    }
    return [guide_id for guide_id in everything if guide_id in given or guide_id in answered]
