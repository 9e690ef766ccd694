"""Prepare: files in, a dataset that training can trust out. Nothing that is known is read again."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from pydantic import Field

from domain.kinds import Kind, Protocol, Role
from tasks.carrying import released
from tasks.datasets import make_dataset, taken_of
from tasks.events import told_dataset, told_ingested
from tasks.ingest import find_files, ingest_files, merged
from tasks.materials import Wanted, kind_of
from tasks.model_parsing import read_guides_again, second_reading_wanted
from tasks.outcome import Ingested, PrepareOutcome, SecondReadings
from tasks.overview import prepared
from tasks.parse import parse_guides, parse_submissions, parse_tables, pending_submissions
from tasks.policy import task_runner
from tasks.preparations import preparing


@flow(name="ingest", flow_run_name="ingest {role}", task_runner=task_runner())
def ingest(
    role: Annotated[Role, Field(description="what the files are: guide, submission, answers or images")],
    path: Annotated[str, Field(description="a folder, or one file")],
    size: Annotated[int, Field(description="points a side of decoded pictures; 0: chosen from them")] = 0,
    channels: Annotated[int, Field(description="1 grey, 3 colour, 0: chosen from the pictures")] = 0,
) -> Ingested:
    """Files to documents, archives to points: each content is read once."""
    chunks = find_files(Role(role).value, path, Wanted(size=size, channels=channels))
    try:
        return told_ingested(merged([future.result() for future in ingest_files.map(chunks)]))
    finally:
        released(chunks)


@flow(name="prepare", flow_run_name="prepare {dataset}", task_runner=task_runner())
def prepare(
    guides: Annotated[str, Field(description="folder or file of marking guides; '' for none")] = "",
    submissions: Annotated[str, Field(description="folder or file of graded submissions; '' for none")] = "",
    answers: Annotated[str, Field(description="tidy CSV or JSONL of graded answers; '' for none")] = "",
    dataset: Annotated[str, Field(description="name of the dataset")] = "default",
    protocol: Annotated[Protocol, Field(description="what is held out")] = Protocol.UNSEEN_ANSWERS,
    seed: Annotated[int, Field(description="seed of the split")] = 0,
    max_reject_share: Annotated[float, Field(description="-1 for the setting's")] = -1.0,
    accept_doubtful: Annotated[bool, Field(description="take guides with problems too")] = False,
    images: Annotated[str, Field(description="ZIP, tar, folder or CSV of labelled pictures; '' none")] = "",
    size: Annotated[int, Field(description="points a side of decoded pictures; 0: chosen from them")] = 0,
    channels: Annotated[int, Field(description="1 grey, 3 colour, 0: chosen from the pictures")] = 0,
) -> PrepareOutcome:
    """Ingests what was given, parses what is new, makes the dataset."""
    given = roles_given(guides, submissions, answers, images)
    kind = kind_of(list(given))
    with preparing(kind, dataset, given) as preparation:
        ingested = [ingest(role, path, size, channels) for role, path in given.items()]
        readings = parse() if kind in PARSED else None
        taken = taken_of(kind.value, ingested, accept_doubtful)
        facts = told_dataset(
            make_dataset(kind.value, dataset, taken, Protocol(protocol).value, seed, max_reject_share)
        )
        preparation.ready(facts)
    return prepared(ingested, facts, readings)


def roles_given(guides: str, submissions: str, answers: str, images: str) -> dict[Role, str]:
    """What was given by its role."""
    roles = {Role.GUIDE: guides, Role.SUBMISSION: submissions, Role.ANSWERS: answers, Role.IMAGES: images}
    return {role: path for role, path in roles.items() if path}


def kind_given(guides: str, submissions: str, answers: str, images: str) -> Kind:
    return kind_of(list(roles_given(guides, submissions, answers, images)))


PARSED = (Kind.GRADING,)
"""Kinds whose material is text, in which items and answers are to be found."""


def parse() -> SecondReadings | None:
    """Documents to guides, items and answers, each once; what a language model read, where it is asked."""
    parse_guides()
    readings = read_guides_again() if second_reading_wanted() else None
    parse_tables()
    chunks = pending_submissions()
    for future in parse_submissions.map(chunks):
        future.result()
    return readings
