"""Compare: several jobs held against each other on the same held-out answers or pictures."""

from __future__ import annotations

from typing import Annotated

from prefect import flow
from pydantic import Field

from tasks.comparing import CompareOutcome, compare_jobs
from tasks.policy import task_runner


@flow(name="compare", flow_run_name="compare", task_runner=task_runner())
def compare(
    jobs: Annotated[
        list[str],
        Field(description="ids of jobs or their beginnings; none: the newest of each strategy"),
    ] = [],  # noqa: B006
) -> CompareOutcome:
    """Writes the comparison: quality with intervals, differences, cost and time."""
    return compare_jobs(jobs)
