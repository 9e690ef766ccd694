"""Grade: new submissions in, marks and the answers that a human should look at out."""

from __future__ import annotations

from prefect import flow

from domain.kinds import Role
from flows.prepare import ingest
from tasks.grading import grade_documents
from tasks.outcome import GradeOutcome
from tasks.parse import parse_submissions, pending_submissions
from tasks.policy import task_runner


@flow(name="grade", flow_run_name="grade {submissions}", task_runner=task_runner())
def grade(
    submissions: str,
    model: str = "",
) -> GradeOutcome:
    """Reads the submissions and grades every answer to a known guide.

    Args:
        submissions: Folder or file of submissions.
        model: NAME, NAME@alias or NAME/version; empty for the newest.
    """
    ingested = ingest(Role.SUBMISSION, submissions)
    for future in parse_submissions.map(pending_submissions()):
        future.result()
    return grade_documents(ingested, model)
