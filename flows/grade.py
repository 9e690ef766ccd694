"""Grade: new submissions in, marks and the answers that a human should look at out."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from pydantic import Field

from domain.kinds import Role
from flows.prepare import ingest
from tasks.grading import grade_documents
from tasks.outcome import GradeOutcome
from tasks.parse import parse_submissions, pending_submissions
from tasks.policy import task_runner


@flow(name="grade", flow_run_name="grade {submissions}", task_runner=task_runner())
def grade(
    submissions: Annotated[str, Field(description="folder or file of submissions")],
    model: Annotated[str, Field(description="NAME, NAME@alias or NAME/version; '' for the newest")] = "",
) -> GradeOutcome:
    """Reads the submissions and grades every answer to a known guide."""
    ingested = ingest(Role.SUBMISSION, submissions)
    for future in parse_submissions.map(pending_submissions()):
        future.result()
    return grade_documents(ingested, model)
