"""Retrain: datasets made anew of all that is known of their guides, and trained on where they changed."""

from __future__ import annotations

from prefect import flow

from domain.errors import TrainyardError
from flows.sweep import sweep
from tasks.datasets import make_dataset
from tasks.events import told_dataset
from tasks.pending import SweepOutcome
from tasks.policy import task_runner
from tasks.renewal import renewable


@flow(name="retrain", flow_run_name="retrain", task_runner=task_runner())
def retrain() -> SweepOutcome:
    """Trains, evaluates and reports on each dataset to which new graded answers came."""
    outcome = SweepOutcome(done=[], failed=[])
    for old in renewable():
        try:
            new = make_dataset(
                old["kind"], old["name"], old["taken"], old["protocol"], old["seed"], max_reject_share=-1.0
            )
        except TrainyardError as error:
            outcome["failed"].append({"step": "prepare", "subject": old["name"], "reason": str(error)})
            continue
        if new["fingerprint"] == old["fingerprint"]:
            continue
        told_dataset(new)
        swept = sweep(dataset=new["fingerprint"], strategy=old["strategy"])
        outcome["done"] += swept["done"]
        outcome["failed"] += swept["failed"]
    return outcome
