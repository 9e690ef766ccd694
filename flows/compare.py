"""Compare: several jobs held against each other on the same held-out answers or pictures."""

from __future__ import annotations

from prefect import flow

from tasks.comparing import CompareOutcome, compare_jobs
from tasks.policy import task_runner


@flow(name="compare", flow_run_name="compare", task_runner=task_runner())
def compare(jobs: list[str] = []) -> CompareOutcome:  # noqa: B006
    """Writes the comparison: quality with intervals, differences, cost and time.

    Args:
        jobs: Ids of jobs or their beginnings; none for the newest of each strategy.
    """
    return compare_jobs(jobs)
