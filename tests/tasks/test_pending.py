"""What a sweep finds to do: what was broken off is resumed while it gets further, the rest stays as it is."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from domain.kinds import Kind
from infra import catalog as records
from infra.catalog import BROKEN_OFF, IterationRow, Job, JobState
from tasks.events import DATASET_CREATED
from tasks.pending import note_resumption, pending_work
from tasks.workplace import workplace

FINGERPRINT = "f" * 64


@pytest.fixture
def job(home: Path) -> Job:
    """Running, for a dataset that nobody at a keyboard made."""
    catalog = workplace().catalog
    dataset = records.make_dataset(
        catalog,
        owner="local",
        name="t",
        kind=Kind.GRADING,
        fingerprint=FINGERPRINT,
        protocol="unseen_answers",
        seed=0,
        facts={},
        splits=pd.DataFrame({"answer_id": [], "split": [], "protocol": []}),
    )
    records.announce_once(catalog, "local", DATASET_CREATED, FINGERPRINT, {}, followed=False)
    job = records.begin_job(
        catalog,
        owner="local",
        key="k",
        kind=Kind.GRADING,
        dataset_id=dataset.id,
        requested_strategy="native",
        config={"iterations": 4},
    )
    return records.update_job(catalog, job.id, strategy="native", state=JobState.RUNNING)


def resumed() -> list[str]:
    return [one["resumes"] for one in pending_work.fn()]


def test_a_training_that_was_settled_is_resumed_with_what_it_had(job: Job) -> None:
    assert records.settle_job(workplace().catalog, job, "its process was killed")
    assert pending_work.fn() == [
        {
            "step": "train",
            "subject": FINGERPRINT,
            "strategy": "native",
            "hyperparameters": ["iterations=4"],
            "resumes": job.id,
        }
    ]


@pytest.mark.parametrize("state", [JobState.CANCELLED, JobState.FAILED])
def test_what_failed_by_itself_or_was_cancelled_is_left(state: JobState, job: Job) -> None:
    records.end_job(workplace().catalog, job.id, state, "the loss is no number")
    assert resumed() == []


def test_what_gets_no_further_is_resumed_three_times(job: Job) -> None:
    catalog = workplace().catalog
    records.end_job(catalog, job.id, JobState.FAILED, f"{BROKEN_OFF}out of memory")
    for _ in range(3):
        assert resumed() == [job.id]
        note_resumption.fn(job.id)
    assert resumed() == []
    records.record_iteration(catalog, job.id, IterationRow(1, "key", {}, 1.0))
    assert resumed() == [job.id]
