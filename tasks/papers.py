"""A document of submissions as the papers in it: one student's, or a whole class's in a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from domain.contracts import Rejection
from domain.documents.extraction import Extraction
from domain.grading.alignment import align, choose_guide
from domain.grading.class_lists import Sheet, choose_class_guide, class_sheets
from domain.grading.class_rows import read_class_list
from domain.grading.contracts import DOUBTFUL
from domain.grading.records import Criterion, Guide, Item, Submission
from domain.grading.student_folders import parse_bundle, read_bundle
from domain.grading.submissions import parse_submission
from domain.grading.unnumbered import choose_by_likeness, read_unnumbered
from infra import catalog as records
from infra.catalog import Document, ParsedSubmission, ParseOutcome, Unparsed
from infra.texts import get_tables, get_text
from tasks.workplace import Workplace


def papers_of(
    place: Workplace, document: Document, guides: Mapping[str, Guide]
) -> list[ParsedSubmission] | Unparsed:
    """The papers in a document with the guide that they answer; what cannot be used goes to quarantine.

    `guides` are those of `known_guides`. Raises InputError for a document that cannot be parsed at all.
    """
    extraction = extraction_of(place, document)
    sheets = class_sheets(extraction)
    if sheets:
        return _class(place, document, sheets, guides)
    bundle = read_bundle(extraction)
    if bundle is None:
        return _paper(place, document, extraction, partial(parse_submission, extraction), guides)
    # What is left of files by question needs no alignment: each file says what it answers.
    whole = extraction if bundle.by_item else bundle.whole()
    return _paper(place, document, whole, partial(parse_bundle, bundle), guides)


def _class(
    place: Workplace, document: Document, sheets: Sequence[Sheet], guides: Mapping[str, Guide]
) -> list[ParsedSubmission] | Unparsed:
    chosen = choose_class_guide(sheets, list(guides.values()))
    if chosen.index is None:
        return Unparsed(document.id, ParseOutcome.WAITING, (f"{document.name}: {chosen.problem}",))
    guide_id, guide = list(guides.items())[chosen.index]
    found = read_class_list(sheets, guide)
    records.quarantine(place.catalog, place.settings.owner, document.name, found.rejections, document.id)
    if not found.papers:
        told = "; ".join(dict.fromkeys(f"{r.column} {r.check}" for r in found.rejections)) or "it has no rows"
        problem = f"{document.name}: no row of this class list has an answer ({told})"
        return Unparsed(document.id, ParseOutcome.FAILED, (problem,))
    return [ParsedSubmission(document.id, guide_id, paper) for paper in found.papers]


def _paper(
    place: Workplace,
    document: Document,
    extraction: Extraction,
    parse: Callable[[str, Sequence[str] | None], Submission],
    guides: Mapping[str, Guide],
) -> list[ParsedSubmission] | Unparsed:
    """`parse` takes the document's name and the numbers that the paper may answer."""
    first = parse(document.name, None)
    chosen = choose_guide(first, list(guides.values()))
    if chosen.index is None and not first.answers and not first.guide_title:
        chosen = choose_by_likeness(extraction, list(guides.values()))
    if chosen.index is None:
        return Unparsed(document.id, ParseOutcome.WAITING, (f"{document.name}: {chosen.problem}",))
    guide_id, guide = list(guides.items())[chosen.index]
    # Read again, now that the guide's numbers can tell parts of questions from lists in answers.
    paper = parse(document.name, [item.number for item in guide.items])
    paper = read_unnumbered(extraction, document.name, paper, guide)
    if not paper.answers:
        return Unparsed(document.id, ParseOutcome.FAILED, paper.problems)
    aligned = align(paper, guide)
    rejected = [
        Rejection("Answers", f"{paper.student}", "answer", problem, "") for problem in aligned.problems
    ]
    answers = tuple(replace(m.answer, number=m.item.number) for m in aligned.matched)
    rejected += [Rejection(DOUBTFUL, paper.student, "answer", a.doubt, a.text) for a in answers if a.doubt]
    records.quarantine(place.catalog, place.settings.owner, document.name, rejected, document.id)
    read = Submission(paper.student, answers, paper.guide_title, paper.expected_total, _beyond(paper))
    return [ParsedSubmission(document.id, guide_id, read)]


def _beyond(paper: Submission) -> tuple[str, ...]:
    """What is wrong with a paper beyond single answers, which alignment reports itself."""
    return tuple(problem for problem in paper.problems if not problem.startswith("answers item"))


def known_guides(place: Workplace) -> dict[str, Guide]:
    """The stored guides by id, again as records, as far as alignment needs them."""
    owner = place.settings.owner
    titles = {row.id: row.title for row in records.guides(place.catalog, owner)}
    frame = records.items_frame(place.catalog, owner, list(titles))
    items: dict[str, list[Item]] = {guide_id: [] for guide_id in titles}
    for row in frame.to_dict("records"):
        criteria = tuple(Criterion(one["text"], one["marks"]) for one in row["criteria"])
        items[row["guide_id"]].append(
            Item(
                row["number"],
                row["question"],
                row["model_answer"],
                row["max_score"],
                criteria,
                tuple(row["alternatives"]),
            )
        )
    return {guide_id: Guide(title, tuple(items[guide_id])) for guide_id, title in titles.items()}


def extraction_of(place: Workplace, document: Document) -> Extraction:
    return Extraction(
        text=get_text(place.store, document),
        method=document.method,
        media_type=document.media_type,
        seconds=0.0,
        quality=document.quality,
        language=document.language,
        tables=get_tables(place.store, document),
        n_pages=document.n_pages,
        notes=document.notes,
    )
