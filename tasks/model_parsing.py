"""Guides read a second time, by a language model; differences go to a person, whose word then counts.

The rule parser's reading stands wherever it has no problem. What a person settled is applied each time,
so that it outlives a newer version of the parsers.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence

from prefect import runtime, task

from domain.documents.extraction import Extraction
from domain.errors import InputError, ReplyError, SettingError
from domain.grading.guide_choices import Choice, settled_guide
from domain.grading.guide_comparison import Outcome, Verdict, compare
from domain.grading.guide_json import guide_to_json
from domain.grading.guide_requests import PROMPT_VERSION, requests_for, source_of
from domain.grading.guides import parse_guide
from domain.grading.model_guides import read_items
from domain.grading.parsing import PARSER_VERSION
from domain.grading.records import Guide
from domain.identity import fingerprint
from domain.kinds import Role
from domain.language_models import Answered, AskModel
from infra import catalog as records
from infra.catalog import Document, ParsedGuide, ParseOutcome, Question, ReviewRow, Unparsed
from tasks.effects import asking
from tasks.language_models import language_models
from tasks.outcome import SecondReadings
from tasks.papers import extraction_of
from tasks.parse import is_storable
from tasks.policy import RETRIED
from tasks.workplace import Workplace, workplace

log = logging.getLogger(__name__)

CHUNK = 50
"""Guides that are asked about at once; what they gave is kept before the next are."""
_REVIEWED = f"{PARSER_VERSION}+reviewed:"
_BY_SETTING = "TRAINYARD_MODEL_PARSING=accept-verified"
_FINAL = ("unreadable", "refused", "rejected")
"""Kinds of failure that asking again would only repeat."""


def second_reading_wanted() -> bool:
    """Whether guides are to be read by a language model too, or were, with differences that are kept."""
    place = workplace()
    off = place.settings.model_parsing == "off"
    return not off or bool(records.find_reviews(place.catalog, place.settings.owner))


@task(task_run_name="read guides with a language model", **RETRIED)
def read_guides_again() -> SecondReadings:
    """Asks a language model about the guides that it has not read, and applies what reviews settled."""
    place = workplace()
    told = SecondReadings(n_read=0, n_agreed=0, n_accepted=0, n_open=0, refused=[], notes=[])
    if place.settings.model_parsing != "off":
        asker = asking(f"reading of guides in {runtime.flow_run.id or 'no flow'}")
        if asker is None:
            told["notes"].append(
                f"TRAINYARD_MODEL_PARSING is {place.settings.model_parsing}, but no language model is set "
                "up: the rule parser alone read the guides (`trainyard doctor` says how to set one up)"
            )
        else:
            _read_pending(place, asker, language_models().names[0], told)
            if asker.usage.n_requests:
                told["notes"].append(f"language model: {asker.usage.told()}")
        if place.settings.model_parsing == "accept-verified":
            told["n_accepted"] = _accept_verified(place)
    apply_reviews(place)
    told["n_open"] = records.n_open_reviews(place.catalog, place.settings.owner)
    return told


def _read_pending(place: Workplace, ask: AskModel, model: str, told: SecondReadings) -> None:
    """Reads what this model, asked in these words, has not read beside this version of the rule parser."""
    reader = f"llm:{model}:{PROMPT_VERSION}:{PARSER_VERSION}"
    pending = [
        document
        for document in records.pending_parses(place.catalog, place.settings.owner, Role.GUIDE, reader)
        # The fields of JSON have names; there is nothing in it to understand.
        if "json" not in document.media_type
    ]
    for start in range(0, len(pending), CHUNK):
        chunk = pending[start : start + CHUNK]
        try:
            failures = _read_chunk(place, ask, reader, chunk, told)
        except SettingError as refusal:
            told["notes"].append(f"no guide was read by a language model: {refusal}")
            return
        if failures:
            told["notes"].append(
                f"{len(failures)} guides were not read by a language model, the rule parser's reading stands "
                f"and the next run asks again: {failures[0]}"
            )
        if len(failures) == len(chunk):
            return


def _read_chunk(
    place: Workplace, ask: AskModel, reader: str, documents: Sequence[Document], told: SecondReadings
) -> list[str]:
    """Reads a chunk and keeps what came of it; why guides had no reply that may come later."""
    extractions = [extraction_of(place, document) for document in documents]
    asked = [requests_for(source_of(e), d.name) for e, d in zip(extractions, documents, strict=True)]
    answered = iter(ask([request for requests in asked for request in requests]))
    notes: list[Unparsed] = []
    failures: list[str] = []
    for document, extraction, requests in zip(documents, extractions, asked, strict=True):
        replies = [next(answered) for _ in requests]
        try:
            outcome = _judge(place, document, extraction, replies, told)
        except ReplyError as failure:
            if failure.kind not in _FINAL:
                failures.append(str(failure))
                continue
            told["refused"].append({"name": document.name, "reason": str(failure)})
            outcome = Unparsed(document.id, ParseOutcome.FAILED, (str(failure),))
        notes.append(outcome)
    records.note_readings(place.catalog, reader, notes)
    told["n_read"] += len(notes)
    log.info("guides read by a language model: %d, without a reply: %d", len(notes), len(failures))
    return failures


def _judge(
    place: Workplace,
    document: Document,
    extraction: Extraction,
    replies: Sequence[Answered],
    told: SecondReadings,
) -> Unparsed:
    """Compares the two readings of a guide and opens the reviews that this takes."""
    source = source_of(extraction)
    reading = read_items(replies, source, document.name)
    verdict = compare(_by_rule(extraction, document), reading, source)
    questions = [
        Question(d.item, d.field, d.rule, d.model, d.evidence, d.reason) for d in verdict.disagreements
    ]
    records.ask_reviewer(place.catalog, place.settings.owner, document.id, questions, reading.model)
    told["n_agreed"] += verdict.outcome is Outcome.AGREED
    problems = _problems(verdict, reading.guide)
    if problems:
        shown = "; ".join(problems[:3]) + (f"; and {len(problems) - 3} more" if len(problems) > 3 else "")
        told["refused"].append({"name": document.name, "reason": shown})
    outcome = ParseOutcome.OK if verdict.outcome is Outcome.AGREED else ParseOutcome.PROBLEM
    return Unparsed(document.id, outcome, problems)


def _problems(verdict: Verdict, reading: Guide) -> tuple[str, ...]:
    """Why a reading, or a part of it, was put aside."""
    told = tuple(map(str, verdict.refusals))
    return told + reading.problems if verdict.outcome is Outcome.REFUSED else told


def _by_rule(extraction: Extraction, document: Document) -> Guide | None:
    try:
        return parse_guide(extraction, document.name)
    except InputError:
        return None


def _accept_verified(place: Workplace) -> int:
    """Takes the open proposals of guides that only the model could read, and read whole; how many."""
    found = records.find_reviews(place.catalog, place.settings.owner, state="open")
    # The evidence of a proposal are the lines that the model passed over.
    proposals = [review for review in found if review.field == "guide" and not review.evidence]
    for review in proposals:
        records.settle_review(place.catalog, review.id, "model", _BY_SETTING)
    return len(proposals)


def apply_reviews(place: Workplace, document_ids: Sequence[str] | None = None) -> list[Guide]:
    """Makes each guide what its settled reviews say; those that were changed, with their problems.

    Submissions that answer a changed guide wait for the next parsing.
    """
    settled = records.find_reviews(
        place.catalog, place.settings.owner, state="settled", document_ids=document_ids
    )
    by_document: dict[str, list[ReviewRow]] = defaultdict(list)
    for review in settled:
        by_document[review.document_id].append(review)
    in_force = records.parsers_in_force(place.catalog, list(by_document))
    # Where nothing of the model's was ever taken, the rule parser's reading is in force already.
    touched = [
        document_id
        for document_id, found in by_document.items()
        if any(r.choice == "model" for r in found) or in_force.get(document_id, "").startswith(_REVIEWED)
    ]
    documents = records.documents(place.catalog, place.settings.owner, Role.GUIDE, touched)
    return list(_applied(place, documents, by_document, in_force))


def _applied(
    place: Workplace,
    documents: Sequence[Document],
    reviews: dict[str, list[ReviewRow]],
    in_force: dict[str, str],
) -> Iterator[Guide]:
    for document in documents:
        extraction = extraction_of(place, document)
        rule = _by_rule(extraction, document)
        taken = [review for review in reviews[document.id] if review.choice == "model"]
        taken.sort(key=lambda review: (review.settled_at or review.created_at, review.id))
        choices = [Choice(r.item, r.field, r.rule_value, r.model_value) for r in taken]
        guide = settled_guide(rule, choices, source_of(extraction), document.name)
        # A parse holds the items of one guide only, so a guide that differs is another parse.
        version = PARSER_VERSION if guide == rule or guide is None else f"{_REVIEWED}{_digest(guide)}"
        if guide is None or in_force.get(document.id) == version:
            continue
        if is_storable(guide):
            records.save_guides(place.catalog, version, [ParsedGuide(document.id, guide)])
        else:
            unusable = Unparsed(document.id, ParseOutcome.FAILED, guide.problems)
            records.save_unparsed(place.catalog, version, [unusable])
        n = records.await_guide(
            place.catalog, document.id, f"its guide {document.name} was changed by a review"
        )
        log.info("guide %s: changed by a review, %d submissions wait for it", document.name, n)
        yield guide


def _digest(guide: Guide) -> str:
    return fingerprint(guide_to_json(guide))[:12]
