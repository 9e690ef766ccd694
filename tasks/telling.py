"""What MLflow is told of a job: at once where it answers, else later, from what the catalog knows.

Every telling is idempotent: what was sent is looked up before it is sent again, so that nothing is lost and
nothing doubled.
"""

from __future__ import annotations

import logging
import time
from typing import TypedDict

from domain.errors import OutsideError
from infra import catalog as records
from infra.catalog import IterationRow, Job, JobState
from infra.tracking import EndStatus
from infra.unsent import forget_unsent, note_unsent
from tasks.links import flow_run_url
from tasks.workplace import Workplace

log = logging.getLogger(__name__)

ENDED: dict[JobState, EndStatus] = {
    JobState.FINISHED: "FINISHED",
    JobState.FAILED: "KILLED",
    JobState.CANCELLED: "KILLED",
}


_REST_SECONDS = 30.0
"""Between two looks at an MLflow that is away: each takes some seconds of the training's time."""
_asked_again_at: dict[str, float] = {}
"""By job, on the monotonic clock."""


class Trained(TypedDict):
    """Training after an iteration. `checkpoint` is a key of the store."""

    iteration: int
    checkpoint: str
    done: bool
    metrics: dict[str, float]
    seconds: float
    remedied: bool


def tell_iteration(place: Workplace, job: Job, trained: Trained) -> None:
    """Catalog and MLflow learn of an iteration; telling them again changes nothing.

    An MLflow that is away learns of it later (`tell_all`).
    """
    if trained["iteration"] == 0:
        return
    row = IterationRow(
        iteration=trained["iteration"],
        checkpoint_key=trained["checkpoint"],
        metrics=trained["metrics"],
        seconds=trained["seconds"],
        remedied=trained["remedied"],
    )
    records.record_iteration(place.catalog, job.id, row)
    if not job.mlflow_run_id or time.monotonic() < _asked_again_at.get(job.id, 0.0):
        note_unsent(place.settings.home, job.id)
        return
    try:
        _tell(place, job.mlflow_run_id, row)
    except OutsideError as away:
        tell_later(place, job, away)


def tell_later(place: Workplace, job: Job, away: OutsideError) -> None:
    """The job's figures are to be sent when MLflow is back."""
    note_unsent(place.settings.home, job.id)
    _asked_again_at[job.id] = time.monotonic() + _REST_SECONDS
    log.warning("%s. The job goes on: its figures are kept, and sent later", away)


def tell_all(place: Workplace, job: Job) -> None:
    """Every iteration that the catalog knows of. Raises OutsideError while MLflow does not answer."""
    for row in records.iterations(place.catalog, job.id):
        _tell(place, job.mlflow_run_id, row)
    forget_unsent(place.settings.home, job.id)


def _tell(place: Workplace, run_id: str, row: IterationRow) -> None:
    # What was no number is None in the catalog.
    known = {name: float("nan") if value is None else value for name, value in row.metrics.items()}
    figures = {**known, "seconds_per_iteration": row.seconds}
    place.tracking.log_iteration_metrics(run_id, row.iteration, figures)


def opened_run(place: Workplace, job: Job, flow_run_id: str) -> str:
    """The id of the job's MLflow run, RUNNING from now on; a resumed job reopens its own."""
    dataset = records.dataset(place.catalog, place.settings.owner, job.dataset_id)
    experiment = f"{job.kind}/{dataset.name}"
    tags = {
        "job_id": job.id,
        "strategy": job.strategy,
        "kind": str(job.kind),
        "prefect.flow_run_id": flow_run_id,
        "prefect.flow_run_url": flow_run_url(place, flow_run_id),
    }
    run_id = place.tracking.start_or_reopen(
        experiment, f"{job.strategy} {job.id[:8]}", tags, job.mlflow_run_id or None
    )
    if (winner := records.claim_mlflow_run(place.catalog, job.id, run_id)) != run_id:
        # Another process opened one for the same job at the same moment: ours stays empty, so end it.
        place.tracking.end(run_id, "KILLED")
        run_id = place.tracking.start_or_reopen(experiment, "", tags, winner)
    facts = {"protocol": dataset.protocol, "n_items": dataset.n_items, "n_answers": dataset.n_answers}
    place.tracking.log_dataset(run_id, dataset.name, dataset.fingerprint, "training", facts)
    return run_id
