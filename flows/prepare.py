"""Prepare: files in, a dataset that training can trust out. Nothing that is known is read again."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from pydantic import Field

from domain.kinds import Protocol, Role
from tasks.datasets import make_dataset
from tasks.ingest import find_files, ingest_files, merged
from tasks.model_parsing import read_guides_again, second_reading_wanted
from tasks.outcome import Ingested, PrepareOutcome
from tasks.overview import prepared
from tasks.parse import guides_of, parse_guides, parse_submissions, parse_tables, pending_submissions
from tasks.policy import task_runner


@flow(name="ingest", flow_run_name="ingest {role}", task_runner=task_runner())
def ingest(
    role: Annotated[Role, Field(description="what the files are: guide, submission or answers")],
    path: Annotated[str, Field(description="a folder, or one file")],
) -> Ingested:
    """Files to documents: hashed, read, each text once."""
    chunks = find_files(Role(role).value, path)
    return merged([future.result() for future in ingest_files.map(chunks)])


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
) -> PrepareOutcome:
    """Ingests guides, submissions and tables, parses what is new, makes the dataset."""
    given = ((Role.GUIDE, guides), (Role.SUBMISSION, submissions), (Role.ANSWERS, answers))
    ingested = [ingest(role, path) for role, path in given if path]
    parse_guides()
    readings = read_guides_again() if second_reading_wanted() else None
    parse_tables()
    chunks = pending_submissions()
    for future in parse_submissions.map(chunks):
        future.result()
    taken = guides_of(ingested, accept_doubtful=accept_doubtful)
    facts = make_dataset(dataset, taken, Protocol(protocol).value, seed, max_reject_share)
    return prepared(ingested, facts, readings)
