"""Prepare: files in, a dataset that training can trust out. Nothing that is known is read again."""

from __future__ import annotations

from prefect import flow

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
    role: Role,
    path: str,
    size: int = 0,
    channels: int = 0,
) -> Ingested:
    """Files to documents, archives to points: each content is read once.

    Args:
        role: What the files are: guide, submission, answers or images.
        path: A folder or one file.
        size: Pixels a side of decoded pictures; 0 chooses from the pictures.
        channels: 1 for grey, 3 for colour; 0 chooses from the pictures.
    """
    chunks = find_files(Role(role).value, path, Wanted(size=size, channels=channels))
    try:
        return told_ingested(merged([future.result() for future in ingest_files.map(chunks)]))
    finally:
        released(chunks)


@flow(name="prepare", flow_run_name="prepare {dataset}", task_runner=task_runner())
def prepare(
    guides: str = "",
    submissions: str = "",
    answers: str = "",
    dataset: str = "default",
    protocol: Protocol = Protocol.UNSEEN_ANSWERS,
    seed: int = 0,
    max_reject_share: float = -1.0,
    accept_doubtful: bool = False,
    images: str = "",
    size: int = 0,
    channels: int = 0,
) -> PrepareOutcome:
    """Ingests what was given, parses what is new, makes the dataset.

    Args:
        guides: Folder or file of marking guides; empty for none.
        submissions: Folder or file of graded submissions; empty for none.
        answers: Tidy CSV or JSONL of graded answers; empty for none.
        dataset: Name of the dataset that is made.
        protocol: What a held-out answer is held out from.
        seed: Seed of the split into training, validation and test.
        max_reject_share: Share of rows, 0 to 1, that may be rejected; -1 takes the setting's.
        accept_doubtful: Also take guides that have problems.
        images: ZIP, tar, folder or CSV of labelled pictures; empty for none.
        size: Pixels a side of decoded pictures; 0 chooses from the pictures.
        channels: 1 for grey, 3 for colour; 0 chooses from the pictures.
    """
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
